package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Exit;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;

/**
 * What this implementation of VMX can do, as the capability MSRs say it, SDM vol. 3D, appendix A. Of the controls' MSRs the
 * low half holds the bits that must be 1, the high half the bits that may be 1.
 */
record Capabilities(
        long basic,
        long pinBased,
        long primary,
        long secondary,
        long exit,
        long entry,
        long misc,
        long cr0Fixed0,
        long cr0Fixed1,
        long cr4Fixed0,
        long cr4Fixed1,
        long eptVpid,
        long vmFunctions,
        int physicalAddressBits) {
    /** IA32_VMX_BASIC, the first of the capability MSRs. */
    static final int IA32_VMX_BASIC = 0x480;

    /** IA32_VMX_VMFUNC, the last of them. */
    static final int IA32_VMX_VMFUNC = 0x491;

    static final long CR0_PE = 1;
    static final long CR0_NE = 1 << 5;
    static final long CR0_PG = 1L << 31;
    static final long CR4_VMXE = 1 << 13;

    /** Any value will do; VMPTRLD compares it with what the VMCS region begins with. */
    private static final int REVISION_IDENTIFIER = 1;

    /** Bytes that software sets aside for a VMCS region. */
    private static final int VMCS_REGION_SIZE = 4096;

    private static final long BASIC_WRITE_BACK = 6L << 50;
    private static final long BASIC_INS_OUTS_INFORMATION = 1L << 54;
    private static final long BASIC_TRUE_CONTROLS = 1L << 55;

    // Reserved bits that must be 1, SDM vol. 3D, A.3 to A.5 (default1), without those that the TRUE MSRs free.
    private static final int PIN_DEFAULT = 0x16;
    private static final int PRIMARY_DEFAULT = 0x0400_6172;
    private static final int EXIT_DEFAULT = 0x0003_6dfb;
    private static final int ENTRY_DEFAULT = 0x11fb;

    private static final long MISC_ACTIVITY_HLT = 1 << 6;
    private static final long MISC_ACTIVITY_SHUTDOWN = 1 << 7;
    private static final long MISC_ACTIVITY_WAIT_FOR_SIPI = 1 << 8;
    private static final long MISC_CR3_TARGETS = 4 << 16;
    private static final long MISC_WRITE_EXIT_INFORMATION = 1 << 29;
    private static final long MISC_INJECT_LENGTH_ZERO = 1 << 30;

    /** The preemption timer counts at the TSC's rate shifted right by this. */
    static final int PREEMPTION_TIMER_SHIFT = 0;

    /** Bits of CR4, SDM vol. 3A, 2.5, each with CPUID's leaf, register (EAX 0 to EDX 3) and bit of its feature. */
    private static final int[][] CR4_FEATURES = {
        {0, 1, 3, 1}, // VME
        {1, 1, 3, 1}, // PVI
        {2, 1, 3, 4}, // TSD
        {3, 1, 3, 2}, // DE
        {4, 1, 3, 3}, // PSE
        {5, 1, 3, 6}, // PAE
        {6, 1, 3, 7}, // MCE
        {7, 1, 3, 13}, // PGE
        {8, 1, 3, 0}, // PCE: there wherever there is an FPU
        {9, 1, 3, 24}, // OSFXSR
        {10, 1, 3, 25}, // OSXMMEXCPT
        {11, 7, 2, 2}, // UMIP
        {16, 7, 1, 0}, // FSGSBASE
        {17, 1, 2, 17}, // PCIDE
        {18, 1, 2, 26}, // OSXSAVE
        {20, 7, 1, 7}, // SMEP
        {21, 7, 1, 20}, // SMAP
    };

    static final long EPT_EXECUTE_ONLY = 1;
    static final long EPT_WALK_LENGTH_4 = 1 << 6;
    static final long EPT_UNCACHEABLE = 1 << 8;
    static final long EPT_WRITE_BACK = 1 << 14;
    static final long EPT_2M_PAGES = 1 << 16;
    static final long EPT_1G_PAGES = 1 << 17;
    static final long EPT_INVEPT = 1 << 20;
    static final long EPT_ACCESSED_DIRTY = 1 << 21;
    static final long EPT_INVEPT_SINGLE = 1 << 25;
    static final long EPT_INVEPT_ALL = 1 << 26;
    static final long VPID_INVVPID = 1L << 32;
    static final long VPID_INDIVIDUAL_ADDRESS = 1L << 40;
    static final long VPID_SINGLE_CONTEXT = 1L << 41;
    static final long VPID_ALL_CONTEXTS = 1L << 42;
    static final long VPID_SINGLE_RETAINING_GLOBALS = 1L << 43;

    /** What the processor of cpu.core can be told to do while it executes this CPU model. */
    static Capabilities of(CpuModel model) {
        long cr4 = 0;
        for (int[] row : CR4_FEATURES) {
            if (model.feature(row[1], 0, row[2], row[3])) {
                cr4 |= 1L << row[0];
            }
        }
        return of(model.physicalAddressBits(), cr4);
    }

    /**
     * What the processor of cpu.core, with the state that its guest's model has, can be told to do.
     *
     * @param cr4Bits of CR4 that the guest's CPU model defines
     */
    static Capabilities of(int physicalAddressBits, long cr4Bits) {
        return new Capabilities(
                REVISION_IDENTIFIER
                        | (long) VMCS_REGION_SIZE << 32
                        | BASIC_WRITE_BACK
                        | BASIC_INS_OUTS_INFORMATION
                        | BASIC_TRUE_CONTROLS,
                controls(
                        PIN_DEFAULT,
                        Pin.EXTERNAL_INTERRUPT_EXITING
                                | Pin.NMI_EXITING
                                | Pin.VIRTUAL_NMIS
                                | Pin.ACTIVATE_PREEMPTION_TIMER),
                controls(
                        PRIMARY_DEFAULT,
                        Primary.INTERRUPT_WINDOW_EXITING
                                | Primary.USE_TSC_OFFSETTING
                                | Primary.HLT_EXITING
                                | Primary.INVLPG_EXITING
                                | Primary.MWAIT_EXITING
                                | Primary.RDPMC_EXITING
                                | Primary.RDTSC_EXITING
                                | Primary.CR3_LOAD_EXITING
                                | Primary.CR3_STORE_EXITING
                                | Primary.CR8_LOAD_EXITING
                                | Primary.CR8_STORE_EXITING
                                | Primary.NMI_WINDOW_EXITING
                                | Primary.MOV_DR_EXITING
                                | Primary.UNCONDITIONAL_IO_EXITING
                                | Primary.USE_IO_BITMAPS
                                | Primary.USE_MSR_BITMAPS
                                | Primary.MONITOR_EXITING
                                | Primary.PAUSE_EXITING
                                | Primary.ACTIVATE_SECONDARY_CONTROLS),
                controls(
                        0,
                        Secondary.ENABLE_EPT
                                | Secondary.DESCRIPTOR_TABLE_EXITING
                                | Secondary.ENABLE_RDTSCP
                                | Secondary.ENABLE_VPID
                                | Secondary.WBINVD_EXITING
                                | Secondary.UNRESTRICTED_GUEST
                                | Secondary.RDRAND_EXITING
                                | Secondary.ENABLE_INVPCID),
                controls(
                        EXIT_DEFAULT,
                        Exit.SAVE_DEBUG_CONTROLS
                                | Exit.HOST_ADDRESS_SPACE_SIZE
                                | Exit.ACKNOWLEDGE_INTERRUPT_ON_EXIT
                                | Exit.SAVE_PAT
                                | Exit.LOAD_PAT
                                | Exit.SAVE_EFER
                                | Exit.LOAD_EFER
                                | Exit.SAVE_PREEMPTION_TIMER),
                controls(
                        ENTRY_DEFAULT,
                        Entry.LOAD_DEBUG_CONTROLS | Entry.IA_32E_MODE_GUEST | Entry.LOAD_PAT | Entry.LOAD_EFER),
                PREEMPTION_TIMER_SHIFT
                        | MISC_ACTIVITY_HLT
                        | MISC_ACTIVITY_SHUTDOWN
                        | MISC_ACTIVITY_WAIT_FOR_SIPI
                        | MISC_CR3_TARGETS,
                CR0_PE | CR0_NE | CR0_PG,
                0xffff_ffffL,
                CR4_VMXE,
                cr4Bits | CR4_VMXE,
                EPT_EXECUTE_ONLY
                        | EPT_WALK_LENGTH_4
                        | EPT_UNCACHEABLE
                        | EPT_WRITE_BACK
                        | EPT_2M_PAGES
                        | EPT_1G_PAGES
                        | EPT_INVEPT
                        | EPT_ACCESSED_DIRTY
                        | EPT_INVEPT_SINGLE
                        | EPT_INVEPT_ALL
                        | VPID_INVVPID
                        | VPID_INDIVIDUAL_ADDRESS
                        | VPID_SINGLE_CONTEXT
                        | VPID_ALL_CONTEXTS
                        | VPID_SINGLE_RETAINING_GLOBALS,
                0,
                physicalAddressBits);
    }

    /** The same processor with more controls to be set: for examining checks of features that it does not have. */
    Capabilities withControls(int pin, int primary, int secondary, int exit, int entry, long functions) {
        return new Capabilities(
                basic,
                pinBased | (long) pin << 32,
                this.primary | (long) primary << 32,
                this.secondary | (long) secondary << 32,
                this.exit | (long) exit << 32,
                this.entry | (long) entry << 32,
                misc,
                cr0Fixed0,
                cr0Fixed1,
                cr4Fixed0,
                cr4Fixed1,
                eptVpid,
                functions,
                physicalAddressBits);
    }

    /** The bits of a control field that this processor accepts, closest to those wanted. */
    static int adjust(long controls, int wanted) {
        return wanted & (int) (controls >>> 32) | (int) controls;
    }

    /** Whether a control field has all bits that must be 1, and none that must be 0. */
    static boolean allows(long controls, long value) {
        return adjust(controls, (int) value) == (int) value;
    }

    /** The value of a capability MSR. */
    long msr(int index) {
        return switch (index) {
            case IA32_VMX_BASIC -> basic;
            // Software that knows nothing of the TRUE MSRs sets all default1 bits, SDM vol. 3D, A.2.
            case 0x481 -> pinBased;
            case 0x482 -> primary | Primary.CR3_LOAD_EXITING | Primary.CR3_STORE_EXITING;
            case 0x483 -> exit | Exit.SAVE_DEBUG_CONTROLS;
            case 0x484 -> entry | Entry.LOAD_DEBUG_CONTROLS;
            case 0x485 -> misc;
            case 0x486 -> cr0Fixed0;
            case 0x487 -> cr0Fixed1;
            case 0x488 -> cr4Fixed0;
            case 0x489 -> cr4Fixed1;
            case 0x48a -> highestFieldIndex() << 1;
            case 0x48b -> secondary;
            case 0x48c -> eptVpid;
            case 0x48d -> pinBased;
            case 0x48e -> primary;
            case 0x48f -> exit;
            case 0x490 -> entry;
            case IA32_VMX_VMFUNC -> vmFunctions;
            default -> throw new IllegalArgumentException(
                    "0x%x is no VMX capability MSR: expected 0x480 to 0x491".formatted(index));
        };
    }

    int cr3Targets() {
        return (int) (misc >> 16) & 0x1ff;
    }

    boolean canWriteExitInformation() {
        return (misc & MISC_WRITE_EXIT_INFORMATION) != 0;
    }

    boolean canInjectLengthZero() {
        return (misc & MISC_INJECT_LENGTH_ZERO) != 0;
    }

    /** Whether an activity state other than 0 is supported. */
    boolean supportsActivity(long state) {
        return state >= 1 && state <= 3 && (misc >> 5 + state & 1) != 0;
    }

    /** Whether an EPT capability is there. */
    boolean ept(long capability) {
        return (eptVpid & capability) != 0;
    }

    private static long highestFieldIndex() {
        int highest = 0;
        for (VmcsField field : VmcsField.values()) {
            highest = Math.max(highest, field.index());
        }
        return highest;
    }

    private static long controls(int mustBeOne, int mayBeOne) {
        return Integer.toUnsignedLong(mustBeOne) | (long) (mustBeOne | mayBeOne) << 32;
    }
}
