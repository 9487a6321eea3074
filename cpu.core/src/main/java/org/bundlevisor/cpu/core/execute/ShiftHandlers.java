package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/**
 * Shifts and rotates. A count of zero, once it is cut to five or six bits, changes no flag. Flags that the manual leaves
 * undefined come out as on Intel's processors where that is simple.
 */
final class ShiftHandlers {
    private ShiftHandlers() {}

    /** Computes a shift of a value, sign-extended, by a count that is not zero; sets the flags. */
    @FunctionalInterface
    private interface Shift {
        long apply(Cpu cpu, long value, int count, int size);
    }

    static void register(HandlerTable table) {
        table.add(Mnemonic.SHL, in -> bind(in, ShiftHandlers::shiftLeft));
        table.add(Mnemonic.SHR, in -> bind(in, ShiftHandlers::shiftRight));
        table.add(Mnemonic.SAR, in -> bind(in, ShiftHandlers::shiftArithmetic));
        table.add(Mnemonic.ROL, in -> bind(in, ShiftHandlers::rotateLeft));
        table.add(Mnemonic.ROR, in -> bind(in, ShiftHandlers::rotateRight));
        table.add(Mnemonic.RCL, in -> bind(in, ShiftHandlers::rotateCarryLeft));
        table.add(Mnemonic.RCR, in -> bind(in, ShiftHandlers::rotateCarryRight));
        table.add(Mnemonic.SHLD, in -> bindDouble(in, true));
        table.add(Mnemonic.SHRD, in -> bindDouble(in, false));
    }

    private static Handler bind(Instruction in, Shift shift) {
        int size = in.size(0);
        int mask = size == 8 ? 63 : 31;
        if (in.opcode.operand(1).place == Place.IMMEDIATE) {
            int count = (int) in.immediate & mask;
            if (!in.memory) {
                return registerByConstant(in, shift, count, size);
            }
            return (cpu, it) -> shiftRm(cpu, it, shift, count, size);
        }
        return (cpu, it) -> shiftRm(cpu, it, shift, (int) cpu.gpr[Cpu.RCX] & mask, size);
    }

    private static Handler registerByConstant(Instruction in, Shift shift, int count, int size) {
        if (count == 0) {
            return (cpu, it) -> Operands.setRegister(cpu, it.rm, Operands.register(cpu, it.rm, size), size);
        }
        boolean left = in.mnemonic() == Mnemonic.SHL;
        boolean right = in.mnemonic() == Mnemonic.SHR;
        if (size == 8 && left) {
            return (cpu, it) -> cpu.gpr[it.rm] = shiftLeft(cpu, cpu.gpr[it.rm], count, 8);
        }
        if (size == 8 && right) {
            return (cpu, it) -> cpu.gpr[it.rm] = shiftRight(cpu, cpu.gpr[it.rm], count, 8);
        }
        if (size == 4 && left) {
            return (cpu, it) -> cpu.gpr[it.rm] = shiftLeft(cpu, (int) cpu.gpr[it.rm], count, 4) & 0xFFFF_FFFFL;
        }
        if (size == 4 && right) {
            return (cpu, it) -> cpu.gpr[it.rm] = shiftRight(cpu, (int) cpu.gpr[it.rm], count, 4) & 0xFFFF_FFFFL;
        }
        return (cpu, it) -> {
            long value = Operands.register(cpu, it.rm, size);
            Operands.setRegister(cpu, it.rm, shift.apply(cpu, value, count, size), size);
        };
    }

    private static void shiftRm(Cpu cpu, Instruction in, Shift shift, int count, int size) {
        if (in.memory) {
            long linear = cpu.address(in, size, true);
            long value = Operands.extend(cpu.readForWrite(linear, size), size);
            if (count != 0) {
                cpu.write(linear, shift.apply(cpu, value, count, size), size);
            }
        } else {
            long value = Operands.register(cpu, in.rm, size);
            long result = count == 0 ? value : shift.apply(cpu, value, count, size);
            Operands.setRegister(cpu, in.rm, result, size);
        }
    }

    private static long zeroExtend(long value, int size) {
        return size == 8 ? value : value & (1L << 8 * size) - 1;
    }

    /** Flags of a shift: the result's, the last bit shifted out, and an overflow bit. AF is undefined and cleared. */
    private static void setFlags(Cpu cpu, long result, long carry, long overflow) {
        cpu.flagZero = result;
        cpu.flagSign = result;
        cpu.flagCarry = carry << 63;
        cpu.flagOverflow = overflow;
    }

    static long shiftLeft(Cpu cpu, long value, int count, int size) {
        int bits = 8 * size;
        long carry = count <= bits ? value >>> bits - count & 1 : 0;
        if (bits == 64) {
            carry = value >>> 64 - count & 1;
        }
        long result = Operands.extend(value << count, size);
        setFlags(cpu, result, carry, result ^ carry << 63);
        return result;
    }

