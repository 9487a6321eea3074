package org.bundlevisor.cpu.core;

/**
 * What the processor can be told to stop at, apart from what has a bitmap of its own in {@link Intercepts}. The union of
 * what VT-x (SDM vol. 3C, 26.1 "Instructions that cause VM exits") and AMD-V (APM vol. 2, 15.9 "Instruction intercepts")
 * can ask for.
 */
public enum Intercept {
    CPUID,
    GETSEC,
    HLT,
    INVD,
    WBINVD,
    INVLPG,
    INVPCID,
    RDPMC,
    RDTSC,
    RDTSCP,
    RDRAND,
    RDSEED,
    PAUSE,
    MONITOR,
    MWAIT,
    XSETBV,
    RSM,
    /** SGDT and SIDT. */
    STORE_DESCRIPTOR_TABLE,
    /** LGDT and LIDT. */
    LOAD_DESCRIPTOR_TABLE,
    /** SLDT and STR. */
    STORE_LOCAL_OR_TASK,
    /** LLDT and LTR. */
    LOAD_LOCAL_OR_TASK,
    TASK_SWITCH,
    /** VMCALL, VMLAUNCH and the other instructions that VMX introduced. */
    VMX_INSTRUCTION,
    /** VMRUN, VMMCALL and the other instructions that SVM introduced. */
    SVM_INSTRUCTION,
    IRET,
    PUSHF,
    POPF,
    SOFTWARE_INTERRUPT,
    INT1,
    /** The signal that {@link Processor#signalExternalInterrupt} sends. */
    EXTERNAL_INTERRUPT,
    NMI,
    /** Stops before an instruction at which the guest could take an external interrupt. */
    INTERRUPT_WINDOW,
    /** Stops before an instruction at which the guest could take an NMI. */
    NMI_WINDOW
}
