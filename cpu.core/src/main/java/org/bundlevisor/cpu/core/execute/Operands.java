package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/**
 * Access to general registers and to ModRM operands by size. Values that flags are computed from are sign-extended to 64
 * bits, so that one formula serves all sizes and bit 63 is the operand's top bit.
 */
final class Operands {
    private Operands() {}

    /** A general register of 1, 2, 4 or 8 bytes, sign-extended; byte registers as {@link Instruction} numbers them. */
    static long register(Cpu cpu, int number, int size) {
        return switch (size) {
            case 1 ->
                    number < Instruction.AH ? (byte) cpu.gpr[number] : (byte) (cpu.gpr[number - Instruction.AH] >>> 8);
            case 2 -> (short) cpu.gpr[number];
            case 4 -> (int) cpu.gpr[number];
            default -> cpu.gpr[number];
        };
    }

    /** Writes a general register: 4 bytes clear the upper half, fewer leave the rest as it is. */
    static void setRegister(Cpu cpu, int number, long value, int size) {
        switch (size) {
            case 1 -> setByteRegister(cpu, number, value);
            case 2 -> cpu.gpr[number] = cpu.gpr[number] & ~0xFFFFL | value & 0xFFFF;
            case 4 -> cpu.gpr[number] = value & 0xFFFF_FFFFL;
            default -> cpu.gpr[number] = value;
        }
    }

    private static void setByteRegister(Cpu cpu, int number, long value) {
        if (number < Instruction.AH) {
            cpu.gpr[number] = cpu.gpr[number] & ~0xFFL | value & 0xFF;
        } else {
            int whole = number - Instruction.AH;
            cpu.gpr[whole] = cpu.gpr[whole] & ~0xFF00L | (value & 0xFF) << 8;
        }
    }

    /** Memory at a linear address, sign-extended. */
    static long load(Cpu cpu, long linear, int size) {
        return switch (size) {
            case 1 -> (byte) cpu.read8(linear);
            case 2 -> (short) cpu.read16(linear);
            case 4 -> cpu.read32(linear);
            default -> cpu.read64(linear);
        };
    }

    /** The operand of ModRM.rm, register or memory, sign-extended. */
    static long rm(Cpu cpu, Instruction in, int size) {
        return in.memory ? load(cpu, cpu.address(in, size, false), size) : register(cpu, in.rm, size);
    }

    /** Writes the operand of ModRM.rm. */
    static void setRm(Cpu cpu, Instruction in, long value, int size) {
        if (in.memory) {
            cpu.write(cpu.address(in, size, true), value, size);
        } else {
            setRegister(cpu, in.rm, value, size);
        }
    }

    /** Cuts a value to a size and sign-extends it. */
    static long extend(long value, int size) {
        return switch (size) {
            case 1 -> (byte) value;
            case 2 -> (short) value;
            case 4 -> (int) value;
            default -> value;
        };
    }
}