    static long shiftRight(Cpu cpu, long value, int count, int size) {
        long whole = zeroExtend(value, size);
        long result = Operands.extend(whole >>> count, size);
        // OF is the top bit of the operand for a count of 1, and for others as if it were so for the last step
        setFlags(cpu, result, whole >>> count - 1 & 1, count == 1 ? value : result ^ result << 1);
        return result;
    }

    private static long shiftArithmetic(Cpu cpu, long value, int count, int size) {
        setFlags(cpu, value >> count, value >> count - 1 & 1, 0);
        return value >> count;
    }

    private static long rotateLeft(Cpu cpu, long value, int count, int size) {
        int bits = 8 * size;
        int by = count & bits - 1;
        long whole = zeroExtend(value, size);
        long result = by == 0 ? value : Operands.extend(whole << by | whole >>> bits - by, size);
        cpu.setCarry((result & 1) != 0);
        cpu.flagOverflow = result ^ result << 63;
        return result;
    }

    private static long rotateRight(Cpu cpu, long value, int count, int size) {
        int bits = 8 * size;
        int by = count & bits - 1;
        long whole = zeroExtend(value, size);
        long result = by == 0 ? value : Operands.extend(whole >>> by | whole << bits - by, size);
        cpu.setCarry(result < 0);
        cpu.flagOverflow = result ^ result << 64 - (bits - 1);
        return result;
    }

    /** A rotation through CF: of 9, 17, 33 or 65 bits. */
    private static long rotateCarryLeft(Cpu cpu, long value, int count, int size) {
        int bits = 8 * size;
        int by = size < 4 ? count % (bits + 1) : count;
        long whole = zeroExtend(value, size);
        long carry = cpu.flagCarry >>> 63;
        for (int i = 0; i < by; i++) {
            long out = whole >>> bits - 1 & 1;
            whole = zeroExtend(whole << 1 | carry, size);
            carry = out;
        }
        long result = Operands.extend(whole, size);
        cpu.setCarry(carry != 0);
        cpu.flagOverflow = result ^ carry << 63;
        return result;
    }

    private static long rotateCarryRight(Cpu cpu, long value, int count, int size) {
        int bits = 8 * size;
        int by = size < 4 ? count % (bits + 1) : count;
        long whole = zeroExtend(value, size);
        long carry = cpu.flagCarry >>> 63;
        for (int i = 0; i < by; i++) {
            long out = whole & 1;
            whole = whole >>> 1 | carry << bits - 1;
            carry = out;
        }
        long result = Operands.extend(whole, size);
        cpu.setCarry(carry != 0);
        cpu.flagOverflow = result ^ result << 64 - (bits - 1);
        return result;
    }

    private static Handler bindDouble(Instruction in, boolean left) {
        int size = in.operandSize;
        int mask = size == 8 ? 63 : 31;
        if (in.opcode.operand(2).place == Place.IMMEDIATE) {
            int count = (int) in.immediate & mask;
            return (cpu, it) -> shiftDouble(cpu, it, count, size, left);
        }
        return (cpu, it) -> shiftDouble(cpu, it, (int) cpu.gpr[Cpu.RCX] & mask, size, left);
    }

    private static void shiftDouble(Cpu cpu, Instruction in, int count, int size, boolean left) {
        long linear = in.memory ? cpu.address(in, size, true) : 0;
        long value = in.memory
                ? Operands.extend(cpu.readForWrite(linear, size), size)
                : Operands.register(cpu, in.rm, size);
        long result = value;
        if (count != 0) {
            long filler = zeroExtend(cpu.gpr[in.reg], size);
            result = left
                    ? doubleLeft(cpu, zeroExtend(value, size), filler, count, size)
                    : doubleRight(cpu, zeroExtend(value, size), filler, count, size);
        }
        if (in.memory) {
            cpu.write(linear, result, size);
        } else {
            Operands.setRegister(cpu, in.rm, result, size);
        }
    }

    /** With 16-bit operands a count above 16 is undefined; Intel's processors shift the destination in once more. */
    private static long doubleLeft(Cpu cpu, long value, long filler, int count, int size) {
        int bits = 8 * size;
        long carry;
        long whole;
        if (size == 2) {
            long wide = value << 32 | filler << 16 | value;
            whole = wide << count >>> 32;
            carry = wide << count >>> 48 & 1;
        } else {
            whole = value << count | filler >>> bits - count;
            carry = value >>> bits - count & 1;
        }
        long result = Operands.extend(whole, size);
        setFlags(cpu, result, carry, result ^ Operands.extend(value, size));
        return result;
    }

    private static long doubleRight(Cpu cpu, long value, long filler, int count, int size) {
        int bits = 8 * size;
        long carry;
        long whole;
        if (size == 2) {
            long wide = value << 32 | filler << 16 | value;
            whole = wide >>> count;
            carry = wide >>> count - 1 & 1;
        } else {
            whole = value >>> count | filler << bits - count;
            carry = value >>> count - 1 & 1;
        }
        long result = Operands.extend(whole, size);
        setFlags(cpu, result, carry, result ^ Operands.extend(value, size));
        return result;
    }
}
