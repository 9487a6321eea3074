package org.bundlevisor.cpu.core.execute;

import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand;

/** Packed integers in XMM registers, and in MMX registers where the instruction has both forms. */
final class SseIntegers {
    private static final long BYTE_SIGNS = 0x8080_8080_8080_8080L;

    private SseIntegers() {}

    static void register(HandlerTable table) {
        registerLogic(table);
        registerSums(table);
        registerComparisons(table);
        registerProducts(table);
        registerPacking(table);
        registerShifts(table);
        registerPairs(table);
        registerExtensions(table);
        registerElements(table);
    }

    /** Registers an operation on each quadword by itself, for XMM and MMX registers. */
    private static void both(HandlerTable table, Mnemonic mnemonic, LongBinaryOperator lane) {
        both(table, mnemonic, Sse.lanes(lane), lane);
    }

    /** Registers an operation for XMM and one for MMX registers. */
    private static void both(HandlerTable table, Mnemonic mnemonic, Sse.Operation wide, LongBinaryOperator narrow) {
        HandlerTable.Binder xmm = Sse.binder(wide);
        Handler mmx = Mmx.handler(narrow);
        table.add(mnemonic, in -> Mmx.isMmx(in) ? mmx : xmm.bind(in));
    }

    private static void bytes(HandlerTable table, Mnemonic mnemonic, IntBinaryOperator operation) {
        both(table, mnemonic, PackedIntegers.bytes(operation));
    }

    private static void words(HandlerTable table, Mnemonic mnemonic, IntBinaryOperator operation) {
        both(table, mnemonic, PackedIntegers.words(operation));
    }

    private static void doublewords(HandlerTable table, Mnemonic mnemonic, IntBinaryOperator operation) {
        both(table, mnemonic, PackedIntegers.doublewords(operation));
    }

    private static void lanes(HandlerTable table, Mnemonic mnemonic, LongBinaryOperator lane) {
        table.add(mnemonic, Sse.binder(Sse.lanes(lane)));
    }

    private static void registerLogic(HandlerTable table) {
        both(table, Mnemonic.PAND, (a, b) -> a & b);
        both(table, Mnemonic.PANDN, (a, b) -> ~a & b);
        both(table, Mnemonic.POR, (a, b) -> a | b);
        both(table, Mnemonic.PXOR, (a, b) -> a ^ b);
        for (Mnemonic and : new Mnemonic[] {Mnemonic.ANDPS, Mnemonic.ANDPD}) {
            lanes(table, and, (a, b) -> a & b);
        }
        for (Mnemonic andNot : new Mnemonic[] {Mnemonic.ANDNPS, Mnemonic.ANDNPD}) {
            lanes(table, andNot, (a, b) -> ~a & b);
        }
        for (Mnemonic or : new Mnemonic[] {Mnemonic.ORPS, Mnemonic.ORPD}) {
            lanes(table, or, (a, b) -> a | b);
        }
        for (Mnemonic xor : new Mnemonic[] {Mnemonic.XORPS, Mnemonic.XORPD}) {
            lanes(table, xor, (a, b) -> a ^ b);
        }
        table.add(Mnemonic.PTEST, Sse.binder(SseIntegers::test));
    }

    private static void test(Cpu cpu, Instruction in, long low, long high) {
        long a = cpu.xmm[in.reg << 1];
        long b = cpu.xmm[(in.reg << 1) + 1];
        boolean none = (a & low | b & high) == 0;
        boolean covered = (~a & low | ~b & high) == 0;
        cpu.setArithmeticFlags((none ? Bits.FLAG_ZF : 0) | (covered ? Bits.FLAG_CF : 0));
    }

