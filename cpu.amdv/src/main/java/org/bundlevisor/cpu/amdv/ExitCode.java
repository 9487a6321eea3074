package org.bundlevisor.cpu.amdv;

/** The exit codes of APM vol. 2, appendix C, which names them {@code VMEXIT_…}. */
enum ExitCode {
    CR0_READ(0x0), CR1_READ(0x1), CR2_READ(0x2), CR3_READ(0x3),
    CR4_READ(0x4), CR5_READ(0x5), CR6_READ(0x6), CR7_READ(0x7),
    CR8_READ(0x8), CR9_READ(0x9), CR10_READ(0xa), CR11_READ(0xb),
    CR12_READ(0xc), CR13_READ(0xd), CR14_READ(0xe), CR15_READ(0xf),
    CR0_WRITE(0x10), CR1_WRITE(0x11), CR2_WRITE(0x12), CR3_WRITE(0x13),
    CR4_WRITE(0x14), CR5_WRITE(0x15), CR6_WRITE(0x16), CR7_WRITE(0x17),
    CR8_WRITE(0x18), CR9_WRITE(0x19), CR10_WRITE(0x1a), CR11_WRITE(0x1b),
    CR12_WRITE(0x1c), CR13_WRITE(0x1d), CR14_WRITE(0x1e), CR15_WRITE(0x1f),
    DR0_READ(0x20), DR1_READ(0x21), DR2_READ(0x22), DR3_READ(0x23),
    DR4_READ(0x24), DR5_READ(0x25), DR6_READ(0x26), DR7_READ(0x27),
    DR8_READ(0x28), DR9_READ(0x29), DR10_READ(0x2a), DR11_READ(0x2b),
    DR12_READ(0x2c), DR13_READ(0x2d), DR14_READ(0x2e), DR15_READ(0x2f),
    DR0_WRITE(0x30), DR1_WRITE(0x31), DR2_WRITE(0x32), DR3_WRITE(0x33),
    DR4_WRITE(0x34), DR5_WRITE(0x35), DR6_WRITE(0x36), DR7_WRITE(0x37),
    DR8_WRITE(0x38), DR9_WRITE(0x39), DR10_WRITE(0x3a), DR11_WRITE(0x3b),
    DR12_WRITE(0x3c), DR13_WRITE(0x3d), DR14_WRITE(0x3e), DR15_WRITE(0x3f),
    EXCP0(0x40), EXCP1(0x41), EXCP2(0x42), EXCP3(0x43),
    EXCP4(0x44), EXCP5(0x45), EXCP6(0x46), EXCP7(0x47),
    EXCP8(0x48), EXCP9(0x49), EXCP10(0x4a), EXCP11(0x4b),
    EXCP12(0x4c), EXCP13(0x4d), EXCP14(0x4e), EXCP15(0x4f),
    EXCP16(0x50), EXCP17(0x51), EXCP18(0x52), EXCP19(0x53),
    EXCP20(0x54), EXCP21(0x55), EXCP22(0x56), EXCP23(0x57),
    EXCP24(0x58), EXCP25(0x59), EXCP26(0x5a), EXCP27(0x5b),
    EXCP28(0x5c), EXCP29(0x5d), EXCP30(0x5e), EXCP31(0x5f),
    INTR(0x60), NMI(0x61), SMI(0x62), INIT(0x63),
    VINTR(0x64), CR0_SEL_WRITE(0x65), IDTR_READ(0x66), GDTR_READ(0x67),
    LDTR_READ(0x68), TR_READ(0x69), IDTR_WRITE(0x6a), GDTR_WRITE(0x6b),
    LDTR_WRITE(0x6c), TR_WRITE(0x6d), RDTSC(0x6e), RDPMC(0x6f),
    PUSHF(0x70), POPF(0x71), CPUID(0x72), RSM(0x73),
    IRET(0x74), SWINT(0x75), INVD(0x76), PAUSE(0x77),
    HLT(0x78), INVLPG(0x79), INVLPGA(0x7a), IOIO(0x7b),
    MSR(0x7c), TASK_SWITCH(0x7d), FERR_FREEZE(0x7e), SHUTDOWN(0x7f),
    VMRUN(0x80), VMMCALL(0x81), VMLOAD(0x82), VMSAVE(0x83),
    STGI(0x84), CLGI(0x85), SKINIT(0x86), RDTSCP(0x87),
    ICEBP(0x88), WBINVD(0x89), MONITOR(0x8a), MWAIT(0x8b),
    MWAIT_CONDITIONAL(0x8c), XSETBV(0x8d), RDPRU(0x8e), EFER_WRITE_TRAP(0x8f),
    CR0_WRITE_TRAP(0x90), CR1_WRITE_TRAP(0x91), CR2_WRITE_TRAP(0x92), CR3_WRITE_TRAP(0x93),
    CR4_WRITE_TRAP(0x94), CR5_WRITE_TRAP(0x95), CR6_WRITE_TRAP(0x96), CR7_WRITE_TRAP(0x97),
    CR8_WRITE_TRAP(0x98), CR9_WRITE_TRAP(0x99), CR10_WRITE_TRAP(0x9a), CR11_WRITE_TRAP(0x9b),
    CR12_WRITE_TRAP(0x9c), CR13_WRITE_TRAP(0x9d), CR14_WRITE_TRAP(0x9e), CR15_WRITE_TRAP(0x9f),
    INVLPGB(0xa0), INVLPGB_ILLEGAL(0xa1), INVPCID(0xa2), MCOMMIT(0xa3),
    TLBSYNC(0xa4), BUSLOCK(0xa5), IDLE_HLT(0xa6),
    NPF(0x400), AVIC_INCOMPLETE_IPI(0x401), AVIC_NOACCEL(0x402), VMGEXIT(0x403),
    INVALID(-1), BUSY(-2);

    private static final ExitCode[] CODES = values();

    private final long code;
    private final String title;

    ExitCode(long code) {
        this.code = code;
        this.title = "VMEXIT_" + name();
    }

    /** What EXITCODE holds. */
    long code() {
        return code;
    }

    /** The code that lies so many behind this one. */
    ExitCode at(int index) {
        return CODES[ordinal() + index];
    }

    /** The manual's name. */
    @Override
    public String toString() {
        return title;
    }
}
