package org.bundlevisor.cpu.core.decode;

/**
 * The form of an operand, named as in SDM vol. 2, appendix A.2: where it comes from (capital letter) and how wide it is
 * (small letters).
 *
 * <p>Wherever a ModRM byte gives a register or memory, {@link Instruction#memory} tells which.
 */
public enum Operand {
    // general register or memory: ModRM.rm
    Eb(Place.RM, Width.B),
    Ew(Place.RM, Width.W),
    Ed(Place.RM, Width.D),
    Eq(Place.RM, Width.Q),
    Ev(Place.RM, Width.V),
    Ey(Place.RM, Width.Y),
    Ez(Place.RM, Width.Z),
    /** A register of the operand size, or a word in memory. */
    RvMw(Place.RM, Width.V, Width.W),
    /** A register of 32 bits (64 with REX.W), or a byte in memory. */
    RyMb(Place.RM, Width.Y, Width.B),
    /** A register of 32 bits (64 with REX.W), or a word in memory. */
    RyMw(Place.RM, Width.Y, Width.W),
    // general register only: ModRM.rm
    Rv(Place.RM_REGISTER, Width.V),
    Ry(Place.RM_REGISTER, Width.Y),
    // memory only: ModRM.rm
    /** Memory whose address alone counts, or whose layout is the instruction's own (FXSAVE, INVLPG). */
    M(Place.MEMORY, Width.NONE),
    Mb(Place.MEMORY, Width.B),
    Mw(Place.MEMORY, Width.W),
    Md(Place.MEMORY, Width.D),
    Mq(Place.MEMORY, Width.Q),
    Mdq(Place.MEMORY, Width.DQ),
    Mv(Place.MEMORY, Width.V),
    My(Place.MEMORY, Width.Y),
    Mps(Place.MEMORY, Width.DQ),
    Mpd(Place.MEMORY, Width.DQ),
    /** The two bounds of BOUND, each of the operand size. */
    Ma(Place.MEMORY, Width.V),
    /** Far pointer: offset of the operand size, then a selector. The width is the offset's. */
    Mp(Place.MEMORY, Width.V),
    /** Pseudo-descriptor of LGDT, SIDT…: limit and base. */
    Ms(Place.MEMORY, Width.NONE),
    /** A real number of 80 bits. */
    Mt(Place.MEMORY, Width.T),
    // general register: ModRM.reg
    Gb(Place.REG, Width.B),
    Gw(Place.REG, Width.W),
    Gd(Place.REG, Width.D),
    Gv(Place.REG, Width.V),
    Gy(Place.REG, Width.Y),
    /** Control register: ModRM.reg. */
    Cd(Place.CONTROL, Width.Y),
    /** Debug register: ModRM.reg. */
    Dd(Place.DEBUG, Width.Y),
    /** Segment register: ModRM.reg. */
    Sw(Place.SEGMENT, Width.W),
    // general register out of the low three bits of the opcode; its number is in Instruction.rm
    Zb(Place.OPCODE, Width.B),
    Zv(Place.OPCODE, Width.V),
    // immediates, in Instruction.immediate
    /** A byte, zero-extended. */
    Ib(Place.IMMEDIATE, Width.B),
    /** A byte, sign-extended. */
    Ibs(Place.IMMEDIATE, Width.V),
    /** A word, zero-extended. */
    Iw(Place.IMMEDIATE, Width.W),
    /** A word or doubleword by operand size, sign-extended. */
    Iz(Place.IMMEDIATE, Width.V),
    /** Word, doubleword or quadword by operand size, sign-extended. */
    Iv(Place.IMMEDIATE, Width.V),
    /** The constant one of the shifts; no byte of the instruction holds it, {@link Instruction#immediate} does. */
    I1(Place.IMMEDIATE, Width.B),
    /** Relative branch by a byte, sign-extended. */
    Jb(Place.RELATIVE, Width.V),
    /** Relative branch by a word or doubleword, sign-extended. */
    Jz(Place.RELATIVE, Width.V),
    /** Far pointer: offset in {@link Instruction#immediate}, selector in {@link Instruction#immediate2}. */
    Ap(Place.FAR_POINTER, Width.V),
    // memory at an offset within the instruction (MOV A0 to A3)
    Ob(Place.MEMORY, Width.B),
    Ov(Place.MEMORY, Width.V),
    // strings: memory at rSI in the effective segment, and at rDI in ES
    Xb(Place.SOURCE_STRING, Width.B),
    Xv(Place.SOURCE_STRING, Width.V),
    Xz(Place.SOURCE_STRING, Width.Z),
    Yb(Place.DESTINATION_STRING, Width.B),
    Yv(Place.DESTINATION_STRING, Width.V),
    Yz(Place.DESTINATION_STRING, Width.Z),
    // registers that the opcode names
    AL(Place.FIXED, Width.B),
    CL(Place.FIXED, Width.B),
    AX(Place.FIXED, Width.W),
    DX(Place.FIXED, Width.W),
    rAX(Place.FIXED, Width.V),
    /** AX or EAX of IN and OUT: REX.W does not widen it. */
    eAX(Place.FIXED, Width.Z),
    ES(Place.FIXED, Width.W),
    CS(Place.FIXED, Width.W),
    SS(Place.FIXED, Width.W),
    DS(Place.FIXED, Width.W),
    FS(Place.FIXED, Width.W),
    GS(Place.FIXED, Width.W),
    XMM0(Place.FIXED, Width.DQ),
    // x87 stack registers; i is in Instruction.rm
    ST0(Place.FIXED, Width.T),
    STi(Place.OPCODE, Width.T),
    // MMX registers: ModRM.reg, ModRM.rm or memory, ModRM.rm only
    Pq(Place.MMX_REG, Width.Q),
    Qd(Place.MMX_RM, Width.D),
    Qq(Place.MMX_RM, Width.Q),
    Nq(Place.MMX_RM_REGISTER, Width.Q),
    // XMM registers: ModRM.reg; the width is what the instruction reads or writes of it
    Vd(Place.XMM_REG, Width.D),
    Vq(Place.XMM_REG, Width.Q),
    Vdq(Place.XMM_REG, Width.DQ),
    Vps(Place.XMM_REG, Width.DQ),
    Vpd(Place.XMM_REG, Width.DQ),
    Vss(Place.XMM_REG, Width.D),
    Vsd(Place.XMM_REG, Width.Q),
    // XMM register or memory: ModRM.rm
    Ww(Place.XMM_RM, Width.W),
    Wd(Place.XMM_RM, Width.D),
    Wq(Place.XMM_RM, Width.Q),
    Wdq(Place.XMM_RM, Width.DQ),
    Wps(Place.XMM_RM, Width.DQ),
    Wpd(Place.XMM_RM, Width.DQ),
    Wss(Place.XMM_RM, Width.D),
    Wsd(Place.XMM_RM, Width.Q),
    // XMM register: ModRM.rm
    Uq(Place.XMM_RM_REGISTER, Width.Q),
    Udq(Place.XMM_RM_REGISTER, Width.DQ),
    Ups(Place.XMM_RM_REGISTER, Width.DQ),
    Upd(Place.XMM_RM_REGISTER, Width.DQ);

