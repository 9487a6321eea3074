package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.util.Arrays;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.softfloat.ExceptionFlags;
import org.bundlevisor.cpu.core.softfloat.ExtendedArithmetic;
import org.bundlevisor.cpu.core.softfloat.ExtendedFunctions;

/**
 * The x87 register stack with its control, status and tag words: SDM vol. 1, 8.1. MMX registers are the significands of the
 * physical registers.
 */
final class X87 {
    static final int C0 = 1 << 8;
    static final int C1 = 1 << 9;
    static final int C2 = 1 << 10;
    static final int C3 = 1 << 14;

    /** ES, and B which mirrors it. */
    private static final int SUMMARY = 1 << 7 | 1 << 15;

    private static final int STACK_FAULT = 1 << 6;
    private static final int TOP_SHIFT = 11;
    private static final int INITIAL_CONTROL = 0x37F;

    /** Significands of the physical registers. */
    final long[] significand = new long[8];

    /** Sign and exponent of the physical registers. */
    final int[] signExponent = new int[8];

    /** The physical register that is ST(0). */
    int top;

    /** Bit n is set when physical register n is not empty: the tag word as FXSAVE has it. */
    int used;

    int control = INITIAL_CONTROL;

    /** The status word but for TOP. */
    int status;

    /** The last instruction that was no control instruction: its opcode once it raised an unmasked exception, and where it lay. */
    int opcode;

    long instructionPointer;
    int instructionSelector;
    long dataPointer;
    int dataSelector;

    final ExtendedArithmetic arithmetic = new ExtendedArithmetic();

    final ExtendedFunctions functions = new ExtendedFunctions(arithmetic);

    /** Scratch for {@link ExtendedState}. */
    final long[] image = new long[ExtendedState.IMAGE_WORDS];

    // ---- availability

    /** Raises #NM, or the #MF that waits: how all x87 instructions but the non-waiting ones begin. SDM vol. 3A, 2.5. */
    static void check(Cpu cpu) {
        checkAvailable(cpu);
        cpu.x87.deliverWaiting(cpu);
    }

    static void checkAvailable(Cpu cpu) {
        if ((cpu.cr0 & (Bits.CR0_EM | Bits.CR0_TS)) != 0) {
            throw cpu.raise(Vectors.DEVICE_NOT_AVAILABLE, 0);
        }
    }

    /**
     * Raises the exception that an earlier instruction left. With CR0.NE clear the processor would assert FERR#; the platform
     * has no such line and works as a PC does that asserts IGNNE#: SDM vol. 1, D.2.1.
     */
    void deliverWaiting(Cpu cpu) {
        if ((status & SUMMARY) != 0 && (cpu.cr0 & Bits.CR0_NE) != 0) {
            throw cpu.raise(Vectors.MATH_FAULT, 0);
        }
    }

    // ---- the words

    int statusWord() {
        return status | top << TOP_SHIFT;
    }

    void setStatusWord(int word) {
        top = word >> TOP_SHIFT & 7;
        status = word & 0xFFFF & ~(7 << TOP_SHIFT);
        summarise();
    }

    void setControlWord(int word) {
        control = word & 0x1F3F | 0x40;
        arithmetic.setControl(control);
        summarise();
    }

    /** ES is set exactly while an exception is that is not masked. */
    void summarise() {
        if ((status & ~control & ExceptionFlags.ALL) != 0) {
            status |= SUMMARY;
        } else {
            status &= ~SUMMARY;
        }
    }

    /** The full tag word, two bits for each physical register. */
    int tagWord() {
        int word = 0;
        for (int i = 7; i >= 0; i--) {
            word = word << 2 | tag(i);
        }
        return word;
    }

    private int tag(int physical) {
        if ((used >> physical & 1) == 0) {
            return 3;
        }
        int exponent = signExponent[physical] & 0x7FFF;
        if (exponent == 0 && significand[physical] == 0) {
            return 1;
        }
        return exponent == 0 || exponent == 0x7FFF || significand[physical] >= 0 ? 2 : 0;
    }

    void setTagWord(int word) {
        used = 0;
        for (int i = 0; i < 8; i++) {
            if ((word >> 2 * i & 3) != 3) {
                used |= 1 << i;
            }
        }
    }

    /** FNINIT. */
    void initialise() {
        setControlWord(INITIAL_CONTROL);
        status = 0;
        top = 0;
        used = 0;
        opcode = 0;
        instructionPointer = 0;
        instructionSelector = 0;
        dataPointer = 0;
        dataSelector = 0;
    }

    /** The state after power-up and RESET: SDM vol. 3A, table 11-1. INIT leaves the unit alone. */
    void reset() {
        initialise();
        setControlWord(0x40);
        used = 0xFF;
        Arrays.fill(significand, 0);
        Arrays.fill(signExponent, 0);
    }

    /** Whether all is as FNINIT and cleared registers leave it. */
    boolean isInitial() {
        long rest = (control ^ INITIAL_CONTROL) | status | top | used | opcode | instructionSelector | dataSelector;
        rest |= instructionPointer | dataPointer;
        for (int i = 0; i < 8; i++) {
            rest |= significand[i] | signExponent[i];
        }
        return rest == 0;
    }