    private static void registerSums(HandlerTable table) {
        both(table, Mnemonic.PADDB, PackedIntegers::addBytes);
        both(table, Mnemonic.PADDW, PackedIntegers::addWords);
        both(table, Mnemonic.PADDD, PackedIntegers::addDoublewords);
        both(table, Mnemonic.PADDQ, Long::sum);
        both(table, Mnemonic.PSUBB, PackedIntegers::subtractBytes);
        both(table, Mnemonic.PSUBW, PackedIntegers::subtractWords);
        both(table, Mnemonic.PSUBD, PackedIntegers::subtractDoublewords);
        both(table, Mnemonic.PSUBQ, (a, b) -> a - b);
        bytes(table, Mnemonic.PADDSB, (a, b) -> PackedIntegers.saturateSignedByte(a + b));
        words(table, Mnemonic.PADDSW, (a, b) -> PackedIntegers.saturateSignedWord(a + b));
        bytes(table, Mnemonic.PADDUSB, (a, b) -> PackedIntegers.saturateUnsignedByte((a & 0xFF) + (b & 0xFF)));
        words(table, Mnemonic.PADDUSW, (a, b) -> PackedIntegers.saturateUnsignedWord((a & 0xFFFF) + (b & 0xFFFF)));
        bytes(table, Mnemonic.PSUBSB, (a, b) -> PackedIntegers.saturateSignedByte(a - b));
        words(table, Mnemonic.PSUBSW, (a, b) -> PackedIntegers.saturateSignedWord(a - b));
        bytes(table, Mnemonic.PSUBUSB, (a, b) -> PackedIntegers.saturateUnsignedByte((a & 0xFF) - (b & 0xFF)));
        words(table, Mnemonic.PSUBUSW, (a, b) -> PackedIntegers.saturateUnsignedWord((a & 0xFFFF) - (b & 0xFFFF)));
        bytes(table, Mnemonic.PAVGB, (a, b) -> (a & 0xFF) + (b & 0xFF) + 1 >> 1);
        words(table, Mnemonic.PAVGW, (a, b) -> (a & 0xFFFF) + (b & 0xFFFF) + 1 >> 1);
        both(table, Mnemonic.PSADBW, PackedIntegers::sumOfAbsoluteDifferences);
        bytes(table, Mnemonic.PABSB, (a, b) -> Math.abs(b));
        words(table, Mnemonic.PABSW, (a, b) -> Math.abs(b));
        doublewords(table, Mnemonic.PABSD, (a, b) -> Math.abs(b));
        bytes(table, Mnemonic.PSIGNB, PackedIntegers::sign);
        words(table, Mnemonic.PSIGNW, PackedIntegers::sign);
        doublewords(table, Mnemonic.PSIGND, PackedIntegers::sign);
        table.add(Mnemonic.MPSADBW, Sse.binder(SseIntegers::multipleSums));
        table.add(Mnemonic.PHMINPOSUW, Sse.binder(SseIntegers::minimumPosition));
    }

    private static void registerComparisons(HandlerTable table) {
        both(table, Mnemonic.PCMPEQB, PackedIntegers::equalBytes);
        both(table, Mnemonic.PCMPEQW, PackedIntegers::equalWords);
        both(table, Mnemonic.PCMPEQD, PackedIntegers::equalDoublewords);
        lanes(table, Mnemonic.PCMPEQQ, (a, b) -> a == b ? -1 : 0);
        both(table, Mnemonic.PCMPGTB, PackedIntegers::greaterBytes);
        both(table, Mnemonic.PCMPGTW, PackedIntegers::greaterWords);
        both(table, Mnemonic.PCMPGTD, PackedIntegers::greaterDoublewords);
        lanes(table, Mnemonic.PCMPGTQ, (a, b) -> a > b ? -1 : 0);
        both(table, Mnemonic.PMINUB, PackedIntegers::minimumUnsignedBytes);
        both(table, Mnemonic.PMAXUB, PackedIntegers::maximumUnsignedBytes);
        words(table, Mnemonic.PMINSW, Math::min);
        words(table, Mnemonic.PMAXSW, Math::max);
        bytes(table, Mnemonic.PMINSB, Math::min);
        bytes(table, Mnemonic.PMAXSB, Math::max);
        words(table, Mnemonic.PMINUW, (a, b) -> Math.min(a & 0xFFFF, b & 0xFFFF));
        words(table, Mnemonic.PMAXUW, (a, b) -> Math.max(a & 0xFFFF, b & 0xFFFF));
        doublewords(table, Mnemonic.PMINSD, Math::min);
        doublewords(table, Mnemonic.PMAXSD, Math::max);
        doublewords(table, Mnemonic.PMINUD, (a, b) -> Integer.compareUnsigned(a, b) < 0 ? a : b);
        doublewords(table, Mnemonic.PMAXUD, (a, b) -> Integer.compareUnsigned(a, b) > 0 ? a : b);
        table.add(
                Mnemonic.PMOVMSKB,
                in -> in.opcode.operand(1).place == Operand.Place.MMX_RM_REGISTER
                        ? SseIntegers::maskOfMmx
                        : SseIntegers::mask);
    }

