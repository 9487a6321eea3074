package org.bundlevisor.cpu.core.decode;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/**
 * Decodes instructions. A vCPU has its own: it may be used by one thread at a time. Allocates nothing but the instruction.
 *
 * <p>The form of an instruction: SDM vol. 2A, chapter 2.1 to 2.2; prefixes that choose an opcode: 3.1.1.1.
 */
public final class Decoder {
    /** The length above which an instruction raises #GP(0): SDM vol. 2A, chapter 2.3.11; vol. 3A, 6.15 "General Protection". */
    public static final int MAXIMUM_LENGTH = 15;

    static final int REX_B = 1;
    private static final int REX_X = 2;
    private static final int REX_R = 4;
    static final int REX_W = 8;

    private static final int AH_MINUS_RSP = Instruction.AH - 4;

    // base and index of the 16-bit addressing forms by ModRM.rm: SDM vol. 2A, table 2-1
    private static final byte[] BASE_16 = {3, 3, 5, 5, 6, 7, 5, 3};
    private static final byte[] INDEX_16 = {6, 7, 6, 7, Instruction.NONE, Instruction.NONE, Instruction.NONE,
        Instruction.NONE};

    // control registers that there are: CR0, CR2, CR3, CR4, CR8
    private static final int CONTROL_REGISTERS = 1 << 0 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 8;

    private final OpcodeTable table;
    private final byte[] copy = new byte[MAXIMUM_LENGTH];

    // where in the bytes; of the instruction at hand what its parts say, in the order in which they come
    private byte[] bytes = copy;
    private int position;
    private int end;
    private boolean exhausted;
    private boolean mode64;
    private boolean lock;
    private int rep;
    private boolean operandSizePrefix;
    private boolean addressSizePrefix;
    private int segmentPrefix;
    private int rex;
    private int map;
    private int operandSize;
    private int addressSize;
    private int modRm;
    private boolean memory;
    private int base;
    private int index;
    private int scale;
    private int defaultSegment;
    private long displacement;
    private long immediate;
    private int immediate2;

    /** Creates a decoder over {@code table}, which others may use at the same time. */
    public Decoder(OpcodeTable table) {
        this.table = table;
    }

    /**
     * Decodes the instruction that starts at {@code start}.
     *
     * @param bytes where the code is
     * @param start offset of the first byte
     * @param limit offset behind the last byte that may be read
     * @param code what the code segment says of the code
     * @param offset what {@link Instruction#offset} is to be
     * @return the instruction, {@link Mnemonic#INVALID} or {@link Mnemonic#TOO_LONG}; null if it runs beyond {@code limit}
     * @throws IndexOutOfBoundsException if {@code start} or {@code limit} is outside of {@code bytes}
     */
    public @Nullable Instruction decode(byte[] bytes, int start, int limit, CodeSize code, int offset) {
        this.bytes = bytes;
        position = start;
        end = Math.min(limit, start + MAXIMUM_LENGTH);
        exhausted = false;
        mode64 = code == CodeSize.BITS_64;

        int opcode = prefixes();
        if (opcode == 0x0F) {
            opcode = escaped();
        }
        sizes(code);
        return finish(opcode, start, limit, offset);
    }

