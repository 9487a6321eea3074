package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.mmu.Translation;

/**
 * Why the processor stopped, and what a backend needs to describe it in its own control structure. One object for each
 * vCPU, filled anew by each stop; a field is meaningful only for the kinds that its comment names. Belongs to the vCPU's
 * thread.
 */
public final class ProcessorExit {
    /** Kinds of stops. In all but those marked "after" the instruction at RIP has not been executed. */
    public enum Kind {
        /** An instruction of {@link Intercept}. */
        INSTRUCTION,
        PORT_IO,
        MSR_READ,
        MSR_WRITE,
        CONTROL_REGISTER,
        DEBUG_REGISTER,
        /** An exception that was to be delivered. */
        EXCEPTION,
        EXTERNAL_INTERRUPT,
        NMI,
        INTERRUPT_WINDOW,
        NMI_WINDOW,
        /** Second-level paging refused an access. */
        SECOND_LEVEL,
        TASK_SWITCH,
        TRIPLE_FAULT,
        INIT,
        /** A start-up IPI came for a vCPU that waits for one. */
        STARTUP,
        /** After HLT that was not intercepted, or on a vCPU that is halted or waits: nothing to execute. */
        IDLE,
        /** {@link Processor#requestStop} was called. */
        STOPPED,
        /** The instruction limit is reached. */
        LIMIT
    }

    /** Ways to touch a control register, with the encoding of VT-x's exit qualification. */
    public static final int MOV_TO_CR = 0;

    public static final int MOV_FROM_CR = 1;
    public static final int CLTS = 2;
    public static final int LMSW = 3;

    public Kind kind = Kind.STOPPED;

    /** INSTRUCTION: which one was intercepted. */
    public Intercept intercept = Intercept.CPUID;

    /** INSTRUCTION: the intercepted instruction's mnemonic, for intercepts that stand for several. */
    public String mnemonic = "";

    /** All that an instruction caused: its length in bytes; else 0. */
    public int instructionLength;

    /** PORT_IO: the port; size 1, 2, 4; direction; INS or OUTS; REP prefix; port from the immediate operand. */
    public int port;

    public int portSize;
    public boolean portInput;
    public boolean portString;
    public boolean portRepeated;
    public boolean portImmediate;

    /** CONTROL_REGISTER and DEBUG_REGISTER: register number, access as above (debug: 0 to, 1 from), general register. */
    public int registerNumber;

    public int registerAccess;
    public int generalRegister;

    /** CONTROL_REGISTER: LMSW's 16-bit source. MSR_READ and MSR_WRITE: the index. TASK_SWITCH: the selector. STARTUP: vector. */
    public int value;

    /** TASK_SWITCH: 0 CALL, 1 IRET, 2 JMP, 3 task gate in the IDT. */
    public int taskSwitchSource;

    /** EXCEPTION: vector, error code, CR2 for #PF and DR6 bits for #DB. */
    public int vector;

    public boolean hasErrorCode;
    public int errorCode;
    public long exceptionAddress;

    /** EXCEPTION: raised by INT1, INT3 or INTO, not by the hardware. */
    public boolean softwareException;

    /** SECOND_LEVEL and instructions with a memory operand: guest-linear address of the access. */
    public long linearAddress;

    /** SECOND_LEVEL: whether {@link #linearAddress} is valid, as it is for all but accesses that come from no instruction. */
    public boolean linearAddressValid;

    /** SECOND_LEVEL: guest-physical address, kind of access and reason as in {@code SecondLevelTables.translate}. */
    public long guestPhysicalAddress;

    public int access;
    public Translation.Outcome refusal = Translation.Outcome.NOT_PRESENT;
    public int rights;

    /** INSTRUCTION: encoding of the operands, as VT-x's VM-exit instruction information has it, where that has any. */
    public int instructionInformation;

    /** INSTRUCTION with a memory operand: the displacement, as VT-x's exit qualification has it. */
    public long displacement;

    /** SECOND_LEVEL, EXCEPTION, TASK_SWITCH: the event that was being delivered when it happened, else {@code NONE}. */
    public Injection vectoring = Injection.NONE;
}