    private static void mask(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        cpu.gpr[in.reg] = PackedIntegers.signsOfBytes(cpu.xmm[in.rm << 1])
                | PackedIntegers.signsOfBytes(cpu.xmm[(in.rm << 1) + 1]) << 8;
    }

    private static void maskOfMmx(Cpu cpu, Instruction in) {
        Mmx.check(cpu);
        cpu.gpr[in.reg] = PackedIntegers.signsOfBytes(cpu.x87.significand[in.rm & 7]);
        cpu.x87.enterMmx();
    }

    private static void registerProducts(HandlerTable table) {
        words(table, Mnemonic.PMULLW, (a, b) -> a * b);
        words(table, Mnemonic.PMULHW, (a, b) -> a * b >> 16);
        words(table, Mnemonic.PMULHUW, (a, b) -> (a & 0xFFFF) * (b & 0xFFFF) >>> 16);
        words(table, Mnemonic.PMULHRSW, PackedIntegers::multiplyHighRounded);
        doublewords(table, Mnemonic.PMULLD, (a, b) -> a * b);
        both(table, Mnemonic.PMULUDQ, (a, b) -> (a & 0xFFFF_FFFFL) * (b & 0xFFFF_FFFFL));
        lanes(table, Mnemonic.PMULDQ, (a, b) -> (long) (int) a * (int) b);
        both(table, Mnemonic.PMADDWD, PackedIntegers::multiplyAddWords);
        both(table, Mnemonic.PMADDUBSW, PackedIntegers::multiplyAddUnsignedSignedBytes);
    }

    /** Registers an operation that makes one quadword of two, and so the XMM result of two such. */
    private static void halves(HandlerTable table, Mnemonic mnemonic, LongBinaryOperator operation) {
        Sse.Operation wide = (cpu, in, low, high) -> {
            int destination = in.reg << 1;
            long first = operation.applyAsLong(cpu.xmm[destination], cpu.xmm[destination + 1]);
            Sse.set(cpu, in.reg, first, operation.applyAsLong(low, high));
        };
        both(table, mnemonic, wide, operation);
    }

    /** Registers an unpacking: both quadwords of an XMM result come from the low, or the high, quadwords of the operands. */
    private static void unpack(
            HandlerTable table, Mnemonic mnemonic, boolean upper, LongBinaryOperator first, LongBinaryOperator second) {
        Sse.Operation wide = (cpu, in, low, high) -> {
            long a = cpu.xmm[(in.reg << 1) + (upper ? 1 : 0)];
            long b = upper ? high : low;
            Sse.set(cpu, in.reg, first.applyAsLong(a, b), second.applyAsLong(a, b));
        };
        both(table, mnemonic, wide, upper ? second : first);
    }

    private static void registerPacking(HandlerTable table) {
        halves(table, Mnemonic.PACKSSWB, PackedIntegers::packSignedBytes);
        halves(table, Mnemonic.PACKUSWB, PackedIntegers::packUnsignedBytes);
        halves(table, Mnemonic.PACKSSDW, PackedIntegers::packSignedWords);
        halves(table, Mnemonic.PACKUSDW, PackedIntegers::packUnsignedWords);
        LongBinaryOperator lowBytes = PackedIntegers::unpackLowBytes;
        LongBinaryOperator highBytes = PackedIntegers::unpackHighBytes;
        unpack(table, Mnemonic.PUNPCKLBW, false, lowBytes, highBytes);
        unpack(table, Mnemonic.PUNPCKHBW, true, lowBytes, highBytes);
        LongBinaryOperator lowWords = PackedIntegers::unpackLowWords;
        LongBinaryOperator highWords = PackedIntegers::unpackHighWords;
        unpack(table, Mnemonic.PUNPCKLWD, false, lowWords, highWords);
        unpack(table, Mnemonic.PUNPCKHWD, true, lowWords, highWords);
        LongBinaryOperator lowDoublewords = PackedIntegers::unpackLowDoublewords;
        LongBinaryOperator highDoublewords = PackedIntegers::unpackHighDoublewords;
        unpack(table, Mnemonic.PUNPCKLDQ, false, lowDoublewords, highDoublewords);
        unpack(table, Mnemonic.PUNPCKHDQ, true, lowDoublewords, highDoublewords);
    }