    /**
     * As {@link #decode(byte[], int, int, CodeSize, int)}, from a memory segment.
     *
     * @return as there
     * @throws IndexOutOfBoundsException if {@code start} or {@code limit} is outside of {@code bytes}
     */
    public @Nullable Instruction decode(MemorySegment bytes, long start, long limit, CodeSize code, int offset) {
        int available = (int) Math.min(limit - start, MAXIMUM_LENGTH);
        MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, start, copy, 0, available);
        return decode(copy, 0, available, code, offset);
    }

    /** Reads the prefixes, and returns the byte behind them. */
    private int prefixes() {
        lock = false;
        rep = Instruction.NO_REP;
        operandSizePrefix = false;
        addressSizePrefix = false;
        segmentPrefix = -1;
        rex = 0;
        map = OpcodeTable.MAP_ONE_BYTE;
        while (true) {
            int next = next8();
            if ((next & 0xF0) == 0x40 && mode64) {
                // counts only if nothing but the opcode follows
                rex = next;
                continue;
            }
            switch (next) {
                case 0x26 -> override(Instruction.ES);
                case 0x2E -> override(Instruction.CS);
                case 0x36 -> override(Instruction.SS);
                case 0x3E -> override(Instruction.DS);
                case 0x64 -> segmentPrefix = Instruction.FS;
                case 0x65 -> segmentPrefix = Instruction.GS;
                case 0x66 -> operandSizePrefix = true;
                case 0x67 -> addressSizePrefix = true;
                case 0xF0 -> lock = true;
                case 0xF2, 0xF3 -> rep = next;
                default -> {
                    return next;
                }
            }
            rex = 0;
        }
    }

    /** In 64-bit mode the overrides by ES, CS, SS and DS are ignored, and leave one by FS or GS as it is. */
    private void override(int segment) {
        if (!mode64) {
            segmentPrefix = segment;
        }
    }

    /** Reads the opcode behind the escape byte 0F. */
    private int escaped() {
        int next = next8();
        if (next == 0x38) {
            map = OpcodeTable.MAP_0F38;
            return next8();
        }
        if (next == 0x3A) {
            map = OpcodeTable.MAP_0F3A;
            return next8();
        }
        map = OpcodeTable.MAP_0F;
        return next;
    }

    private void sizes(CodeSize code) {
        if (mode64) {
            operandSize = (rex & REX_W) != 0 ? 8 : operandSizePrefix ? 2 : 4;
            addressSize = addressSizePrefix ? 4 : 8;
        } else {
            operandSize = (code == CodeSize.BITS_16) == operandSizePrefix ? 4 : 2;
            addressSize = (code == CodeSize.BITS_16) == addressSizePrefix ? 4 : 2;
        }
    }

    private @Nullable Instruction finish(int code, int start, int limit, int offset) {
        int prefix = rep == Instruction.REPE
                ? OpcodeTable.PREFIX_F3
                : rep == Instruction.REPNE
                        ? OpcodeTable.PREFIX_F2
                        : operandSizePrefix ? OpcodeTable.PREFIX_66 : OpcodeTable.NO_PREFIX;
        noOperands();
        @Nullable Opcode @Nullable [] node = table.node(mode64, map, prefix, code);
        @Nullable Opcode opcode = null;
        if (node != null) {
            opcode = row(node);
            if (opcode != null) {
                parts(opcode, code);
            }
        }
        if (exhausted) {
            return limit - start < MAXIMUM_LENGTH ? null : instruction(table.tooLong, 0, 0, start, offset);
        }
        if (opcode == null || (lock && !(opcode.lockable && memory))) {
            return instruction(table.invalid, 0, 0, start, offset);
        }
        int reg = reg(opcode);
        if (!registerExists(opcode, reg)) {
            return instruction(table.invalid, 0, 0, start, offset);
        }
        return instruction(opcode, reg, rm(opcode, code), start, offset);
    }

    private void noOperands() {
        modRm = 0;
        memory = false;
        base = Instruction.NONE;
        index = Instruction.NONE;
        scale = 0;
        defaultSegment = Instruction.DS;
        displacement = 0;
        immediate = 0;
        immediate2 = 0;
    }

    /** Reads the ModRM byte if there is one, with what belongs to it, and finds the row. */
    private @Nullable Opcode row(@Nullable Opcode[] node) {
        @Nullable Opcode first = node[0];
        if (node.length == 1 && first != null && (first.attributes & Opcode.MODRM) == 0) {
            return first.withRex(rex);
        }
        modRm = next8();
        memory = modRm < 0xC0 && (node.length > 1 || first == null || (first.attributes & Opcode.NOMOD) == 0);
        if (memory) {
            if (addressSize == 2) {
                address16();
            } else {
                address();
            }
        }
        @Nullable Opcode opcode = node[OpcodeTable.form(node.length, modRm, memory)];
        return opcode == null ? null : opcode.withRex(rex);
    }

    /** The addressing forms with 16-bit addresses: SDM vol. 2A, table 2-1. */
    private void address16() {
        int mod = modRm >> 6;
        int rm = modRm & 7;
        if (mod == 0 && rm == 6) {
            displacement = (short) next16();
            return;
        }
        base = BASE_16[rm];
        index = INDEX_16[rm];
        if (base == 5) {
            defaultSegment = Instruction.SS;
        }
        displacement(mod);
    }

    /** The addressing forms with 32-bit and 64-bit addresses: SDM vol. 2A, tables 2-2 and 2-3, chapter 2.2.1. */
    private void address() {
        int mod = modRm >> 6;
        int rm = modRm & 7;
        if (rm == 4) {
            int sib = next8();
            int indexNumber = sib >> 3 & 7 | (rex & REX_X) << 2;
            if (indexNumber != 4) {
                index = indexNumber;
                scale = sib >> 6;
            }
            rm = sib & 7;
            if (rm == 5 && mod == 0) {
                displacement = next32();
                return;
            }
        } else if (rm == 5 && mod == 0) {
            displacement = next32();
            base = mode64 ? Instruction.RIP : Instruction.NONE;
            return;
        }
        base = rm | (rex & REX_B) << 3;
        if (base == 4 || base == 5) {
            defaultSegment = Instruction.SS;
        }
        displacement(mod);
    }

    private void displacement(int mod) {
        if (mod == 1) {
            displacement = (byte) next8();
        } else if (mod == 2) {
            displacement = addressSize == 2 ? (short) next16() : next32();
        }
    }

    /** Settles the operand size, and reads what follows the addressing form. */
    private void parts(Opcode opcode, int code) {
        int attributes = opcode.attributes;
        if (mode64 && (attributes & (Opcode.D64 | Opcode.F64)) != 0) {
            // REX.W goes before 66; where the size is forced 66 does nothing (SDM vol. 2D, appendix A.3, "f64")
            operandSize = (attributes & Opcode.D64) != 0 && operandSize == 2 ? 2 : 8;
        }
        int immediates = 0;
        for (int i = 0; i < opcode.operandCount(); i++) {
            Operand operand = opcode.operand(i);
            switch (operand.place) {
                case IMMEDIATE, RELATIVE, FAR_POINTER -> {
                    if (immediates++ == 0) {
                        immediate = immediate(operand);
                    } else {
                        immediate2 = next8();
                    }
                }
                case MEMORY -> {
                    if (operand == Operand.Ob || operand == Operand.Ov) {
                        memory = true;
                        displacement = addressSize == 8
                                ? next64()
                                : addressSize == 4 ? next32() & 0xFFFF_FFFFL : next16();
                    }
                }
                default -> {
                }
            }
        }
    }

    private long immediate(Operand operand) {
        return switch (operand) {
            case Ib -> next8();
            case Ibs, Jb -> (byte) next8();
            case Iw -> next16();
            case Iz, Jz -> operandSize == 2 ? (short) next16() : next32();
            case Iv -> operandSize == 2 ? (short) next16() : operandSize == 4 ? next32() : next64();
            case I1 -> 1;
            case Ap -> {
                long target = operandSize == 2 ? next16() : next32() & 0xFFFF_FFFFL;
                immediate2 = next16();
                yield target;
            }
            default -> throw new IllegalStateException("opcodes.table: " + operand + " is not known as an immediate");
        };
    }

    private int reg(Opcode opcode) {
        int attributes = opcode.attributes;
        int reg = modRm >> 3 & 7;
        if ((attributes & Opcode.REG_IS_PLAIN) != 0) {
            return reg;
        }
        if ((attributes & Opcode.REG_IS_BYTE) != 0 && rex == 0 && reg >= 4) {
            return reg + AH_MINUS_RSP;
        }
        return reg | (rex & REX_R) << 1;
    }

    private int rm(Opcode opcode, int code) {
        if (memory) {
            return 0;
        }
        int attributes = opcode.attributes;
        int rm = ((attributes & Opcode.MODRM) != 0 ? modRm : code) & 7;
        if ((attributes & Opcode.RM_IS_PLAIN) != 0) {
            return rm;
        }
        if ((attributes & Opcode.RM_IS_BYTE) != 0 && rex == 0 && rm >= 4) {
            return rm + AH_MINUS_RSP;
        }
        return rm | (rex & REX_B) << 3;
    }

    /** Whether the segment, control or debug register exists, and may be loaded: CS may not by MOV. */
    private boolean registerExists(Opcode opcode, int reg) {
        int attributes = opcode.attributes;
        if ((attributes & Opcode.SEGMENT_REGISTER) != 0) {
            return reg <= Instruction.GS && !(reg == Instruction.CS && (attributes & Opcode.LOADS_SEGMENT) != 0);
        }
        if ((attributes & Opcode.CONTROL_REGISTER) != 0) {
            return (CONTROL_REGISTERS >> reg & 1) != 0;
        }
        return (attributes & Opcode.DEBUG_REGISTER) == 0 || reg < 8;
    }

    private Instruction instruction(Opcode opcode, int reg, int rm, int start, int offset) {
        if (memory && base == Instruction.RIP) {
            // counts from the end of the instruction, which is known only now
            displacement += offset + position - start;
        }
        return new Instruction(opcode, offset, position - start, lock, rep,
                segmentPrefix < 0 ? defaultSegment : segmentPrefix, segmentPrefix >= 0, operandSize, addressSize,
                memory, reg,
                rm, base, index, scale, displacement, immediate, immediate2);
    }

    private int next8() {
        if (position >= end) {
            exhausted = true;
            return 0;
        }
        return bytes[position++] & 0xFF;
    }

    private int next16() {
        return next8() | next8() << 8;
    }

    private int next32() {
        return next16() | next16() << 16;
    }

    private long next64() {
        return next32() & 0xFFFF_FFFFL | (long) next32() << 32;
    }
}
