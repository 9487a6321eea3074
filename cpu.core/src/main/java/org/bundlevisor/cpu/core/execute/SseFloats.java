package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.softfloat.Approximations;
import org.bundlevisor.cpu.core.softfloat.ExceptionFlags;
import org.bundlevisor.cpu.core.softfloat.SseArithmetic;

/** Floating-point arithmetic, comparison and rounding in XMM registers. */
final class SseFloats {
    private static final long LOW = 0xFFFF_FFFFL;

    private SseFloats() {}

    @FunctionalInterface
    private interface Singles {
        int apply(SseArithmetic arithmetic, int a, int b);
    }

    @FunctionalInterface
    private interface Doubles {
        long apply(SseArithmetic arithmetic, long a, long b);
    }

    static void register(HandlerTable table) {
        singles(table, Mnemonic.ADDPS, Mnemonic.ADDSS, SseArithmetic::addSingle);
        singles(table, Mnemonic.SUBPS, Mnemonic.SUBSS, SseArithmetic::subtractSingle);
        singles(table, Mnemonic.MULPS, Mnemonic.MULSS, SseArithmetic::multiplySingle);
        singles(table, Mnemonic.DIVPS, Mnemonic.DIVSS, SseArithmetic::divideSingle);
        singles(table, Mnemonic.MINPS, Mnemonic.MINSS, SseArithmetic::minimumSingle);
        singles(table, Mnemonic.MAXPS, Mnemonic.MAXSS, SseArithmetic::maximumSingle);
        singles(table, Mnemonic.SQRTPS, Mnemonic.SQRTSS, (s, a, b) -> s.squareRootSingle(b));
        singles(table, Mnemonic.RCPPS, Mnemonic.RCPSS, (s, a, b) -> Approximations.reciprocal(b));
        singles(table, Mnemonic.RSQRTPS, Mnemonic.RSQRTSS, (s, a, b) -> Approximations.reciprocalSquareRoot(b));
        doubles(table, Mnemonic.ADDPD, Mnemonic.ADDSD, SseArithmetic::addDouble);
        doubles(table, Mnemonic.SUBPD, Mnemonic.SUBSD, SseArithmetic::subtractDouble);
        doubles(table, Mnemonic.MULPD, Mnemonic.MULSD, SseArithmetic::multiplyDouble);
        doubles(table, Mnemonic.DIVPD, Mnemonic.DIVSD, SseArithmetic::divideDouble);
        doubles(table, Mnemonic.MINPD, Mnemonic.MINSD, SseArithmetic::minimumDouble);
        doubles(table, Mnemonic.MAXPD, Mnemonic.MAXSD, SseArithmetic::maximumDouble);
        doubles(table, Mnemonic.SQRTPD, Mnemonic.SQRTSD, (s, a, b) -> s.squareRootDouble(b));
        registerPairs(table);
        registerComparisons(table);
        registerRounding(table);
    }

    private static void singles(HandlerTable table, Mnemonic packed, Mnemonic scalar, Singles operation) {
        table.add(packed, Sse.binder((cpu, in, low, high) -> {
            SseArithmetic sse = cpu.sse;
            sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = onTwo(operation, sse, cpu.xmm[at], low);
            long second = onTwo(operation, sse, cpu.xmm[at + 1], high);
            Sse.settle(cpu);
            cpu.xmm[at] = first;
            cpu.xmm[at + 1] = second;
        }));
        table.add(scalar, Sse.binder((cpu, in, low, high) -> {
            SseArithmetic sse = cpu.sse;
            sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long old = cpu.xmm[at];
            int result = operation.apply(sse, (int) old, (int) low);
            Sse.settle(cpu);
            cpu.xmm[at] = old & ~LOW | result & LOW;
        }));
    }