    private static void registerShifts(HandlerTable table) {
        shift(table, Mnemonic.PSLLW, PackedIntegers::shiftWordsLeft);
        shift(table, Mnemonic.PSLLD, PackedIntegers::shiftDoublewordsLeft);
        shift(table, Mnemonic.PSLLQ, PackedIntegers::shiftQuadwordsLeft);
        shift(table, Mnemonic.PSRLW, PackedIntegers::shiftWordsRight);
        shift(table, Mnemonic.PSRLD, PackedIntegers::shiftDoublewordsRight);
        shift(table, Mnemonic.PSRLQ, PackedIntegers::shiftQuadwordsRight);
        shift(table, Mnemonic.PSRAW, PackedIntegers::shiftWordsRightArithmetic);
        shift(table, Mnemonic.PSRAD, PackedIntegers::shiftDoublewordsRightArithmetic);
        table.addOne(Mnemonic.PSLLDQ, SseIntegers::shiftBytesLeft);
        table.addOne(Mnemonic.PSRLDQ, SseIntegers::shiftBytesRight);
        Sse.Operation align = (cpu, in, low, high) -> {
            int destination = in.reg << 1;
            long a = cpu.xmm[destination];
            long b = cpu.xmm[destination + 1];
            int bits = (int) in.immediate * 8;
            Sse.set(cpu, in.reg, window(low, high, a, b, bits), window(low, high, a, b, bits + 64));
        };
        HandlerTable.Binder xmm = Sse.binder(align);
        Handler mmx = (cpu, in) -> {
            Mmx.check(cpu);
            long b = Mmx.source(cpu, in);
            cpu.x87.setMmx(in.reg, window(b, cpu.x87.significand[in.reg & 7], 0, 0, (int) in.immediate * 8));
        };
        table.add(Mnemonic.PALIGNR, in -> Mmx.isMmx(in) ? mmx : xmm.bind(in));
    }

    /** Registers a shift: the count is an immediate, or the low quadword of the source. */
    private static void shift(HandlerTable table, Mnemonic mnemonic, LongBinaryOperator operation) {
        Sse.Operation wide = (cpu, in, low, high) -> {
            int destination = in.reg << 1;
            cpu.xmm[destination] = operation.applyAsLong(cpu.xmm[destination], low);
            cpu.xmm[destination + 1] = operation.applyAsLong(cpu.xmm[destination + 1], low);
        };
        HandlerTable.Binder xmm = Sse.binder(wide);
        Handler mmx = Mmx.handler(operation);
        Handler xmmByImmediate = (cpu, in) -> {
            Sse.check(cpu);
            int destination = in.rm << 1;
            cpu.xmm[destination] = operation.applyAsLong(cpu.xmm[destination], in.immediate);
            cpu.xmm[destination + 1] = operation.applyAsLong(cpu.xmm[destination + 1], in.immediate);
        };
        Handler mmxByImmediate = (cpu, in) -> {
            Mmx.check(cpu);
            cpu.x87.setMmx(in.rm, operation.applyAsLong(cpu.x87.significand[in.rm & 7], in.immediate));
        };
        table.add(mnemonic, in -> switch (in.opcode.operand(0)) {
            case Nq -> mmxByImmediate;
            case Udq -> xmmByImmediate;
            case Pq -> mmx;
            default -> xmm.bind(in);
        });
    }

