package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** MUL, IMUL, DIV and IDIV. */
final class MultiplyHandlers {
    private MultiplyHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.MUL, in -> {
            int size = in.size(0);
            return size == 8 ? MultiplyHandlers::multiply64 : (cpu, it) -> multiply(cpu, it, size);
        });
        table.add(Mnemonic.IMUL, in -> switch (in.opcode.operandCount()) {
            case 1 -> bindSignedWide(in);
            case 2 -> bindSigned(in, false);
            default -> bindSigned(in, true);
        });
        table.add(Mnemonic.DIV, in -> {
            int size = in.size(0);
            return size == 8 ? MultiplyHandlers::divide64 : (cpu, it) -> divide(cpu, it, size);
        });
        table.add(Mnemonic.IDIV, in -> {
            int size = in.size(0);
            return size == 8 ? MultiplyHandlers::divideSigned64 : (cpu, it) -> divideSigned(cpu, it, size);
        });
    }

    /** CF and OF say whether the upper half is needed; the others are undefined and follow the lower half. */
    private static void setFlags(Cpu cpu, long low, boolean wide) {
        cpu.flagZero = low == 0 ? 1 : low;
        cpu.flagSign = low;
        cpu.flagCarry = wide ? Long.MIN_VALUE : 0;
        cpu.flagOverflow = cpu.flagCarry;
    }

    private static void multiply64(Cpu cpu, Instruction in) {
        long a = cpu.gpr[Cpu.RAX];
        long b = Operands.rm(cpu, in, 8);
        long high = Math.unsignedMultiplyHigh(a, b);
        long low = a * b;
        cpu.gpr[Cpu.RAX] = low;
        cpu.gpr[Cpu.RDX] = high;
        setFlags(cpu, low, high != 0);
    }

    private static void multiply(Cpu cpu, Instruction in, int size) {
        long mask = (1L << 8 * size) - 1;
        long product = (cpu.gpr[Cpu.RAX] & mask) * (Operands.rm(cpu, in, size) & mask);
        setWide(cpu, product, size);
        setFlags(cpu, Operands.extend(product, size), product >>> 8 * size != 0);
    }

    /** Writes a double-width value to AX, DX:AX or EDX:EAX. */
    private static void setWide(Cpu cpu, long value, int size) {
        if (size == 1) {
            Operands.setRegister(cpu, Cpu.RAX, value, 2);
        } else {
            Operands.setRegister(cpu, Cpu.RAX, value, size);
            Operands.setRegister(cpu, Cpu.RDX, value >>> 8 * size, size);
        }
    }

    private static Handler bindSignedWide(Instruction in) {
        int size = in.size(0);
        if (size == 8) {
            return (cpu, it) -> {
                long a = cpu.gpr[Cpu.RAX];
                long b = Operands.rm(cpu, it, 8);
                long high = Math.multiplyHigh(a, b);
                long low = a * b;
                cpu.gpr[Cpu.RAX] = low;
                cpu.gpr[Cpu.RDX] = high;
                setFlags(cpu, low, high != low >> 63);
            };
        }
        return (cpu, it) -> {
            long product = Operands.register(cpu, Cpu.RAX, size) * Operands.rm(cpu, it, size);
            setWide(cpu, product, size);
            long low = Operands.extend(product, size);
            setFlags(cpu, low, low != product);
        };
    }

    /** The lower half of a product, with its flags. */
    static long multiplySigned64(Cpu cpu, long a, long b) {
        long low = a * b;
        setFlags(cpu, low, Math.multiplyHigh(a, b) != low >> 63);
        return low;
    }

    private static Handler bindSigned(Instruction in, boolean immediate) {
        int size = in.operandSize;
        if (size == 8) {
            return (cpu, it) -> {
                long a = Operands.rm(cpu, it, 8);
                cpu.gpr[it.reg] = multiplySigned64(cpu, a, immediate ? it.immediate : cpu.gpr[it.reg]);
            };
        }
        return (cpu, it) -> {
            long a = Operands.rm(cpu, it, size);
            long b = immediate ? Operands.extend(it.immediate, size) : Operands.register(cpu, it.reg, size);
            long low = Operands.extend(a * b, size);
            Operands.setRegister(cpu, it.reg, low, size);
            setFlags(cpu, low, low != a * b);
        };
    }

    private static GuestFault divideError(Cpu cpu) {
        return cpu.raise(Vectors.DIVIDE_ERROR, 0);
    }

    /** The double-width dividend of 16, 32 or 64 bits, zero-extended. */
    private static long dividend(Cpu cpu, int size) {
        if (size == 1) {
            return cpu.gpr[Cpu.RAX] & 0xFFFF;
        }
        long mask = (1L << 8 * size) - 1;
        return (cpu.gpr[Cpu.RDX] & mask) << 8 * size | cpu.gpr[Cpu.RAX] & mask;
    }

    private static void setQuotient(Cpu cpu, long quotient, long remainder, int size) {
        if (size == 1) {
            Operands.setRegister(cpu, Cpu.RAX, quotient & 0xFF | remainder << 8, 2);
        } else {
            Operands.setRegister(cpu, Cpu.RAX, quotient, size);
            Operands.setRegister(cpu, Cpu.RDX, remainder, size);
        }
    }

    private static void divide(Cpu cpu, Instruction in, int size) {
        long mask = (1L << 8 * size) - 1;
        long divisor = Operands.rm(cpu, in, size) & mask;
        if (divisor == 0) {
            throw divideError(cpu);
        }
        long dividend = dividend(cpu, size);
        long quotient = Long.divideUnsigned(dividend, divisor);
        if (Long.compareUnsigned(quotient, mask) > 0) {
            throw divideError(cpu);
        }
        setQuotient(cpu, quotient, dividend - quotient * divisor, size);
    }

    private static void divideSigned(Cpu cpu, Instruction in, int size) {
        long divisor = Operands.rm(cpu, in, size);
        if (divisor == 0) {
            throw divideError(cpu);
        }
        int unused = 64 - 16 * size;
        long dividend = dividend(cpu, size) << unused >> unused;
        if (dividend == Long.MIN_VALUE && divisor == -1) {
            throw divideError(cpu);
        }
        long quotient = dividend / divisor;
        if (Operands.extend(quotient, size) != quotient) {
            throw divideError(cpu);
        }
        setQuotient(cpu, quotient, dividend % divisor, size);
    }

    private static void divide64(Cpu cpu, Instruction in) {
        long divisor = Operands.rm(cpu, in, 8);
        long high = cpu.gpr[Cpu.RDX];
        // a quotient that fits needs an upper half below the divisor, which is so for no upper half if the divisor is 0
        if (Long.compareUnsigned(high, divisor) >= 0) {
            throw divideError(cpu);
        }
        long low = cpu.gpr[Cpu.RAX];
        long quotient = high == 0 ? Long.divideUnsigned(low, divisor) : divideWide(high, low, divisor);
        cpu.gpr[Cpu.RAX] = quotient;
        cpu.gpr[Cpu.RDX] = low - quotient * divisor;
    }

    /** 128 by 64 bits with a quotient that fits: Knuth's algorithm D with two digits of 32 bits. */
    private static long divideWide(long high, long low, long divisor) {
        int shift = Long.numberOfLeadingZeros(divisor);
        long normal = divisor << shift;
        long upper = shift == 0 ? high : high << shift | low >>> 64 - shift;
        long lower = low << shift;
        long first = digit(upper, lower >>> 32, normal);
        long rest = (upper << 32 | lower >>> 32) - first * normal;
        long second = digit(rest, lower & 0xFFFF_FFFFL, normal);
        return first << 32 | second;
    }

    /** One 32-bit digit of the quotient of (upper, next) by a normalised divisor. */
    private static long digit(long upper, long next, long divisor) {
        long divisorHigh = divisor >>> 32;
        long divisorLow = divisor & 0xFFFF_FFFFL;
        long digit = Long.divideUnsigned(upper, divisorHigh);
        long rest = upper - digit * divisorHigh;
        while (digit >>> 32 != 0 || Long.compareUnsigned(digit * divisorLow, rest << 32 | next) > 0) {
            digit--;
            rest += divisorHigh;
            if (rest >>> 32 != 0) {
                break;
            }
        }
        return digit;
    }

    private static void divideSigned64(Cpu cpu, Instruction in) {
        long divisor = Operands.rm(cpu, in, 8);
        long high = cpu.gpr[Cpu.RDX];
        long low = cpu.gpr[Cpu.RAX];
        if (divisor == 0) {
            throw divideError(cpu);
        }
        boolean negative = high < 0;
        long magnitudeLow = negative ? -low : low;
        long magnitudeHigh = negative ? ~high + (low == 0 ? 1 : 0) : high;
        long magnitude = Math.abs(divisor);
        if (Long.compareUnsigned(magnitudeHigh, magnitude) >= 0) {
            throw divideError(cpu);
        }
        long quotient = magnitudeHigh == 0
                ? Long.divideUnsigned(magnitudeLow, magnitude)
                : divideWide(magnitudeHigh, magnitudeLow, magnitude);
        long remainder = magnitudeLow - quotient * magnitude;
        boolean negativeQuotient = negative != divisor < 0;
        if (negativeQuotient ? Long.compareUnsigned(quotient, Long.MIN_VALUE) > 0 : quotient < 0) {
            throw divideError(cpu);
        }
        cpu.gpr[Cpu.RAX] = negativeQuotient ? -quotient : quotient;
        cpu.gpr[Cpu.RDX] = negative ? -remainder : remainder;
    }
}
