package org.bundlevisor.cpu.vtx;

/** The named bits of the VMX controls, SDM vol. 3C, 25.6 to 25.8. */
final class Controls {
    private Controls() {}

    /** Pin-based VM-execution controls, table 25-5. */
    static final class Pin {
        static final int EXTERNAL_INTERRUPT_EXITING = 1;
        static final int NMI_EXITING = 1 << 3;
        static final int VIRTUAL_NMIS = 1 << 5;
        static final int ACTIVATE_PREEMPTION_TIMER = 1 << 6;
        static final int PROCESS_POSTED_INTERRUPTS = 1 << 7;

        private Pin() {}
    }

    /** Primary processor-based VM-execution controls, table 25-6. */
    static final class Primary {
        static final int INTERRUPT_WINDOW_EXITING = 1 << 2;
        static final int USE_TSC_OFFSETTING = 1 << 3;
        static final int HLT_EXITING = 1 << 7;
        static final int INVLPG_EXITING = 1 << 9;
        static final int MWAIT_EXITING = 1 << 10;
        static final int RDPMC_EXITING = 1 << 11;
        static final int RDTSC_EXITING = 1 << 12;
        static final int CR3_LOAD_EXITING = 1 << 15;
        static final int CR3_STORE_EXITING = 1 << 16;
        static final int CR8_LOAD_EXITING = 1 << 19;
        static final int CR8_STORE_EXITING = 1 << 20;
        static final int USE_TPR_SHADOW = 1 << 21;
        static final int NMI_WINDOW_EXITING = 1 << 22;
        static final int MOV_DR_EXITING = 1 << 23;
        static final int UNCONDITIONAL_IO_EXITING = 1 << 24;
        static final int USE_IO_BITMAPS = 1 << 25;
        static final int MONITOR_TRAP_FLAG = 1 << 27;
        static final int USE_MSR_BITMAPS = 1 << 28;
        static final int MONITOR_EXITING = 1 << 29;
        static final int PAUSE_EXITING = 1 << 30;
        static final int ACTIVATE_SECONDARY_CONTROLS = 1 << 31;

        private Primary() {}
    }

    /** Secondary processor-based VM-execution controls, table 25-7. */
    static final class Secondary {
        static final int VIRTUALIZE_APIC_ACCESSES = 1;
        static final int ENABLE_EPT = 1 << 1;
        static final int DESCRIPTOR_TABLE_EXITING = 1 << 2;
        static final int ENABLE_RDTSCP = 1 << 3;
        static final int VIRTUALIZE_X2APIC_MODE = 1 << 4;
        static final int ENABLE_VPID = 1 << 5;
        static final int WBINVD_EXITING = 1 << 6;
        static final int UNRESTRICTED_GUEST = 1 << 7;
        static final int APIC_REGISTER_VIRTUALIZATION = 1 << 8;
        static final int VIRTUAL_INTERRUPT_DELIVERY = 1 << 9;
        static final int RDRAND_EXITING = 1 << 11;
        static final int ENABLE_INVPCID = 1 << 12;
        static final int ENABLE_VM_FUNCTIONS = 1 << 13;
        static final int VMCS_SHADOWING = 1 << 14;
        static final int ENABLE_PML = 1 << 17;
        static final int EPT_VIOLATION_EXCEPTION = 1 << 18;
        static final int MODE_BASED_EXECUTE_CONTROL = 1 << 22;
        static final int USE_TSC_SCALING = 1 << 25;

        private Secondary() {}
    }

    /** Primary VM-exit controls, table 25-13. */
    static final class Exit {
        static final int SAVE_DEBUG_CONTROLS = 1 << 2;
        static final int HOST_ADDRESS_SPACE_SIZE = 1 << 9;
        static final int LOAD_PERF_GLOBAL_CTRL = 1 << 12;
        static final int ACKNOWLEDGE_INTERRUPT_ON_EXIT = 1 << 15;
        static final int SAVE_PAT = 1 << 18;
        static final int LOAD_PAT = 1 << 19;
        static final int SAVE_EFER = 1 << 20;
        static final int LOAD_EFER = 1 << 21;
        static final int SAVE_PREEMPTION_TIMER = 1 << 22;

        private Exit() {}
    }

    /** VM-entry controls, table 25-16. */
    static final class Entry {
        static final int LOAD_DEBUG_CONTROLS = 1 << 2;
        static final int IA_32E_MODE_GUEST = 1 << 9;
        static final int ENTRY_TO_SMM = 1 << 10;
        static final int DEACTIVATE_DUAL_MONITOR_TREATMENT = 1 << 11;
        static final int LOAD_PERF_GLOBAL_CTRL = 1 << 13;
        static final int LOAD_PAT = 1 << 14;
        static final int LOAD_EFER = 1 << 15;

        private Entry() {}
    }
}