    /** 64 bits of four quadwords, the lowest first, from a bit on; zero beyond them. */
    private static long window(long q0, long q1, long q2, long q3, int bit) {
        int first = bit >> 6;
        long low = pick(q0, q1, q2, q3, first);
        int shift = bit & 63;
        return shift == 0 ? low : low >>> shift | pick(q0, q1, q2, q3, first + 1) << -shift;
    }

    private static long pick(long q0, long q1, long q2, long q3, int index) {
        return switch (index) {
            case 0 -> q0;
            case 1 -> q1;
            case 2 -> q2;
            case 3 -> q3;
            default -> 0;
        };
    }

    private static void shiftBytesLeft(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        int bits = in.immediate > 15 ? 128 : (int) in.immediate * 8;
        long low = cpu.xmm[in.rm << 1];
        long high = cpu.xmm[(in.rm << 1) + 1];
        // the wanted 128 bits begin that much below the register, in a pair of zero quadwords
        Sse.set(cpu, in.rm, window(0, 0, low, high, 128 - bits), window(0, 0, low, high, 192 - bits));
    }

    private static void shiftBytesRight(Cpu cpu, Instruction in) {
        Sse.check(cpu);
        int bits = in.immediate > 15 ? 128 : (int) in.immediate * 8;
        long low = cpu.xmm[in.rm << 1];
        long high = cpu.xmm[(in.rm << 1) + 1];
        Sse.set(cpu, in.rm, window(low, high, 0, 0, bits), window(low, high, 0, 0, bits + 64));
    }

    private static void registerPairs(HandlerTable table) {
        halves(table, Mnemonic.PHADDW, PackedIntegers::addPairsOfWords);
        halves(table, Mnemonic.PHADDD, PackedIntegers::addPairsOfDoublewords);
        halves(table, Mnemonic.PHADDSW, PackedIntegers::addPairsOfWordsSaturated);
        halves(table, Mnemonic.PHSUBW, PackedIntegers::subtractPairsOfWords);
        halves(table, Mnemonic.PHSUBD, PackedIntegers::subtractPairsOfDoublewords);
        halves(table, Mnemonic.PHSUBSW, PackedIntegers::subtractPairsOfWordsSaturated);
        Sse.Operation shuffle = (cpu, in, low, high) -> {
            long a = cpu.xmm[in.reg << 1];
            long b = cpu.xmm[(in.reg << 1) + 1];
            Sse.set(
                    cpu,
                    in.reg,
                    PackedIntegers.shuffleBytes(a, b, low, 15),
                    PackedIntegers.shuffleBytes(a, b, high, 15));
        };
        both(table, Mnemonic.PSHUFB, shuffle, (a, b) -> PackedIntegers.shuffleBytes(a, 0, b, 7));
    }

    /** Registers a widening of the source's low elements. */
    private static void extend(HandlerTable table, Mnemonic mnemonic, int from, int to, boolean signed) {
        table.add(
                mnemonic,
                Sse.binder((cpu, in, low, high) -> Sse.set(
                        cpu, in.reg, extend(low, from, to, signed), extend(low >>> 64 / to * from, from, to, signed))));
    }

    private static long extend(long source, int from, int to, boolean signed) {
        long mask = to == 64 ? -1 : (1L << to) - 1;
        long result = 0;
        for (int i = 0; i < 64 / to; i++) {
            long aligned = source >>> i * from << 64 - from;
            result |= ((signed ? aligned >> 64 - from : aligned >>> 64 - from) & mask) << i * to;
        }
        return result;
    }

    private static void registerExtensions(HandlerTable table) {
        extend(table, Mnemonic.PMOVSXBW, 8, 16, true);
        extend(table, Mnemonic.PMOVSXBD, 8, 32, true);
        extend(table, Mnemonic.PMOVSXBQ, 8, 64, true);
        extend(table, Mnemonic.PMOVSXWD, 16, 32, true);
        extend(table, Mnemonic.PMOVSXWQ, 16, 64, true);
        extend(table, Mnemonic.PMOVSXDQ, 32, 64, true);
        extend(table, Mnemonic.PMOVZXBW, 8, 16, false);
        extend(table, Mnemonic.PMOVZXBD, 8, 32, false);
        extend(table, Mnemonic.PMOVZXBQ, 8, 64, false);
        extend(table, Mnemonic.PMOVZXWD, 16, 32, false);
        extend(table, Mnemonic.PMOVZXWQ, 16, 64, false);
        extend(table, Mnemonic.PMOVZXDQ, 32, 64, false);
    }

