package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.softfloat.SseArithmetic;

/** Conversions between integers, single and double precision in XMM, MMX and general registers. */
final class SseConversions {
    private static final long LOW = 0xFFFF_FFFFL;

    private SseConversions() {}

    static void register(HandlerTable table) {
        registerScalar(table);
        registerPacked(table);
        registerMmx(table);
    }

    // ---- scalar

    private static void registerScalar(HandlerTable table) {
        table.add(Mnemonic.CVTSS2SD, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long result = cpu.sse.singleToDouble((int) low);
            Sse.settle(cpu);
            cpu.xmm[in.reg << 1] = result;
        }));
        table.add(Mnemonic.CVTSD2SS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            int result = cpu.sse.doubleToSingle(low);
            Sse.settle(cpu);
            cpu.xmm[in.reg << 1] = cpu.xmm[in.reg << 1] & ~LOW | result & LOW;
        }));
        table.addOne(Mnemonic.CVTSI2SD, SseConversions::integerToDouble);
        table.addOne(Mnemonic.CVTSI2SS, SseConversions::integerToSingle);
        table.add(Mnemonic.CVTSD2SI, doubleToGeneral(false));
        table.add(Mnemonic.CVTTSD2SI, doubleToGeneral(true));
        table.add(Mnemonic.CVTSS2SI, singleToGeneral(false));
        table.add(Mnemonic.CVTTSS2SI, singleToGeneral(true));
    }

    private static long integer(Cpu cpu, Instruction in) {
        if (in.operandSize == 8) {
            return in.memory ? cpu.read64(cpu.address(in, 8, false)) : cpu.gpr[in.rm];
        }
        return in.memory ? cpu.read32(cpu.address(in, 4, false)) : (int) cpu.gpr[in.rm];
    }

    private static void integerToDouble(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long value = integer(cpu, in);
        cpu.sse.begin(cpu.mxcsr);
        long result = cpu.sse.longToDouble(value);
        Sse.settle(cpu);
        cpu.xmm[in.reg << 1] = result;
    }

    private static void integerToSingle(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long value = integer(cpu, in);
        cpu.sse.begin(cpu.mxcsr);
        int result = cpu.sse.longToSingle(value);
        Sse.settle(cpu);
        cpu.xmm[in.reg << 1] = cpu.xmm[in.reg << 1] & ~LOW | result & LOW;
    }

    private static HandlerTable.Binder doubleToGeneral(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long result = in.operandSize == 8
                    ? cpu.sse.doubleToLong(low, truncate)
                    : cpu.sse.doubleToInt(low, truncate) & LOW;
            Sse.settle(cpu);
            cpu.gpr[in.reg] = result;
        });
    }

    private static HandlerTable.Binder singleToGeneral(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long result = in.operandSize == 8
                    ? cpu.sse.singleToLong((int) low, truncate)
                    : cpu.sse.singleToInt((int) low, truncate) & LOW;
            Sse.settle(cpu);
            cpu.gpr[in.reg] = result;
        });
    }

    // ---- packed

    private static void registerPacked(HandlerTable table) {
        table.add(Mnemonic.CVTPS2PD, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long first = cpu.sse.singleToDouble((int) low);
            long second = cpu.sse.singleToDouble((int) (low >>> 32));
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.CVTPD2PS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long result = cpu.sse.doubleToSingle(low) & LOW | (long) cpu.sse.doubleToSingle(high) << 32;
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, result, 0);
        }));
        table.add(Mnemonic.CVTDQ2PD, Sse.binder((cpu, in, low, high) -> Sse.set(
                cpu, in.reg, cpu.sse.intToDouble((int) low), cpu.sse.intToDouble((int) (low >>> 32)))));
        table.add(Mnemonic.CVTDQ2PS, Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long first = integersToSingles(cpu.sse, low);
            long second = integersToSingles(cpu.sse, high);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        }));
        table.add(Mnemonic.CVTPS2DQ, singlesToIntegers(false));
        table.add(Mnemonic.CVTTPS2DQ, singlesToIntegers(true));
        table.add(Mnemonic.CVTPD2DQ, doublesToIntegers(false));
        table.add(Mnemonic.CVTTPD2DQ, doublesToIntegers(true));
    }

    private static long integersToSingles(SseArithmetic sse, long integers) {
        int first = sse.longToSingle((int) integers);
        return first & LOW | (long) sse.longToSingle((int) (integers >>> 32)) << 32;
    }

    private static long singlesToIntegers(SseArithmetic sse, long singles, boolean truncate) {
        int first = sse.singleToInt((int) singles, truncate);
        return first & LOW | (long) sse.singleToInt((int) (singles >>> 32), truncate) << 32;
    }

    private static HandlerTable.Binder singlesToIntegers(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long first = singlesToIntegers(cpu.sse, low, truncate);
            long second = singlesToIntegers(cpu.sse, high, truncate);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, first, second);
        });
    }

    private static long doublesToIntegers(SseArithmetic sse, long low, long high, boolean truncate) {
        int first = sse.doubleToInt(low, truncate);
        return first & LOW | (long) sse.doubleToInt(high, truncate) << 32;
    }

    private static HandlerTable.Binder doublesToIntegers(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            cpu.sse.begin(cpu.mxcsr);
            long result = doublesToIntegers(cpu.sse, low, high, truncate);
            Sse.settle(cpu);
            Sse.set(cpu, in.reg, result, 0);
        });
    }

    // ---- with MMX registers: where one is named, the x87 unit turns to MMX

    private static void registerMmx(HandlerTable table) {
        table.addOne(Mnemonic.CVTPI2PS, (cpu, in) -> {
            long integers = mmxSource(cpu, in);
            cpu.sse.begin(cpu.mxcsr);
            long result = integersToSingles(cpu.sse, integers);
            Sse.settle(cpu);
            if (!in.memory) {
                cpu.x87.enterMmx();
            }
            cpu.xmm[in.reg << 1] = result;
        });
        table.addOne(Mnemonic.CVTPI2PD, (cpu, in) -> {
            long integers = mmxSource(cpu, in);
            if (!in.memory) {
                cpu.x87.enterMmx();
            }
            Sse.set(cpu, in.reg, cpu.sse.intToDouble((int) integers), cpu.sse.intToDouble((int) (integers >>> 32)));
        });
        table.add(Mnemonic.CVTPS2PI, singlesToMmx(false));
        table.add(Mnemonic.CVTTPS2PI, singlesToMmx(true));
        table.add(Mnemonic.CVTPD2PI, doublesToMmx(false));
        table.add(Mnemonic.CVTTPD2PI, doublesToMmx(true));
    }

    private static long mmxSource(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        if (in.memory) {
            return cpu.read64(cpu.address(in, 8, false));
        }
        Mmx.check(cpu);
        return Mmx.source(cpu, in);
    }

    private static HandlerTable.Binder singlesToMmx(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            Mmx.check(cpu);
            cpu.sse.begin(cpu.mxcsr);
            long result = singlesToIntegers(cpu.sse, low, truncate);
            Sse.settle(cpu);
            cpu.x87.setMmx(in.reg, result);
        });
    }

    private static HandlerTable.Binder doublesToMmx(boolean truncate) {
        return Sse.binder((cpu, in, low, high) -> {
            Mmx.check(cpu);
            cpu.sse.begin(cpu.mxcsr);
            long result = doublesToIntegers(cpu.sse, low, high, truncate);
            Sse.settle(cpu);
            cpu.x87.setMmx(in.reg, result);
        });
    }
}
