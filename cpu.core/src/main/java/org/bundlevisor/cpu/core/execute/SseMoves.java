package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand;

/** Moves between XMM registers, memory and general registers, and the shuffles of whole elements. */
final class SseMoves {
    private SseMoves() {}

    static void register(HandlerTable table) {
        for (Mnemonic mnemonic : new Mnemonic[] {Mnemonic.MOVAPS, Mnemonic.MOVAPD, Mnemonic.MOVDQA}) {
            table.add(mnemonic, in -> bindMove(in, true));
        }
        for (Mnemonic mnemonic : new Mnemonic[] {Mnemonic.MOVUPS, Mnemonic.MOVUPD, Mnemonic.MOVDQU, Mnemonic.LDDQU}) {
            table.add(mnemonic, in -> bindMove(in, false));
        }
        // the caching hints of non-temporal moves mean nothing here
        for (Mnemonic mnemonic : new Mnemonic[] {Mnemonic.MOVNTPS, Mnemonic.MOVNTPD, Mnemonic.MOVNTDQ,
            Mnemonic.MOVNTDQA}) {
            table.add(mnemonic, in -> bindMove(in, true));
        }
        table.add(Mnemonic.MOVSS, SseMoves::bindMoveSingle);
        table.add(Mnemonic.MOVSD, SseMoves::bindMoveDouble);
        table.add(Mnemonic.MOVLPS, SseMoves::bindMoveLow);
        table.add(Mnemonic.MOVLPD, SseMoves::bindMoveLow);
        table.add(Mnemonic.MOVHPS, SseMoves::bindMoveHigh);
        table.add(Mnemonic.MOVHPD, SseMoves::bindMoveHigh);
        table.addOne(Mnemonic.MOVHLPS, SseMoves::moveHighToLow);
        table.addOne(Mnemonic.MOVLHPS, SseMoves::moveLowToHigh);
        table.addOne(Mnemonic.MOVMSKPS, SseMoves::maskSingle);
        table.addOne(Mnemonic.MOVMSKPD, SseMoves::maskDouble);
        table.add(Mnemonic.MOVDDUP, Sse.binder((cpu, in, low, high) -> Sse.set(cpu, in.reg, low, low)));
        table.add(Mnemonic.MOVSLDUP, Sse.binder((cpu, in, low, high) -> Sse.set(
                cpu,
                in.reg,
                PackedIntegers.unpackLowDoublewords(low, low),
                PackedIntegers.unpackLowDoublewords(high, high))));
        table.add(Mnemonic.MOVSHDUP, Sse.binder((cpu, in, low, high) -> Sse.set(
                cpu,
                in.reg,
                PackedIntegers.unpackHighDoublewords(low, low),
                PackedIntegers.unpackHighDoublewords(high, high))));
        table.add(Mnemonic.MOVD, SseMoves::bindMoveGeneral);
        table.add(Mnemonic.MOVQ, SseMoves::bindMoveQuadword);
        table.addOne(Mnemonic.MOVQ2DQ, SseMoves::moveFromMmx);
        table.addOne(Mnemonic.MOVDQ2Q, SseMoves::moveToMmx);
        table.addOne(Mnemonic.MASKMOVDQU, SseMoves::maskedStore);
        registerShuffles(table);
    }

    private static boolean toMemoryOrRm(Instruction in) {
        return switch (in.opcode.operand(0).place) {
            case XMM_RM, MEMORY, RM, MMX_RM -> true;
            default -> false;
        };
    }

    private static Handler bindMove(Instruction in, boolean aligned) {
        boolean store = toMemoryOrRm(in);
        if (!in.memory) {
            return store ? SseMoves::moveRegisterReversed : SseMoves::moveRegister;
        }
        if (aligned) {
            return store ? SseMoves::storeAligned : SseMoves::loadAligned;
        }
        return store ? SseMoves::storeUnaligned : SseMoves::loadUnaligned;
    }

    private static void moveRegister(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        Sse.set(cpu, in.reg, cpu.xmm[in.rm << 1], cpu.xmm[(in.rm << 1) + 1]);
    }

    private static void moveRegisterReversed(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        Sse.set(cpu, in.rm, cpu.xmm[in.reg << 1], cpu.xmm[(in.reg << 1) + 1]);
    }

