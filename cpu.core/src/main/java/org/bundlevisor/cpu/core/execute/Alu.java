package org.bundlevisor.cpu.core.execute;

/**
 * The eight operations of the opcode rows 00 to 3F, and what they do to the flags. Operands are sign-extended to 64 bits
 * ({@link Operands}); so are the results, once they are cut to the size.
 *
 * <p>The carry out of each bit of a + b is {@code (a & b) | ((a | b) & ~r)}, the borrow of a - b is
 * {@code (~a & b) | ((~a | b) & r)}, also with a carry in; as sign extension repeats the top bit, so do these.
 */
final class Alu {
    /** Operations, numbered as ModRM.reg of opcodes 80 to 83 and bits 5:3 of 00 to 3F do. */
    static final int ADD = 0;

    static final int OR = 1;
    static final int ADC = 2;
    static final int SBB = 3;
    static final int AND = 4;
    static final int SUB = 5;
    static final int XOR = 6;
    static final int CMP = 7;

    private Alu() {}

    /** Computes an operation of a size in bytes, with its flags; CMP like SUB. */
    static long compute(Cpu cpu, int operation, long a, long b, int size) {
        return switch (operation) {
            case ADD -> add(cpu, a, b, Operands.extend(a + b, size));
            case OR -> logic(cpu, a | b);
            case ADC -> add(cpu, a, b, Operands.extend(a + b + (cpu.flagCarry >>> 63), size));
            case SBB -> subtract(cpu, a, b, Operands.extend(a - b - (cpu.flagCarry >>> 63), size));
            case AND -> logic(cpu, a & b);
            case XOR -> logic(cpu, a ^ b);
            default -> subtract(cpu, a, b, Operands.extend(a - b, size));
        };
    }

    /** Flags of a sum. */
    static long add(Cpu cpu, long a, long b, long result) {
        cpu.flagZero = result;
        cpu.flagSign = result;
        cpu.flagCarry = a & b | (a | b) & ~result;
        cpu.flagOverflow = (a ^ result) & (b ^ result);
        return result;
    }

    /** Flags of a difference. */
    static long subtract(Cpu cpu, long a, long b, long result) {
        cpu.flagZero = result;
        cpu.flagSign = result;
        cpu.flagCarry = ~a & b | (~a | b) & result;
        cpu.flagOverflow = (a ^ b) & (a ^ result);
        return result;
    }

    /** Flags of a bitwise operation; AF is undefined and comes out clear, as on Intel's processors. */
    static long logic(Cpu cpu, long result) {
        cpu.flagZero = result;
        cpu.flagSign = result;
        cpu.flagCarry = 0;
        cpu.flagOverflow = 0;
        return result;
    }

    /** INC: like ADD 1, but CF stays. */
    static long increment(Cpu cpu, long a, int size) {
        long carry = cpu.flagCarry & Long.MIN_VALUE;
        long result = add(cpu, a, 1, Operands.extend(a + 1, size));
        cpu.flagCarry = cpu.flagCarry & Long.MAX_VALUE | carry;
        return result;
    }

    /** DEC: like SUB 1, but CF stays. */
    static long decrement(Cpu cpu, long a, int size) {
        long carry = cpu.flagCarry & Long.MIN_VALUE;
        long result = subtract(cpu, a, 1, Operands.extend(a - 1, size));
        cpu.flagCarry = cpu.flagCarry & Long.MAX_VALUE | carry;
        return result;
    }
}