    // ---- single elements and blends

    private static void registerElements(HandlerTable table) {
        insert(table, Mnemonic.PINSRB, 8);
        insert(table, Mnemonic.PINSRW, 16);
        insert(table, Mnemonic.PINSRD, 32);
        insert(table, Mnemonic.PINSRQ, 64);
        extract(table, Mnemonic.PEXTRB, 8);
        extract(table, Mnemonic.PEXTRW, 16);
        extract(table, Mnemonic.PEXTRD, 32);
        extract(table, Mnemonic.PEXTRQ, 64);
        extract(table, Mnemonic.EXTRACTPS, 32);
        table.add(Mnemonic.INSERTPS, in -> in.memory ? INSERT_MEMORY : INSERT_REGISTER);
        blend(table, Mnemonic.PBLENDW, 16);
        blend(table, Mnemonic.BLENDPS, 32);
        blend(table, Mnemonic.BLENDPD, 64);
        blendBySign(table, Mnemonic.PBLENDVB, 8);
        blendBySign(table, Mnemonic.BLENDVPS, 32);
        blendBySign(table, Mnemonic.BLENDVPD, 64);
    }

    private static void insert(HandlerTable table, Mnemonic mnemonic, int width) {
        long mask = width == 64 ? -1 : (1L << width) - 1;
        int inHalf = 64 / width;
        table.add(mnemonic, in -> {
            boolean mmx = Mmx.isMmx(in);
            int index = (int) in.immediate & (mmx ? inHalf - 1 : 2 * inHalf - 1);
            int half = index / inHalf;
            int shift = index % inHalf * width;
            if (mmx) {
                return (cpu, i) -> {
                    Mmx.check(cpu);
                    long value = element(cpu, i, width);
                    long old = cpu.x87.significand[i.reg & 7];
                    cpu.x87.setMmx(i.reg, old & ~(mask << shift) | (value & mask) << shift);
                };
            }
            return (cpu, i) -> {
                Sse.check(cpu);
                long value = element(cpu, i, width);
                int at = (i.reg << 1) + half;
                cpu.xmm[at] = cpu.xmm[at] & ~(mask << shift) | (value & mask) << shift;
            };
        });
    }

    private static long element(Cpu cpu, Instruction in, int width) {
        return in.memory ? cpu.read(cpu.address(in, width / 8, false), width / 8) : cpu.gpr[in.rm];
    }

    private static void extract(HandlerTable table, Mnemonic mnemonic, int width) {
        long mask = width == 64 ? -1 : (1L << width) - 1;
        int inHalf = 64 / width;
        table.add(mnemonic, in -> {
            if (in.opcode.operand(0).place == Operand.Place.REG) {
                return bindExtractWord(in);
            }
            int index = (int) in.immediate & 2 * inHalf - 1;
            int half = index / inHalf;
            int shift = index % inHalf * width;
            return (cpu, i) -> {
                Sse.check(cpu);
                long value = cpu.xmm[(i.reg << 1) + half] >>> shift & mask;
                if (i.memory) {
                    cpu.write(cpu.address(i, width / 8, true), value, width / 8);
                } else {
                    cpu.gpr[i.rm] = value;
                }
            };
        });
    }

    /** The older PEXTRW, whose source is ModRM.rm. */
    private static Handler bindExtractWord(Instruction in) {
        int index = (int) in.immediate & 7;
        int shift = (index & 3) * 16;
        if (in.opcode.operand(1).place == Operand.Place.MMX_RM_REGISTER) {
            return (cpu, i) -> {
                Mmx.check(cpu);
                cpu.gpr[i.reg] = cpu.x87.significand[i.rm & 7] >>> shift & 0xFFFF;
                cpu.x87.enterMmx();
            };
        }
        return (cpu, i) -> {
            Sse.check(cpu);
            cpu.gpr[i.reg] = cpu.xmm[(i.rm << 1) + (index >> 2)] >>> shift & 0xFFFF;
        };
    }