    private static void loadAligned(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long linear = Sse.aligned(cpu, in, false);
        long low = cpu.read64(linear);
        Sse.set(cpu, in.reg, low, cpu.read64(linear + 8));
    }

    private static void storeAligned(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long linear = Sse.aligned(cpu, in, true);
        int source = in.reg << 1;
        cpu.write64(linear, cpu.xmm[source]);
        cpu.write64(linear + 8, cpu.xmm[source + 1]);
    }

    private static void loadUnaligned(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long linear = cpu.address(in, 16, false);
        long low = cpu.read64(linear);
        Sse.set(cpu, in.reg, low, Sse.readHigh(cpu, linear));
    }

    private static void storeUnaligned(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        int source = in.reg << 1;
        Sse.write128(cpu, cpu.address(in, 16, true), cpu.xmm[source], cpu.xmm[source + 1]);
    }

    private static Handler bindMoveSingle(Instruction in) {
        if (in.memory) {
            return toMemoryOrRm(in)
                    ? (cpu, i) -> {
                        Sse.check(cpu);
                        cpu.write32(cpu.address(i, 4, true), (int) cpu.xmm[i.reg << 1]);
                    }
                    : (cpu, i) -> {
                        Sse.check(cpu);
                        Sse.set(cpu, i.reg, cpu.read32(cpu.address(i, 4, false)) & 0xFFFF_FFFFL, 0);
                    };
        }
        return toMemoryOrRm(in)
                ? (cpu, i) -> copySingle(cpu, i.rm, i.reg)
                : (cpu, i) -> copySingle(cpu, i.reg, i.rm);
    }

    private static void copySingle(Cpu cpu, int destination, int source) {
        Sse.check(cpu);
        long[] xmm = cpu.xmm;
        int d = destination << 1;
        xmm[d] = xmm[d] & 0xFFFF_FFFF_0000_0000L | xmm[source << 1] & 0xFFFF_FFFFL;
    }

    private static Handler bindMoveDouble(Instruction in) {
        if (in.memory) {
            return toMemoryOrRm(in) ? SseMoves::storeLow : SseMoves::loadLowAndClear;
        }
        return toMemoryOrRm(in)
                ? (cpu, i) -> {
                    Sse.check(cpu);
                    cpu.xmm[i.rm << 1] = cpu.xmm[i.reg << 1];
                }
                : (cpu, i) -> {
                    Sse.check(cpu);
                    cpu.xmm[i.reg << 1] = cpu.xmm[i.rm << 1];
                };
    }

    private static void storeLow(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        cpu.write64(cpu.address(in, 8, true), cpu.xmm[in.reg << 1]);
    }

    private static void loadLowAndClear(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        Sse.set(cpu, in.reg, cpu.read64(cpu.address(in, 8, false)), 0);
    }

    private static Handler bindMoveLow(Instruction in) {
        return toMemoryOrRm(in)
                ? SseMoves::storeLow
                : (cpu, i) -> {
                    Sse.check(cpu);
                    cpu.xmm[i.reg << 1] = cpu.read64(cpu.address(i, 8, false));
                };
    }

    private static Handler bindMoveHigh(Instruction in) {
        return toMemoryOrRm(in)
                ? (cpu, i) -> {
                    Sse.check(cpu);
                    cpu.write64(cpu.address(i, 8, true), cpu.xmm[(i.reg << 1) + 1]);
                }
                : (cpu, i) -> {
                    Sse.check(cpu);
                    cpu.xmm[(i.reg << 1) + 1] = cpu.read64(cpu.address(i, 8, false));
                };
    }

    private static void moveHighToLow(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        cpu.xmm[in.reg << 1] = cpu.xmm[(in.rm << 1) + 1];
    }

    private static void moveLowToHigh(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        cpu.xmm[(in.reg << 1) + 1] = cpu.xmm[in.rm << 1];
    }

    private static void maskSingle(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        long low = cpu.xmm[in.rm << 1];
        long high = cpu.xmm[(in.rm << 1) + 1];
        cpu.gpr[in.reg] = low >>> 31 & 1 | low >>> 62 & 2 | (high >>> 31 & 1) << 2 | (high >>> 62 & 2) << 2;
    }

    private static void maskDouble(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        cpu.gpr[in.reg] = cpu.xmm[in.rm << 1] >>> 63 | cpu.xmm[(in.rm << 1) + 1] >>> 63 << 1;
    }