    private static long onTwo(Singles operation, SseArithmetic sse, long a, long b) {
        int first = operation.apply(sse, (int) a, (int) b);
        return first & LOW | (long) operation.apply(sse, (int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    private static void doubles(HandlerTable table, Mnemonic packed, Mnemonic scalar, Doubles operation) {
        table.add(packed, Sse.binder((cpu, in, low, high) -> {
            SseArithmetic sse = cpu.sse;
            sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = operation.apply(sse, cpu.xmm[at], low);
            long second = operation.apply(sse, cpu.xmm[at + 1], high);
            Sse.settle(cpu);
            cpu.xmm[at] = first;
            cpu.xmm[at + 1] = second;
        }));
        table.add(scalar, Sse.binder((cpu, in, low, high) -> {
            SseArithmetic sse = cpu.sse;
            sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long result = operation.apply(sse, cpu.xmm[at], low);
            Sse.settle(cpu);
            cpu.xmm[at] = result;
        }));
    }

    // ---- SSE3 and SSE4.1: within and across pairs

    private static void registerPairs(HandlerTable table) {
        pairsOfDoubles(table, Mnemonic.HADDPD, SseArithmetic::addDouble);
        pairsOfDoubles(table, Mnemonic.HSUBPD, SseArithmetic::subtractDouble);
        pairsOfSingles(table, Mnemonic.HADDPS, SseArithmetic::addSingle);
        pairsOfSingles(table, Mnemonic.HSUBPS, SseArithmetic::subtractSingle);
        table.add(Mnemonic.ADDSUBPD, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = cpu.sse.subtractDouble(cpu.xmm[at], low);
            long second = cpu.sse.addDouble(cpu.xmm[at + 1], high);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.ADDSUBPS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = subtractAndAdd(cpu.sse, cpu.xmm[at], low);
            long second = subtractAndAdd(cpu.sse, cpu.xmm[at + 1], high);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.DPPD, Sse.binder(SseFloats::dotProductOfDoubles));
        table.add(Mnemonic.DPPS, Sse.binder(SseFloats::dotProductOfSingles));
    }

    private static long subtractAndAdd(SseArithmetic sse, long a, long b) {
        int first = sse.subtractSingle((int) a, (int) b);
        return first & LOW | (long) sse.addSingle((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    private static void pairsOfDoubles(HandlerTable table, Mnemonic mnemonic, Doubles operation) {
        table.add(mnemonic, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = operation.apply(cpu.sse, cpu.xmm[at], cpu.xmm[at + 1]);
            long second = operation.apply(cpu.sse, low, high);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
    }

    private static void pairsOfSingles(HandlerTable table, Mnemonic mnemonic, Singles operation) {
        table.add(mnemonic, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            long first = pairs(operation, cpu.sse, cpu.xmm[at], cpu.xmm[at + 1]);
            long second = pairs(operation, cpu.sse, low, high);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
    }

    private static long pairs(Singles operation, SseArithmetic sse, long low, long high) {
        int first = operation.apply(sse, (int) low, (int) (low >>> 32));
        return first & LOW | (long) operation.apply(sse, (int) high, (int) (high >>> 32)) << 32;
    }

    private static void dotProductOfDoubles(Cpu cpu, Instruction in, long low, long high) {
        SseArithmetic sse = cpu.sse;
        int control = (int) in.immediate;
        int at = in.reg << 1;
        sse.begin(cpu.mxcsr);
        long first = (control & 0x10) != 0 ? sse.multiplyDouble(cpu.xmm[at], low) : 0;
        long second = (control & 0x20) != 0 ? sse.multiplyDouble(cpu.xmm[at + 1], high) : 0;
        // each step is an operation of its own: its unmasked exceptions stop the next
        Sse.settle(cpu);
        // every element of the result has its own product first, which shows when both are not-a-numbers
        sse.begin(cpu.mxcsr);
        long low0 = sse.addDouble(first, second);
        long high0 = sse.addDouble(second, first);
        Sse.settle(cpu);
        Sse.set(cpu, in.reg, (control & 1) != 0 ? low0 : 0, (control & 2) != 0 ? high0 : 0);
    }

    private static void dotProductOfSingles(Cpu cpu, Instruction in, long low, long high) {
        SseArithmetic sse = cpu.sse;
        int control = (int) in.immediate;
        int at = in.reg << 1;
        long a = cpu.xmm[at];
        long b = cpu.xmm[at + 1];
        sse.begin(cpu.mxcsr);
        int p0 = (control & 0x10) != 0 ? sse.multiplySingle((int) a, (int) low) : 0;
        int p1 = (control & 0x20) != 0 ? sse.multiplySingle((int) (a >>> 32), (int) (low >>> 32)) : 0;
        int p2 = (control & 0x40) != 0 ? sse.multiplySingle((int) b, (int) high) : 0;
        int p3 = (control & 0x80) != 0 ? sse.multiplySingle((int) (b >>> 32), (int) (high >>> 32)) : 0;
        Sse.settle(cpu);
        sse.begin(cpu.mxcsr);
        // which operand comes first differs by element, as the host's processor has it
        int s0 = sse.addSingle(p1, p0);
        int s1 = sse.addSingle(p0, p1);
        int s2 = sse.addSingle(p3, p2);
        int s3 = sse.addSingle(p2, p3);
        Sse.settle(cpu);
        sse.begin(cpu.mxcsr);
        long r0 = (control & 1) != 0 ? sse.addSingle(s0, s2) & LOW : 0;
        long r1 = (control & 2) != 0 ? sse.addSingle(s1, s3) & LOW : 0;
        long r2 = (control & 4) != 0 ? sse.addSingle(s2, s0) & LOW : 0;
        long r3 = (control & 8) != 0 ? sse.addSingle(s3, s1) & LOW : 0;
        // the sum is computed, and raises what it does, even where no element receives it
        sse.addSingle(s0, s2);
        Sse.settle(cpu);
        Sse.set(cpu, in.reg, r0 | r1 << 32, r2 | r3 << 32);
    }

    // ---- comparisons

    private static void registerComparisons(HandlerTable table) {
        table.add(Mnemonic.CMPPS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            int predicate = (int) in.immediate & 7;
            long first = compareTwo(cpu.sse, cpu.xmm[at], low, predicate);
            long second = compareTwo(cpu.sse, cpu.xmm[at + 1], high, predicate);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.CMPSS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            int predicate = (int) in.immediate & 7;
            long old = cpu.xmm[at];
            int order = cpu.sse.compareSingle((int) old, (int) low, signals(predicate));
            Sse.settle(cpu);
            cpu.xmm[at] = old & ~LOW | (holds(predicate, order) ? LOW : 0);
        }));
        table.add(Mnemonic.CMPPD, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int at = in.reg << 1;
            int predicate = (int) in.immediate & 7;
            int first = cpu.sse.compareDouble(cpu.xmm[at], low, signals(predicate));
            int second = cpu.sse.compareDouble(cpu.xmm[at + 1], high, signals(predicate));
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, holds(predicate, first) ? -1 : 0, holds(predicate, second) ? -1 : 0);
        }));
        table.add(Mnemonic.CMPSD, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int predicate = (int) in.immediate & 7;
            int order = cpu.sse.compareDouble(cpu.xmm[in.reg << 1], low, signals(predicate));
            Sse.settle(cpu);
            cpu.xmm[in.reg << 1] = holds(predicate, order) ? -1 : 0;
        }));
        table.add(Mnemonic.COMISS, compareSingles(true));
        table.add(Mnemonic.UCOMISS, compareSingles(false));
        table.add(Mnemonic.COMISD, compareDoubles(true));
        table.add(Mnemonic.UCOMISD, compareDoubles(false));
    }

    private static long compareTwo(SseArithmetic sse, long a, long b, int predicate) {
        boolean signals = signals(predicate);
        boolean first = holds(predicate, sse.compareSingle((int) a, (int) b, signals));
        boolean second = holds(predicate, sse.compareSingle((int) (a >>> 32), (int) (b >>> 32), signals));
        return (first ? LOW : 0) | (second ? ~LOW : 0);
    }

    /** Whether a quiet not-a-number is invalid too: the less-than kinds. SDM vol. 2A, table 3-1. */
    private static boolean signals(int predicate) {
        return (predicate & 3) == 1 || (predicate & 3) == 2;
    }

    private static boolean holds(int predicate, int order) {
        boolean positive = switch (predicate & 3) {
            case 0 -> order == SseArithmetic.EQUAL;
            case 1 -> order == SseArithmetic.LESS;
            case 2 -> order == SseArithmetic.LESS || order == SseArithmetic.EQUAL;
            default -> order == SseArithmetic.UNORDERED;
        };
        return positive != (predicate >= 4);
    }

    private static HandlerTable.Binder compareSingles(boolean signalling) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int order = cpu.sse.compareSingle((int) cpu.xmm[in.reg << 1], (int) low, signalling);
            Sse.settle(cpu);
            setFlags(cpu, order);
        });
    }

    private static HandlerTable.Binder compareDoubles(boolean signalling) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int order = cpu.sse.compareDouble(cpu.xmm[in.reg << 1], low, signalling);
            Sse.settle(cpu);
            setFlags(cpu, order);
        });
    }

    /** ZF, PF and CF of an order; OF, SF and AF are cleared. FCOMI sets them alike. */
    static void setFlags(Cpu cpu, int order) {
        cpu.setArithmeticFlags(switch (order) {
            case SseArithmetic.LESS -> Bits.FLAG_CF;
            case SseArithmetic.EQUAL -> Bits.FLAG_ZF;
            case SseArithmetic.GREATER -> 0;
            default -> Bits.FLAG_ZF | Bits.FLAG_PF | Bits.FLAG_CF;
        });
    }

    // ---- rounding to integers that stay numbers

    private static void registerRounding(HandlerTable table) {
        table.add(Mnemonic.ROUNDPS, Sse.binder((cpu, in, low, high) -> {
            beginRounding(cpu, in);
            long first = roundTwo(cpu.sse, low);
            long second = roundTwo(cpu.sse, high);
            endRounding(cpu, in);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.ROUNDSS, Sse.binder((cpu, in, low, high) -> {
            beginRounding(cpu, in);
            long result = cpu.sse.roundSingle((int) low) & LOW;
            endRounding(cpu, in);
            cpu.xmm[in.reg << 1] = cpu.xmm[in.reg << 1] & ~LOW | result;
        }));
        table.add(Mnemonic.ROUNDPD, Sse.binder((cpu, in, low, high) -> {
            beginRounding(cpu, in);
            long first = cpu.sse.roundDouble(low);
            long second = cpu.sse.roundDouble(high);
            endRounding(cpu, in);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.ROUNDSD, Sse.binder((cpu, in, low, high) -> {
            beginRounding(cpu, in);
            long result = cpu.sse.roundDouble(low);
            endRounding(cpu, in);
            cpu.xmm[in.reg << 1] = result;
        }));
    }

    private static long roundTwo(SseArithmetic sse, long value) {
        int first = sse.roundSingle((int) value);
        return first & LOW | (long) sse.roundSingle((int) (value >>> 32)) << 32;
    }

    /** The immediate of ROUNDPS and its like: bit 2 takes the rounding mode from MXCSR, bit 3 keeps PE quiet. */
    private static void beginRounding(Cpu cpu, Instruction in) {
        if ((in.immediate & 4) != 0) {
            cpu.sse.begin(cpu.mxcsr);
        } else {
            cpu.sse.begin(cpu.mxcsr, (int) in.immediate & 3);
        }
    }

    private static void endRounding(Cpu cpu, Instruction in) {
        if ((in.immediate & 8) != 0) {
            cpu.sse.exceptions &= ~ExceptionFlags.PRECISION;
        }
        Sse.settle(cpu);
    }
}
