package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/**
 * The forms of instructions that make up most of what 64-bit code executes, numbered, so that {@link Interpreter} can
 * choose among them by a jump instead of a call. All have 64-bit addresses and 32- or 64-bit operands; whatever is not
 * among them is {@link #OTHER} and executes by its {@link Handler}, as do the same instructions in other modes.
 */
final class CommonForms {
    static final int OTHER = 0;
    static final int MOVE_64 = 1;
    static final int MOVE_32 = 2;
    static final int LOAD_64 = 3;
    static final int LOAD_32 = 4;
    static final int STORE_64 = 5;
    static final int STORE_32 = 6;
    static final int ADDRESS_64 = 7;
    static final int MOVE_IMMEDIATE_32 = 8;
    static final int LOAD_BYTE = 9;
    static final int ADD_64 = 10;
    static final int ADD_32 = 11;
    static final int SUBTRACT_64 = 12;
    static final int SUBTRACT_32 = 13;
    static final int AND_64 = 14;
    static final int AND_32 = 15;
    static final int OR_64 = 16;
    static final int OR_32 = 17;
    static final int XOR_64 = 18;
    static final int XOR_32 = 19;
    static final int COMPARE_64 = 20;
    static final int COMPARE_32 = 21;
    static final int TEST_64 = 22;
    static final int TEST_32 = 23;
    static final int ADD_IMMEDIATE_64 = 24;
    static final int ADD_IMMEDIATE_32 = 25;
    static final int SUBTRACT_IMMEDIATE_64 = 26;
    static final int COMPARE_IMMEDIATE_64 = 27;
    static final int COMPARE_IMMEDIATE_32 = 28;
    static final int AND_IMMEDIATE_32 = 29;
    static final int JUMP_IF_EQUAL = 30;
    static final int JUMP_IF_NOT_EQUAL = 31;
    static final int JUMP = 32;
    static final int PUSH = 33;
    static final int POP = 34;
    static final int CALL = 35;
    static final int RETURN = 36;
    static final int JUMP_IF_BELOW = 37;
    static final int JUMP_IF_NOT_BELOW = 38;
    static final int SHIFT_LEFT_64 = 39;
    static final int SHIFT_RIGHT_64 = 40;
    static final int MULTIPLY_64 = 41;
    static final int SIGN_EXTEND_64 = 42;

    private CommonForms() {}

    /** The form of an instruction. */
    static int of(Instruction in) {
        int size = in.operandSize;
        if (in.addressSize != 8 || in.lock || size == 2) {
            return OTHER;
        }
        int wide = size == 8 ? 0 : 1;
        return switch (in.mnemonic()) {
            case MOV -> move(in, wide);
            case LEA -> size == 8 ? ADDRESS_64 : OTHER;
            case MOVZX -> in.memory && in.size(1) == 1 ? LOAD_BYTE : OTHER;
            case ADD -> arithmetic(in, wide, ADD_64, ADD_IMMEDIATE_64 + wide);
            case SUB -> arithmetic(in, wide, SUBTRACT_64, size == 8 ? SUBTRACT_IMMEDIATE_64 : OTHER);
            case AND -> arithmetic(in, wide, AND_64, size == 4 ? AND_IMMEDIATE_32 : OTHER);
            case OR -> arithmetic(in, wide, OR_64, OTHER);
            case XOR -> arithmetic(in, wide, XOR_64, OTHER);
            case CMP -> arithmetic(in, wide, COMPARE_64, COMPARE_IMMEDIATE_64 + wide);
            case TEST -> arithmetic(in, wide, TEST_64, OTHER);
            case JE -> JUMP_IF_EQUAL;
            case JNE -> JUMP_IF_NOT_EQUAL;
            case JB -> JUMP_IF_BELOW;
            case JAE -> JUMP_IF_NOT_BELOW;
            case SHL -> shift(in, SHIFT_LEFT_64);
            case SHR -> shift(in, SHIFT_RIGHT_64);
            case IMUL -> size == 8 && !in.memory && in.opcode.operandCount() == 2 ? MULTIPLY_64 : OTHER;
            case MOVSXD -> size == 8 && !in.memory ? SIGN_EXTEND_64 : OTHER;
            case JMP -> in.opcode.operand(0).place == Place.RELATIVE ? JUMP : OTHER;
            case PUSH -> in.opcode.operand(0).place == Place.OPCODE ? PUSH : OTHER;
            case POP -> in.opcode.operand(0).place == Place.OPCODE ? POP : OTHER;
            case CALL -> in.opcode.operand(0).place == Place.RELATIVE ? CALL : OTHER;
            case RET -> in.opcode.operandCount() == 0 ? RETURN : OTHER;
            default -> OTHER;
        };
    }

    private static int move(Instruction in, int narrow) {
        if (in.size(0) != in.operandSize || in.size(1) != in.operandSize) {
            return OTHER;
        }
        Place to = in.opcode.operand(0).place;
        Place from = in.opcode.operand(1).place;
        if (to == Place.RM && from == Place.REG) {
            return (in.memory ? STORE_64 : MOVE_64) + narrow;
        }
        if (to == Place.REG && from == Place.RM) {
            return in.memory ? LOAD_64 + narrow : OTHER;
        }
        return to == Place.OPCODE && from == Place.IMMEDIATE && narrow == 1 ? MOVE_IMMEDIATE_32 : OTHER;
    }

    /** Forms without memory whose destination is ModRM.rm. */
    private static int arithmetic(Instruction in, int narrow, int registers, int immediate) {
        if (in.memory || in.size(0) != in.operandSize || in.opcode.operand(0).place != Place.RM) {
            return OTHER;
        }
        return switch (in.opcode.operand(1).place) {
            case REG -> registers + narrow;
            case IMMEDIATE -> immediate;
            default -> OTHER;
        };
    }

    /** A shift of a 64-bit register by a constant, which is not zero. */
    private static int shift(Instruction in, int form) {
        boolean constant = in.opcode.operand(1).place == Place.IMMEDIATE && (in.immediate & 63) != 0;
        return constant && !in.memory && in.size(0) == 8 ? form : OTHER;
    }

    static long add32(Cpu cpu, int a, int b) {
        return Alu.add(cpu, a, b, a + b) & 0xFFFF_FFFFL;
    }

    static long subtract32(Cpu cpu, int a, int b) {
        return Alu.subtract(cpu, a, b, a - b) & 0xFFFF_FFFFL;
    }
}