    /** MOVD and MOVQ between XMM or MMX registers and general registers or memory. */
    private static Handler bindMoveGeneral(Instruction in) {
        boolean quadword = in.mnemonic() == Mnemonic.MOVQ;
        int size = quadword ? 8 : 4;
        long mask = quadword ? -1 : 0xFFFF_FFFFL;
        boolean store = toMemoryOrRm(in);
        Operand vector = in.opcode.operand(store ? 1 : 0);
        boolean mmx = vector.place == Operand.Place.MMX_REG;
        if (store) {
            return (cpu, i) -> {
                check(cpu, mmx);
                long value = (mmx ? cpu.x87.significand[i.reg & 7] : cpu.xmm[i.reg << 1]) & mask;
                if (i.memory) {
                    cpu.write(cpu.address(i, size, true), value, size);
                } else {
                    cpu.gpr[i.rm] = value;
                }
                if (mmx) {
                    cpu.x87.enterMmx();
                }
            };
        }
        return (cpu, i) -> {
            check(cpu, mmx);
            long value = (i.memory ? cpu.read(cpu.address(i, size, false), size) : cpu.gpr[i.rm]) & mask;
            if (mmx) {
                cpu.x87.setMmx(i.reg, value);
            } else {
                Sse.set(cpu, i.reg, value, 0);
            }
        };
    }

    private static void check(Cpu cpu, boolean mmx) {
        if (mmx) {
            Mmx.check(cpu);
        } else {
            Sse.check(cpu);
        }
    }

    private static Handler bindMoveQuadword(Instruction in) {
        Operand first = in.opcode.operand(0);
        Operand second = in.opcode.operand(1);
        if (first.place == Operand.Place.RM || second.place == Operand.Place.RM) {
            return bindMoveGeneral(in);
        }
        if (first.place == Operand.Place.MMX_REG) {
            return (cpu, i) -> {
                Mmx.check(cpu);
                cpu.x87.setMmx(i.reg, Mmx.source(cpu, i));
            };
        }
        if (first.place == Operand.Place.MMX_RM) {
            return (cpu, i) -> {
                Mmx.check(cpu);
                long value = cpu.x87.significand[i.reg & 7];
                if (i.memory) {
                    cpu.write64(cpu.address(i, 8, true), value);
                    cpu.x87.enterMmx();
                } else {
                    cpu.x87.setMmx(i.rm, value);
                }
            };
        }
        if (first.place == Operand.Place.XMM_RM) {
            return in.memory
                    ? SseMoves::storeLow
                    : (cpu, i) -> {
                        Sse.check(cpu);
                        Sse.set(cpu, i.rm, cpu.xmm[i.reg << 1], 0);
                    };
        }
        return in.memory
                ? SseMoves::loadLowAndClear
                : (cpu, i) -> {
                    Sse.check(cpu);
                    Sse.set(cpu, i.reg, cpu.xmm[i.rm << 1], 0);
                };
    }

    private static void moveFromMmx(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        Mmx.check(cpu);
        Sse.set(cpu, in.reg, cpu.x87.significand[in.rm & 7], 0);
        cpu.x87.enterMmx();
    }

    private static void moveToMmx(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        Mmx.check(cpu);
        cpu.x87.setMmx(in.reg, cpu.xmm[in.rm << 1]);
    }

    /** The bytes whose mask bytes have the sign bit set go to rDI. SDM vol. 2B, MASKMOVDQU. */
    private static void maskedStore(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        int mask = PackedIntegers.signsOfBytes(cpu.xmm[in.rm << 1])
                | PackedIntegers.signsOfBytes(cpu.xmm[(in.rm << 1) + 1]) << 8;
        storeBytes(cpu, in, mask, cpu.xmm[in.reg << 1], cpu.xmm[(in.reg << 1) + 1]);
    }

