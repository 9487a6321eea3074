package org.bundlevisor.cpu.core.decode;

/**
 * A decoded instruction. Immutable.
 *
 * <p>Register numbers are 0 to 15 in the order of the encoding (rAX, rCX, rDX, rBX, rSP, rBP, rSI, rDI, R8 to R15), REX
 * applied; as an operand of one byte, AH, CH, DH and BH are {@link #AH} to {@link #BH}.
 *
 * <p>A memory operand is at {@code gpr[base] + (gpr[index] << scale) + displacement}, cut to {@link #addressSize} bytes,
 * in {@link #segment}. {@link #RIP} as its base stands for RIP at the start of the trace: the displacement of the encoding,
 * which counts from the end of the instruction, has where that lies in the trace added to it.
 */
public final class Instruction {
    public static final int ES = 0;
    public static final int CS = 1;
    public static final int SS = 2;
    public static final int DS = 3;
    public static final int FS = 4;
    public static final int GS = 5;

    /** As {@link #base} or {@link #index}: none, the register that is always zero. */
    public static final int NONE = 16;

    /** As {@link #base}: RIP. */
    public static final int RIP = 17;

    /** Byte registers that are reached without a REX prefix only. CH, DH and BH follow in this order. */
    public static final int AH = 20;

    public static final int CH = 21;
    public static final int DH = 22;
    public static final int BH = 23;

    /** {@link #rep} without a repeat prefix. */
    public static final int NO_REP = 0;

    /** {@link #rep} with prefix F2. */
    public static final int REPNE = 0xF2;

    /** {@link #rep} with prefix F3: REP or REPE. */
    public static final int REPE = 0xF3;

    /** The row of the table by which it decoded. */
    public final Opcode opcode;

    /** The immediate operand, extended as its {@link Operand} says; 0 if there is none. */
    public final long immediate;

    /** The displacement, sign-extended (moffs: zero-extended); 0 if there is none. */
    public final long displacement;

    /** Where its bytes lie, relative to the start of its trace. */
    public final int offset;

    /** The second immediate, zero-extended: nesting level of ENTER, selector of a far pointer. */
    public final char immediate2;

    /** Its length in bytes, 1 to 15. */
    public final byte length;

    /** Whether it has a memory operand by ModRM (mod is not 3) or by offset (MOV A0 to A3). */
    public final boolean memory;

    /** Whether it has a LOCK prefix; if so, it is allowed. */
    public final boolean lock;

    /** The segment of its memory operand or source string, ES to GS: default or override. */
    public final byte segment;

    /** Whether a prefix gave {@link #segment}. In 64-bit mode only FS and GS count. */
    public final boolean segmentOverride;

    /** The operand size in bytes: 2, 4 or 8, as prefixes, mode and the row's attributes make it; the operands know their own. */
    public final byte operandSize;

    /** The address size in bytes: 2, 4 or 8. */
    public final byte addressSize;

    /**
     * The register of ModRM.reg: general, segment, control, debug, MMX or XMM, as the operand says. 0 without a ModRM byte.
     */
    public final byte reg;

    /**
     * The register of ModRM.rm when {@link #memory} is false; for {@link Operand#Zb}, {@link Operand#Zv} and
     * {@link Operand#STi} the one that the opcode's low three bits give.
     */
    public final byte rm;

    /** The base register of the memory operand, {@link #NONE} or {@link #RIP}. */
    public final byte base;

    /** The index register of the memory operand, or {@link #NONE}. */
    public final byte index;

    /** How far the index is shifted left: 0 to 3. */
    public final byte scale;

    private final byte repeat;

    Instruction(
            Opcode opcode,
            int offset,
            int length,
            boolean lock,
            int rep,
            int segment,
            boolean segmentOverride,
            int operandSize,
            int addressSize,
            boolean memory,
            int reg,
            int rm,
            int base,
            int index,
            int scale,
            long displacement,
            long immediate,
            int immediate2) {
        this.opcode = opcode;
        this.offset = offset;
        this.length = (byte) length;
        this.lock = lock;
        this.repeat = (byte) rep;
        this.segment = (byte) segment;
        this.segmentOverride = segmentOverride;
        this.operandSize = (byte) operandSize;
        this.addressSize = (byte) addressSize;
        this.memory = memory;
        this.reg = (byte) reg;
        this.rm = (byte) rm;
        this.base = (byte) base;
        this.index = (byte) index;
        this.scale = (byte) scale;
        this.displacement = displacement;
        this.immediate = immediate;
        this.immediate2 = (char) immediate2;
    }

    /** The instruction's name. */
    public Mnemonic mnemonic() {
        return opcode.mnemonic;
    }

    /** The repeat prefix, {@link #NO_REP}, {@link #REPNE} or {@link #REPE}; the last one counts. */
    public int rep() {
        return repeat & 0xFF;
    }

    /** Whether a trace ends behind it: its row says so, or it repeats and so may stop half-way. */
    public boolean endsTrace() {
        return opcode.endsTrace || (opcode.repeatable && repeat != 0);
    }

    /**
     * The size of the operand at {@code position}.
     *
     * @return bytes: 1, 2, 4, 8, 10 or 16; 0 where the instruction alone knows
     * @throws IndexOutOfBoundsException if there are not so many operands
     */
    public int size(int position) {
        return opcode.operand(position).size(this);
    }

    @Override
    public String toString() {
        return opcode + " @" + offset + "+" + length;
    }
}