    private static final Handler INSERT_REGISTER = (cpu, in) -> {
        Sse.check(cpu);
        int source = (int) in.immediate >> 6;
        insertSingle(
                cpu,
                in,
                SseMoves.doubleword(cpu.xmm[in.rm << 1], cpu.xmm[(in.rm << 1) + 1], source));
    };

    private static final Handler INSERT_MEMORY = (cpu, in) -> {
        Sse.check(cpu);
        insertSingle(cpu, in, cpu.read32(cpu.address(in, 4, false)) & 0xFFFF_FFFFL);
    };

    private static void insertSingle(Cpu cpu, Instruction in, long value) {
        int control = (int) in.immediate;
        int at = in.reg << 1;
        int index = control >> 4 & 3;
        int shift = 32 * (index & 1);
        cpu.xmm[at + (index >> 1)] = cpu.xmm[at + (index >> 1)] & ~(0xFFFF_FFFFL << shift) | value << shift;
        cpu.xmm[at] &= ~fields(control, 32);
        cpu.xmm[at + 1] &= ~fields(control >> 2, 32);
    }

    /** Ones in those fields of a quadword whose bits in {@code mask} are set. */
    private static long fields(int mask, int width) {
        long ones = width == 64 ? -1 : (1L << width) - 1;
        long result = 0;
        for (int i = 0; i < 64 / width; i++) {
            if ((mask >> i & 1) != 0) {
                result |= ones << i * width;
            }
        }
        return result;
    }

    private static void blend(HandlerTable table, Mnemonic mnemonic, int width) {
        table.add(mnemonic, Sse.binder((cpu, in, low, high) -> {
            long first = fields((int) in.immediate, width);
            long second = fields((int) in.immediate >> 64 / width, width);
            int at = in.reg << 1;
            cpu.xmm[at] = cpu.xmm[at] & ~first | low & first;
            cpu.xmm[at + 1] = cpu.xmm[at + 1] & ~second | high & second;
        }));
    }

    private static void blendBySign(HandlerTable table, Mnemonic mnemonic, int width) {
        long signs = width == 8 ? BYTE_SIGNS : width == 32 ? 0x8000_0000_8000_0000L : Long.MIN_VALUE;
        table.add(mnemonic, Sse.binder((cpu, in, low, high) -> {
            long first = spread(cpu.xmm[0] & signs, width);
            long second = spread(cpu.xmm[1] & signs, width);
            int at = in.reg << 1;
            cpu.xmm[at] = cpu.xmm[at] & ~first | low & first;
            cpu.xmm[at + 1] = cpu.xmm[at + 1] & ~second | high & second;
        }));
    }

    private static long spread(long signs, int width) {
        return signs - (signs >>> width - 1) | signs;
    }

    /** Eight sums of absolute differences of four bytes each (MPSADBW). */
    private static void multipleSums(Cpu cpu, Instruction in, long low, long high) {
        int control = (int) in.immediate;
        long a = cpu.xmm[in.reg << 1];
        long b = cpu.xmm[(in.reg << 1) + 1];
        long block = SseMoves.doubleword(low, high, control & 3);
        int start = (control & 4) << 3;
        Sse.set(cpu, in.reg, fourSums(a, b, block, start), fourSums(a, b, block, start + 32));
    }

    private static long fourSums(long a, long b, long block, int start) {
        long result = 0;
        for (int i = 3; i >= 0; i--) {
            long bytes = window(a, b, 0, 0, start + 8 * i) & 0xFFFF_FFFFL;
            result = result << 16 | PackedIntegers.sumOfAbsoluteDifferences(bytes, block);
        }
        return result;
    }

    /** The least unsigned word of the source and where it is (PHMINPOSUW). */
    private static void minimumPosition(Cpu cpu, Instruction in, long low, long high) {
        long least = 0xFFFF;
        int position = 0;
        for (int i = 7; i >= 0; i--) {
            long word = (i < 4 ? low : high) >>> 16 * (i & 3) & 0xFFFF;
            if (word <= least) {
                least = word;
                position = i;
            }
        }
        Sse.set(cpu, in.reg, least | (long) position << 16, 0);
    }
}