    // ---- registers

    /** The physical number of ST(i). */
    int physical(int i) {
        return top + i & 7;
    }

    boolean empty(int i) {
        return (used >> (top + i & 7) & 1) == 0;
    }

    int signExponent(int i) {
        return signExponent[top + i & 7];
    }

    long significand(int i) {
        return significand[top + i & 7];
    }

    /** Writes ST(i) and marks it not empty. */
    void set(int i, int newSignExponent, long newSignificand) {
        int physical = top + i & 7;
        signExponent[physical] = newSignExponent;
        significand[physical] = newSignificand;
        used |= 1 << physical;
    }

    void pop() {
        used &= ~(1 << top);
        top = top + 1 & 7;
    }

    void setConditions(int bits) {
        status = status & ~(C0 | C1 | C2 | C3) | bits;
    }

    // ---- MMX

    void enterMmx() {
        top = 0;
        used = 0xFF;
    }

    void leaveMmx() {
        top = 0;
        used = 0;
    }

    void setMmx(int register, long value) {
        significand[register & 7] = value;
        signExponent[register & 7] = 0xFFFF;
        enterMmx();
    }

    // ---- exceptions

    /** Notes where the instruction lies, which FSAVE and its like tell. */
    void note(Cpu cpu, Instruction in) {
        instructionPointer = cpu.ripOf(in);
        instructionSelector = cpu.selector[Cpu.CS];
    }

    /** Notes where its operand lies. */
    void noteOperand(Cpu cpu, Instruction in) {
        dataPointer = cpu.offset(in);
        dataSelector = cpu.selector[in.segment];
    }

    /**
     * Enters what the arithmetic raised; C1 tells whether it rounded up. Returns whether the destination is to be written: not
     * when an exception is unmasked that was found before computation.
     */
    boolean settle(Cpu cpu, Instruction in) {
        return settle(cpu, in, arithmetic.exceptions, arithmetic.roundedUp());
    }

    private boolean settle(Cpu cpu, Instruction in, int raised, boolean roundedUp) {
        status = status & ~C1 | raised | (roundedUp ? C1 : 0);
        int unmasked = raised & ~control & ExceptionFlags.ALL;
        if (unmasked == 0) {
            return true;
        }
        status |= SUMMARY;
        opcode = opcodeOf(cpu, in);
        return (unmasked & ExceptionFlags.BEFORE_COMPUTATION) == 0;
    }

    /** The same for a store to memory, which any unmasked exception but precision keeps from being done. */
    boolean settleStore(Cpu cpu, Instruction in) {
        settle(cpu, in);
        return (arithmetic.exceptions & ~control & (ExceptionFlags.ALL & ~ExceptionFlags.PRECISION)) == 0;
    }

    /** Enters a stack underflow; returns whether it is masked. */
    boolean underflow(Cpu cpu, Instruction in) {
        return settle(cpu, in, ExceptionFlags.INVALID | STACK_FAULT, false);
    }

    /** Enters a stack overflow; returns whether it is masked. */
    boolean overflow(Cpu cpu, Instruction in) {
        return settle(cpu, in, ExceptionFlags.INVALID | STACK_FAULT, true);
    }

    /** Writes the real indefinite: the masked response to invalid operations. */
    void setIndefinite(int i) {
        set(i, ExtendedArithmetic.INDEFINITE_SIGN_EXPONENT, ExtendedArithmetic.INDEFINITE_SIGNIFICAND);
    }

    /** Pushes the arithmetic's result after its exceptions; a full stack gets the indefinite instead. */
    void push(Cpu cpu, Instruction in) {
        if (!empty(7)) {
            if (overflow(cpu, in)) {
                top = top - 1 & 7;
                setIndefinite(0);
            }
        } else if (settle(cpu, in) || (arithmetic.exceptions & ~control & ExceptionFlags.INVALID) == 0) {
            // a denormal is loaded even where the exception it raises is unmasked
            top = top - 1 & 7;
            set(0, arithmetic.signExponent, arithmetic.significand);
        }
    }

    /** Enters the arithmetic's exceptions and, unless they forbid it, writes its result to ST(i). */
    boolean store(Cpu cpu, Instruction in, int i) {
        if (settle(cpu, in)) {
            set(i, arithmetic.signExponent, arithmetic.significand);
            return true;
        }
        return false;
    }

    /** The low three bits of the first opcode byte and all of the second: SDM vol. 1, 8.1.9. */
    private static int opcodeOf(Cpu cpu, Instruction in) {
        long linear = cpu.ripOf(in) + cpu.effectiveBase[Cpu.CS] & cpu.linearMask;
        int opcode = 0;
        for (int i = 0; i < in.length; i++) {
            int next = cpu.memory.get(JAVA_BYTE, cpu.hostForFetch(linear + i & cpu.linearMask)) & 0xFF;
            if ((opcode & 0xF8) == 0xD8) {
                return (opcode & 7) << 8 | next;
            }
            opcode = next;
        }
        return 0;
    }
}
