package org.bundlevisor.cpu.core.decode;

import org.jspecify.annotations.Nullable;

/** One row of the opcode table. Immutable once the table is read; every instruction that decodes by it shares it. */
public final class Opcode {
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

    /** The row that takes this one's place with REX.W, or with REX.B. */
    @Nullable Opcode withRexW;

    @Nullable Opcode withRexB;

    /** The text of the row, for messages. */
    private final String text;

    Opcode(int row, Mnemonic mnemonic, int code, Operand[] operands, int attributes, Feature feature, String text) {
        this.row = row;
        this.mnemonic = mnemonic;
        this.code = code;
        this.operands = operands;
        this.attributes = attributes;
        this.lockable = (attributes & OpcodeTable.LOCK) != 0;
        this.repeatable = (attributes & OpcodeTable.REP) != 0;
        this.endsTrace = (attributes & OpcodeTable.END) != 0;
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

    @Override
    public String toString() {
        return text;
    }
}