    /** Stores those of up to 16 bytes at rDI whose mask bits are set: all or nothing. */
    static void storeBytes(Cpu cpu, Instruction in, int mask, long low, long high) {
        if (mask == 0) {
            return;
        }
        long offset = cpu.gpr[Cpu.RDI] & Cpu.addressMask(in.addressSize);
        int first = Integer.numberOfTrailingZeros(mask);
        int last = 31 - Integer.numberOfLeadingZeros(mask);
        cpu.probeWrite(cpu.address(in.segment, offset + first, last - first + 1, true), last - first + 1);
        for (int i = first; i <= last; i++) {
            if ((mask >> i & 1) != 0) {
                long value = (i < 8 ? low : high) >>> 8 * (i & 7);
                cpu.write8(cpu.address(in.segment, offset + i, 1, true), (int) value);
            }
        }
    }

    private static void registerShuffles(HandlerTable table) {
        table.add(Mnemonic.PSHUFD, Sse.binder((cpu, in, low, high) -> {
            int order = (int) in.immediate;
            Sse.set(
                    cpu,
                    in.reg,
                    doubleword(low, high, order) | doubleword(low, high, order >> 2) << 32,
                    doubleword(low, high, order >> 4) | doubleword(low, high, order >> 6) << 32);
        }));
        table.add(Mnemonic.PSHUFLW, Sse.binder((cpu, in, low, high) -> Sse.set(
                cpu, in.reg, shuffleWords(low, (int) in.immediate), high)));
        table.add(Mnemonic.PSHUFHW, Sse.binder((cpu, in, low, high) -> Sse.set(
                cpu, in.reg, low, shuffleWords(high, (int) in.immediate))));
        table.add(Mnemonic.SHUFPS, Sse.binder((cpu, in, low, high) -> {
            int order = (int) in.immediate;
            long a = cpu.xmm[in.reg << 1];
            long b = cpu.xmm[(in.reg << 1) + 1];
            Sse.set(
                    cpu,
                    in.reg,
                    doubleword(a, b, order) | doubleword(a, b, order >> 2) << 32,
                    doubleword(low, high, order >> 4) | doubleword(low, high, order >> 6) << 32);
        }));
        table.add(Mnemonic.SHUFPD, Sse.binder((cpu, in, low, high) -> {
            long first = cpu.xmm[(in.reg << 1) + (int) (in.immediate & 1)];
            Sse.set(cpu, in.reg, first, (in.immediate & 2) != 0 ? high : low);
        }));
        Sse.Operation unpackLow = (cpu, in, low, high) -> cpu.xmm[(in.reg << 1) + 1] = low;
        Sse.Operation unpackHigh = (cpu, in, low, high) -> Sse.set(cpu, in.reg, cpu.xmm[(in.reg << 1) + 1], high);
        table.add(Mnemonic.UNPCKLPD, Sse.binder(unpackLow));
        table.add(Mnemonic.PUNPCKLQDQ, Sse.binder(unpackLow));
        table.add(Mnemonic.UNPCKHPD, Sse.binder(unpackHigh));
        table.add(Mnemonic.PUNPCKHQDQ, Sse.binder(unpackHigh));
        table.add(Mnemonic.UNPCKLPS, Sse.binder(SseMoves::unpackLowSingles));
        table.add(Mnemonic.UNPCKHPS, Sse.binder(SseMoves::unpackHighSingles));
    }

    private static void unpackLowSingles(Cpu cpu, Instruction in, long low, long high) {
        long old = cpu.xmm[in.reg << 1];
        Sse.set(
                cpu,
                in.reg,
                PackedIntegers.unpackLowDoublewords(old, low),
                PackedIntegers.unpackHighDoublewords(old, low));
    }

    private static void unpackHighSingles(Cpu cpu, Instruction in, long low, long high) {
        long old = cpu.xmm[(in.reg << 1) + 1];
        Sse.set(
                cpu,
                in.reg,
                PackedIntegers.unpackLowDoublewords(old, high),
                PackedIntegers.unpackHighDoublewords(old, high));
    }

    /** The doubleword of a pair of quadwords that the low two bits of {@code index} name. */
    static long doubleword(long low, long high, int index) {
        return ((index & 2) == 0 ? low : high) >>> 32 * (index & 1) & 0xFFFF_FFFFL;
    }

    static long shuffleWords(long value, int order) {
        return value >>> 16 * (order & 3) & 0xFFFF
                | (value >>> 16 * (order >> 2 & 3) & 0xFFFF) << 16
                | (value >>> 16 * (order >> 4 & 3) & 0xFFFF) << 32
                | value >>> 16 * (order >> 6 & 3) << 48;
    }
}
