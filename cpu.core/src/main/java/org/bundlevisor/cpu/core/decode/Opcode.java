package org.bundlevisor.cpu.core.decode;

import org.jspecify.annotations.Nullable;

/** One row of the opcode table. Immutable once the table is read; every instruction that decodes by it shares it. */
public final class Opcode {
    // attributes that the table states
    static final int LOCK = 1;
    static final int REP = 1 << 1;
    static final int END = 1 << 2;
    static final int D64 = 1 << 3;
    static final int F64 = 1 << 4;
    static final int NOMOD = 1 << 5;
    static final int I64 = 1 << 6;
    static final int O64 = 1 << 7;
    static final int COPY = 1 << 8;
    // attributes that follow from the opcode and the operands
    static final int MODRM = 1 << 16;
    static final int REG_IS_BYTE = 1 << 17;
    static final int RM_IS_BYTE = 1 << 18;
    /** REX.R does not extend the register number of ModRM.reg. */
    static final int REG_IS_PLAIN = 1 << 19;
    /** REX.B does not extend the register number of ModRM.rm. */
    static final int RM_IS_PLAIN = 1 << 20;
    static final int SEGMENT_REGISTER = 1 << 21;
    static final int CONTROL_REGISTER = 1 << 22;
    static final int DEBUG_REGISTER = 1 << 23;
    static final int LOADS_SEGMENT = 1 << 24;
    /** The row names no prefix, and so stands for those that other rows do not claim. */
    static final int ANY_PREFIX = 1 << 25;

    /** Its number in the table, from 0 and dense: what a consumer may index its own tables with. */
    public final int row;

    /** The instruction. Names that only tell the operand size apart (MOVSB, MOVSQ; CBW, CDQE) are one mnemonic. */
    public final Mnemonic mnemonic;

    /**
     * The last byte of the opcode, the ModRM byte not counted, and without the register of {@code +r} forms. Its low four
     * bits are the condition of Jcc, SETcc and CMOVcc.
     */
    public final int code;

    /** Whether LOCK is allowed, which holds for the memory form only. */
    public final boolean lockable;

    /** Whether REP, REPE and REPNE repeat it: the string instructions. */
    public final boolean repeatable;

    /**
     * Whether a trace ends behind it: it can change the flow, the mode or what is mapped, is serialising, opens or closes the
     * interrupt window, or can be intercepted. See also {@link Instruction#endsTrace}.
     */
    public final boolean endsTrace;

    /** What CPUID must report for it. */
    public final Feature feature;

    final int attributes;
    private final Operand[] operands;
    private @Nullable Opcode withRexW;
    private @Nullable Opcode withRexB;

    /** The text of the row, for messages. */
    private final String text;

    Opcode(int row, Mnemonic mnemonic, int code, Operand[] operands, int attributes, Feature feature, String text) {
        this.row = row;
        this.mnemonic = mnemonic;
        this.code = code;
        this.operands = operands;
        this.attributes = attributes;
        this.lockable = (attributes & LOCK) != 0;
        this.repeatable = (attributes & REP) != 0;
        this.endsTrace = (attributes & END) != 0;
        this.feature = feature;
        this.text = text;
    }

    /** The number of operands, 0 to 4. */
    public int operandCount() {
        return operands.length;
    }

    /**
     * The operand at {@code position}, the destination being at 0.
     *
     * @throws IndexOutOfBoundsException if there are not so many
     */
    public Operand operand(int position) {
        return operands[position];
    }

    /** Lets {@code row} take this one's place when REX.W is there, or REX.B. For the table, while it is read. */
    void replaceWithRex(Opcode row, boolean rexW) {
        @Nullable Opcode there = rexW ? withRexW : withRexB;
        if (there != null && there != row) {
            throw new IllegalArgumentException(
                    "opcodes.table: two rows stand for the same bytes: " + there + " and " + row);
        }
        if (rexW) {
            withRexW = row;
        } else {
            withRexB = row;
        }
    }

    /** The row that holds with this REX prefix: another one, or itself. */
    Opcode withRex(int rex) {
        if ((rex & Decoder.REX_W) != 0 && withRexW != null) {
            return withRexW;
        }
        if ((rex & Decoder.REX_B) != 0 && withRexB != null) {
            return withRexB;
        }
        return this;
    }

    @Override
    public String toString() {
        return text;
    }
}
