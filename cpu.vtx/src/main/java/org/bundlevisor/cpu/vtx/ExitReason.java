package org.bundlevisor.cpu.vtx;

/** Basic exit reasons with their names, SDM vol. 3D, appendix C. */
enum ExitReason {
    EXCEPTION_OR_NMI(0, "Exception or NMI"),
    EXTERNAL_INTERRUPT(1, "External interrupt"),
    TRIPLE_FAULT(2, "Triple fault"),
    INIT_SIGNAL(3, "INIT signal"),
    STARTUP_IPI(4, "Start-up IPI (SIPI)"),
    INTERRUPT_WINDOW(7, "Interrupt window"),
    NMI_WINDOW(8, "NMI window"),
    TASK_SWITCH(9, "Task switch"),
    CPUID(10, "CPUID"),
    GETSEC(11, "GETSEC"),
    HLT(12, "HLT"),
    INVD(13, "INVD"),
    INVLPG(14, "INVLPG"),
    RDPMC(15, "RDPMC"),
    RDTSC(16, "RDTSC"),
    RSM(17, "RSM"),
    VMCALL(18, "VMCALL"),
    VMCLEAR(19, "VMCLEAR"),
    VMLAUNCH(20, "VMLAUNCH"),
    VMPTRLD(21, "VMPTRLD"),
    VMPTRST(22, "VMPTRST"),
    VMREAD(23, "VMREAD"),
    VMRESUME(24, "VMRESUME"),
    VMWRITE(25, "VMWRITE"),
    VMXOFF(26, "VMXOFF"),
    VMXON(27, "VMXON"),
    CONTROL_REGISTER_ACCESS(28, "Control-register accesses"),
    MOV_DR(29, "MOV DR"),
    IO_INSTRUCTION(30, "I/O instruction"),
    RDMSR(31, "RDMSR"),
    WRMSR(32, "WRMSR"),
    INVALID_GUEST_STATE(33, "VM-entry failure due to invalid guest state"),
    MSR_LOADING(34, "VM-entry failure due to MSR loading"),
    MWAIT(36, "MWAIT"),
    MONITOR_TRAP_FLAG(37, "Monitor trap flag"),
    MONITOR(39, "MONITOR"),
    PAUSE(40, "PAUSE"),
    MACHINE_CHECK_ON_ENTRY(41, "VM-entry failure due to machine-check event"),
    TPR_BELOW_THRESHOLD(43, "TPR below threshold"),
    APIC_ACCESS(44, "APIC access"),
    VIRTUALIZED_EOI(45, "Virtualized EOI"),
    GDTR_OR_IDTR_ACCESS(46, "Access to GDTR or IDTR"),
    LDTR_OR_TR_ACCESS(47, "Access to LDTR or TR"),
    EPT_VIOLATION(48, "EPT violation"),
    EPT_MISCONFIGURATION(49, "EPT misconfiguration"),
    INVEPT(50, "INVEPT"),
    RDTSCP(51, "RDTSCP"),
    PREEMPTION_TIMER_EXPIRED(52, "VMX-preemption timer expired"),
    INVVPID(53, "INVVPID"),
    WBINVD(54, "WBINVD or WBNOINVD"),
    XSETBV(55, "XSETBV"),
    APIC_WRITE(56, "APIC write"),
    RDRAND(57, "RDRAND"),
    INVPCID(58, "INVPCID"),
    VMFUNC(59, "VMFUNC"),
    ENCLS(60, "ENCLS"),
    RDSEED(61, "RDSEED"),
    PAGE_MODIFICATION_LOG_FULL(62, "Page-modification log full"),
    XSAVES(63, "XSAVES"),
    XRSTORS(64, "XRSTORS");

    /** Bit 31 of the exit-reason field, SDM vol. 3C, 25.9.1: the VM entry failed, no guest instruction was executed. */
    static final long ENTRY_FAILURE = 1L << 31;

    private final int number;
    private final String title;

    ExitReason(int number, String title) {
        this.number = number;
        this.title = title;
    }

    /** Bits 15:0 of the exit-reason field. */
    int number() {
        return number;
    }

    /** The manual's name. */
    @Override
    public String toString() {
        return title;
    }
}