    /** Where an operand is. */
    public enum Place {
        /** General register {@link Instruction#rm}, or memory. */
        RM,
        /** General register {@link Instruction#rm}. */
        RM_REGISTER,
        /** Memory at base, index and displacement. */
        MEMORY,
        /** General register {@link Instruction#reg}. */
        REG,
        /** Control register {@link Instruction#reg}. */
        CONTROL,
        /** Debug register {@link Instruction#reg}. */
        DEBUG,
        /** Segment register {@link Instruction#reg}. */
        SEGMENT,
        /** General register, or x87 stack register, {@link Instruction#rm}. */
        OPCODE,
        /** {@link Instruction#immediate}; as the second immediate of an instruction {@link Instruction#immediate2}. */
        IMMEDIATE,
        /** {@link Instruction#immediate}, relative to the next instruction. */
        RELATIVE,
        /** {@link Instruction#immediate2}:{@link Instruction#immediate}. */
        FAR_POINTER,
        /** Memory at rSI in {@link Instruction#segment}. */
        SOURCE_STRING,
        /** Memory at rDI in ES. */
        DESTINATION_STRING,
        /** The register that the operand's name says. */
        FIXED,
        /** MMX register {@link Instruction#reg}. */
        MMX_REG,
        /** MMX register {@link Instruction#rm}, or memory. */
        MMX_RM,
        /** MMX register {@link Instruction#rm}. */
        MMX_RM_REGISTER,
        /** XMM register {@link Instruction#reg}. */
        XMM_REG,
        /** XMM register {@link Instruction#rm}, or memory. */
        XMM_RM,
        /** XMM register {@link Instruction#rm}. */
        XMM_RM_REGISTER,
    }

    /** How wide an operand is. */
    enum Width {
        NONE,
        B,
        W,
        D,
        Q,
        DQ,
        /** Ten bytes. */
        T,
        /** By operand size: 2, 4 or 8. */
        V,
        /** By operand size: 2, or 4 for the larger ones. */
        Z,
        /** By operand size: 8, or 4 for the smaller ones. */
        Y;

        int bytes(int operandSize) {
            return switch (this) {
                case NONE -> 0;
                case B -> 1;
                case W -> 2;
                case D -> 4;
                case Q -> 8;
                case DQ -> 16;
                case T -> 10;
                case V -> operandSize;
                case Z -> Math.min(operandSize, 4);
                case Y -> Math.max(operandSize, 4);
            };
        }
    }

    /** Where the operand is. */
    public final Place place;

    private final Width register;
    private final Width memory;

    Operand(Place place, Width width) {
        this(place, width, width);
    }

    Operand(Place place, Width register, Width memory) {
        this.place = place;
        this.register = register;
        this.memory = memory;
    }

    /**
     * The size of this operand in {@code instruction}.
     *
     * @return bytes: 1, 2, 4, 8, 10 or 16; 0 where the instruction alone knows
     */
    public int size(Instruction instruction) {
        return (instruction.memory ? memory : register).bytes(instruction.operandSize);
    }

    /** Whether ModRM.rm may not be memory. */
    boolean registerOnly() {
        return place == Place.RM_REGISTER || place == Place.MMX_RM_REGISTER || place == Place.XMM_RM_REGISTER;
    }

    /** Whether ModRM.rm must be memory. */
    boolean memoryOnly() {
        return place == Place.MEMORY && this != Ob && this != Ov;
    }

    /** Whether the instruction has a ModRM byte for this operand. */
    boolean needsModRm() {
        return switch (place) {
            case RM, RM_REGISTER, REG, CONTROL, DEBUG, SEGMENT, MMX_REG, MMX_RM, MMX_RM_REGISTER, XMM_REG, XMM_RM,
                    XMM_RM_REGISTER -> true;
            case MEMORY -> memoryOnly();
            default -> false;
        };
    }
}
