package org.bundlevisor.cpu.core.decode;

import java.util.Locale;
import java.util.Map;

/** Writes an instruction as {@code objdump -M intel} writes it, prefixes left out, so that every operand can be compared. */
final class IntelSyntax {
    private static final String[] GENERAL = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    private static final String[] HIGH = {"ah", "ch", "dh", "bh"};
    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};

    /** Where objdump's name is another one than the manual's. */
    private static final Map<Mnemonic, String> NAMES = Map.ofEntries(
            Map.entry(Mnemonic.CALL_FAR, "call"),
            Map.entry(Mnemonic.JMP_FAR, "jmp"),
            Map.entry(Mnemonic.FNENI, "fneni(8087 only)"),
            Map.entry(Mnemonic.FNDISI, "fndisi(8087 only)"),
            Map.entry(Mnemonic.FNSETPM, "fnsetpm(287 only)"),
            Map.entry(Mnemonic.INVALID, "(bad)"));

    private final Instruction instruction;
    private final CodeSize code;
    private final long next;

    private IntelSyntax(Instruction instruction, CodeSize code, long next) {
        this.instruction = instruction;
        this.code = code;
        this.next = next;
    }

    /** {@code next} is the address behind the instruction. */
    static String of(Instruction instruction, CodeSize code, long next) {
        return new IntelSyntax(instruction, code, next).text();
    }

    private String text() {
        StringBuilder text = new StringBuilder(name());
        char separator = ' ';
        for (int i = 0; i < instruction.opcode.operandCount(); i++) {
            String operand = operand(instruction.opcode.operand(i), i);
            if (!operand.isEmpty()) {
                text.append(separator).append(operand);
                separator = ',';
            }
        }
        return text.toString();
    }

    private String name() {
        Mnemonic mnemonic = instruction.mnemonic();
        String lower = mnemonic.name().toLowerCase(Locale.ROOT);
        int size = instruction.operandSize;
        return switch (mnemonic) {
            case CBW -> bySize("cbw", "cwde", "cdqe");
            case CWD -> bySize("cwd", "cdq", "cqo");
            case JCXZ -> instruction.addressSize == 2 ? "jcxz" : instruction.addressSize == 4 ? "jecxz" : "jrcxz";
            case IRET -> size == 8 ? "iretq" : "iret" + narrow();
            case MOV -> absolute() ? "movabs" : "mov";
            case SYSRET -> size == 8 ? "sysretq" : "sysretd";
            case SYSEXIT -> size == 8 ? "sysexitq" : "sysexitd";
            case RET_FAR -> size == 8 ? "retfq" : "retf" + narrow();
            case RET, PUSHF, POPF, PUSHA, POPA, LEAVE, ENTER, FLDENV, FNSTENV, FNSAVE, FRSTOR -> lower + narrow();
            case CALL, JMP -> instruction.opcode.operand(0) == Operand.Jz ? lower + narrow() : lower;
            case PUSH, POP -> switch (instruction.opcode.operand(0).place) {
                case IMMEDIATE, FIXED -> lower + narrow();
                default -> lower;
            };
            case LGDT, LIDT, SGDT, SIDT -> code == CodeSize.BITS_64 ? lower : lower + (size == 2 ? "w" : "d");
            case FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEC, XSAVES, XSAVEOPT, XRSTORS ->
                    lower + (size == 8 ? "64" : "");
            default -> NAMES.getOrDefault(mnemonic, lower);
        };
    }

    private String bySize(String word, String doubleword, String quadword) {
        return instruction.operandSize == 2 ? word : instruction.operandSize == 4 ? doubleword : quadword;
    }

    /** The letter of an operand size that is not the mode's. */
    private String narrow() {
        int size = instruction.operandSize;
        return code == CodeSize.BITS_16 ? size == 4 ? "d" : "" : size == 2 ? "w" : "";
    }

    /** Whether it is one of the moves with a whole address. */
    private boolean offset() {
        return instruction.opcode.code >= 0xA0 && instruction.opcode.code <= 0xA3;
    }

    private boolean absolute() {
        return offset() && instruction.addressSize == 8
                || (instruction.opcode.code & 0xF8) == 0xB8 && instruction.operandSize == 8;
    }

    private String operand(Operand operand, int position) {
        int size = instruction.size(position);
        return switch (operand.place) {
            case RM -> instruction.memory ? memory(size) : general(instruction.rm, registerSize(operand, size));
            case RM_REGISTER, OPCODE ->
                    operand == Operand.STi ? "st(" + instruction.rm + ")" : general(instruction.rm, size);
            case MEMORY -> memory(operand == Operand.Mp ? size + 2 : operand == Operand.Ma ? 2 * size : size);
            case REG -> general(instruction.reg, size);
            case CONTROL -> "cr" + instruction.reg;
            case DEBUG -> "dr" + instruction.reg;
            case SEGMENT -> SEGMENTS[instruction.reg];
            case IMMEDIATE -> position == 1 && instruction.mnemonic() == Mnemonic.ENTER
                    ? hex(instruction.immediate2, 1)
                    : operand == Operand.I1 ? "1" : hex(instruction.immediate, size);
            case RELATIVE -> hex(next + instruction.immediate, code == CodeSize.BITS_64 ? 8 : instruction.operandSize);
            case FAR_POINTER -> hex(instruction.immediate2, 2) + ":" + hex(instruction.immediate, 4);
            case SOURCE_STRING ->
                    pointer(size) + SEGMENTS[instruction.segment] + ":[" + general(6, instruction.addressSize) + "]";
            case DESTINATION_STRING -> pointer(size) + "es:[" + general(7, instruction.addressSize) + "]";
            case FIXED -> switch (operand) {
                case rAX, eAX -> general(0, size);
                case ST0 -> impliedStackTop() ? "" : "st";
                default -> operand.name().toLowerCase(Locale.ROOT);
            };
            case MMX_REG -> "mm" + instruction.reg;
            case MMX_RM -> instruction.memory ? memory(size) : "mm" + instruction.rm;
            case MMX_RM_REGISTER -> "mm" + instruction.rm;
            case XMM_REG -> "xmm" + instruction.reg;
            case XMM_RM -> instruction.memory ? memory(size) : "xmm" + instruction.rm;
            case XMM_RM_REGISTER -> "xmm" + instruction.rm;
        };
    }

    /** objdump shows the word that these read out of a register in the operand size. */
    private int registerSize(Operand operand, int size) {
        return switch (instruction.mnemonic()) {
            case MOV, LAR, LSL -> operand == Operand.Ew ? instruction.operandSize : size;
            default -> size;
        };
    }

    /** Where objdump leaves out ST(0). */
    private boolean impliedStackTop() {
        return instruction.memory || switch (instruction.mnemonic()) {
            case FCOM, FCOMP, FUCOM, FUCOMP -> true;
            default -> false;
        };
    }

    /** How wide the memory is said to be. */
    private String memoryWidth(int size) {
        return switch (instruction.mnemonic()) {
            case CMPXCHG16B, INVEPT, INVVPID -> "OWORD PTR ";
            case INVPCID -> "";
            case INVLPG -> "BYTE PTR ";
            case MOV -> offset() ? "" : pointer(size);
            default -> pointer(size);
        };
    }

    private static String pointer(int size) {
        return switch (size) {
            case 1 -> "BYTE PTR ";
            case 2 -> "WORD PTR ";
            case 4 -> "DWORD PTR ";
            case 6 -> "FWORD PTR ";
            case 8 -> "QWORD PTR ";
            case 10 -> "TBYTE PTR ";
            case 16 -> "XMMWORD PTR ";
            default -> "";
        };
    }

    private String memory(int size) {
        StringBuilder text = new StringBuilder(memoryWidth(size));
        boolean registers = instruction.base != Instruction.NONE || instruction.index != Instruction.NONE;
        if (instruction.segmentOverride || !registers) {
            text.append(SEGMENTS[instruction.segment]).append(':');
        }
        if (!registers) {
            return text.append(hex(instruction.displacement, instruction.addressSize)).toString();
        }
        text.append('[');
        if (instruction.base != Instruction.NONE) {
            text.append(instruction.base == Instruction.RIP
                    ? instruction.addressSize == 4 ? "eip" : "rip"
                    : general(instruction.base, instruction.addressSize));
        }
        if (instruction.index != Instruction.NONE) {
            text.append(instruction.base != Instruction.NONE ? "+" : "");
            text.append(general(instruction.index, instruction.addressSize));
            text.append(instruction.addressSize == 2 ? "" : "*" + (1 << instruction.scale));
        }
        long displacement = instruction.displacement;
        if (instruction.base == Instruction.RIP) {
            displacement -= instruction.offset + instruction.length;
        }
        if (displacement > 0 || (displacement < 0 && instruction.base == Instruction.RIP)) {
            text.append("+0x").append(Long.toHexString(displacement));
        } else if (displacement < 0) {
            text.append("-0x").append(Long.toHexString(-displacement));
        }
        return text.append(']').toString();
    }

    private static String hex(long value, int size) {
        return "0x" + Long.toHexString(size >= 8 ? value : value & (1L << 8 * size) - 1);
    }

    private String general(int number, int size) {
        if (number >= Instruction.AH) {
            return HIGH[number - Instruction.AH];
        }
        if (number >= 8) {
            return "r" + number + (size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "");
        }
        String name = GENERAL[number];
        return switch (size) {
            case 1 -> number < 4 ? name.charAt(0) + "l" : name + "l";
            case 2 -> name;
            case 4 -> "e" + name;
            default -> "r" + name;
        };
    }
}
