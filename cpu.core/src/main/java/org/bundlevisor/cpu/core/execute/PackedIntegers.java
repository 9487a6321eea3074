package org.bundlevisor.cpu.core.execute;

import java.util.function.IntBinaryOperator;
import java.util.function.LongBinaryOperator;

/** Arithmetic on the packed integers of one quadword, which MMX and SSE share. The first operand is the destination's old value. */
final class PackedIntegers {
    private static final long BYTE_SIGNS = 0x8080_8080_8080_8080L;
    private static final long WORD_SIGNS = 0x8000_8000_8000_8000L;
    private static final long DWORD_SIGNS = 0x8000_0000_8000_0000L;

    private PackedIntegers() {}

    // ---- without carries between the fields: the sign bits are kept out of the sum and put back

    static long addBytes(long a, long b) {
        return (a & ~BYTE_SIGNS) + (b & ~BYTE_SIGNS) ^ (a ^ b) & BYTE_SIGNS;
    }

    static long addWords(long a, long b) {
        return (a & ~WORD_SIGNS) + (b & ~WORD_SIGNS) ^ (a ^ b) & WORD_SIGNS;
    }

    static long addDoublewords(long a, long b) {
        return (a & ~DWORD_SIGNS) + (b & ~DWORD_SIGNS) ^ (a ^ b) & DWORD_SIGNS;
    }

    static long subtractBytes(long a, long b) {
        return (a | BYTE_SIGNS) - (b & ~BYTE_SIGNS) ^ (a ^ ~b) & BYTE_SIGNS;
    }

    static long subtractWords(long a, long b) {
        return (a | WORD_SIGNS) - (b & ~WORD_SIGNS) ^ (a ^ ~b) & WORD_SIGNS;
    }

    static long subtractDoublewords(long a, long b) {
        return (a | DWORD_SIGNS) - (b & ~DWORD_SIGNS) ^ (a ^ ~b) & DWORD_SIGNS;
    }

    /** All ones where the bytes are equal. */
    static long equalBytes(long a, long b) {
        long difference = a ^ b;
        long nonzero = ((difference & ~BYTE_SIGNS) + ~BYTE_SIGNS | difference) & BYTE_SIGNS;
        return spread(nonzero ^ BYTE_SIGNS, 7);
    }

    static long equalWords(long a, long b) {
        long difference = a ^ b;
        long nonzero = ((difference & ~WORD_SIGNS) + ~WORD_SIGNS | difference) & WORD_SIGNS;
        return spread(nonzero ^ WORD_SIGNS, 15);
    }

    static long equalDoublewords(long a, long b) {
        long difference = a ^ b;
        long nonzero = ((difference & ~DWORD_SIGNS) + ~DWORD_SIGNS | difference) & DWORD_SIGNS;
        return spread(nonzero ^ DWORD_SIGNS, 31);
    }

    /** All ones where the signed byte of {@code a} is greater. */
    static long greaterBytes(long a, long b) {
        // b - a borrows into the sign, seen through overflow
        long difference = subtractBytes(b, a);
        return spread((difference ^ (a ^ b) & (difference ^ b)) & BYTE_SIGNS, 7);
    }

    static long greaterWords(long a, long b) {
        long difference = subtractWords(b, a);
        return spread((difference ^ (a ^ b) & (difference ^ b)) & WORD_SIGNS, 15);
    }

    static long greaterDoublewords(long a, long b) {
        long difference = subtractDoublewords(b, a);
        return spread((difference ^ (a ^ b) & (difference ^ b)) & DWORD_SIGNS, 31);
    }

    /** Fills each field whose top bit is set with ones. */
    private static long spread(long signs, int shift) {
        long ones = signs >>> shift;
        return (signs - ones) | signs;
    }

    static long minimumUnsignedBytes(long a, long b) {
        long bGreater = greaterBytes(b ^ BYTE_SIGNS, a ^ BYTE_SIGNS);
        return a & bGreater | b & ~bGreater;
    }

    static long maximumUnsignedBytes(long a, long b) {
        long aGreater = greaterBytes(a ^ BYTE_SIGNS, b ^ BYTE_SIGNS);
        return a & aGreater | b & ~aGreater;
    }

    /** The sign bits of the eight bytes, gathered in the low byte. */
    static int signsOfBytes(long a) {
        return (int) ((a & BYTE_SIGNS) * 0x0002_0408_1020_4081L >>> 56);
    }

    // ---- field by field

    /** Applies an operation to sign-extended bytes. */
    static LongBinaryOperator bytes(IntBinaryOperator operation) {
        return (a, b) -> {
            long result = 0;
            for (int i = 56; i >= 0; i -= 8) {
                result = result << 8 | operation.applyAsInt((byte) (a >>> i), (byte) (b >>> i)) & 0xFF;
            }
            return result;
        };
    }

    /** Applies an operation to sign-extended words. */
    static LongBinaryOperator words(IntBinaryOperator operation) {
        return (a, b) -> {
            long result = 0;
            for (int i = 48; i >= 0; i -= 16) {
                result = result << 16 | operation.applyAsInt((short) (a >>> i), (short) (b >>> i)) & 0xFFFF;
            }
            return result;
        };
    }

    /** Applies an operation to doublewords. */
    static LongBinaryOperator doublewords(IntBinaryOperator operation) {
        return (a, b) -> operation.applyAsInt((int) a, (int) b) & 0xFFFF_FFFFL
                | (long) operation.applyAsInt((int) (a >>> 32), (int) (b >>> 32)) << 32;
    }

    static int saturateSignedByte(int value) {
        return Math.clamp(value, -128, 127);
    }

    static int saturateUnsignedByte(int value) {
        return Math.clamp(value, 0, 255);
    }

    static int saturateSignedWord(int value) {
        return Math.clamp(value, -32768, 32767);
    }

    static int saturateUnsignedWord(int value) {
        return Math.clamp(value, 0, 65535);
    }

    /** Products of words, pairs of them added into doublewords. */
    static long multiplyAddWords(long a, long b) {
        int low = (short) a * (short) b + (short) (a >>> 16) * (short) (b >>> 16);
        int high = (short) (a >>> 32) * (short) (b >>> 32) + (short) (a >>> 48) * (short) (b >>> 48);
        return low & 0xFFFF_FFFFL | (long) high << 32;
    }

    /** Products of unsigned bytes with signed ones, pairs of them added into words with saturation. */
    static long multiplyAddUnsignedSignedBytes(long a, long b) {
        long result = 0;
        for (int i = 48; i >= 0; i -= 16) {
            int sum = (int) (a >>> i & 0xFF) * (byte) (b >>> i) + (int) (a >>> i + 8 & 0xFF) * (byte) (b >>> i + 8);
            result = result << 16 | saturateSignedWord(sum) & 0xFFFF;
        }
        return result;
    }

    static long sumOfAbsoluteDifferences(long a, long b) {
        int sum = 0;
        for (int i = 0; i < 64; i += 8) {
            sum += Math.abs((int) (a >>> i & 0xFF) - (int) (b >>> i & 0xFF));
        }
        return sum;
    }

    // ---- packing: the fields of two quadwords become one quadword of half as wide fields

    static long packSignedBytes(long low, long high) {
        return packToBytes(low, -128, 127) | packToBytes(high, -128, 127) << 32;
    }

    static long packUnsignedBytes(long low, long high) {
        return packToBytes(low, 0, 255) | packToBytes(high, 0, 255) << 32;
    }

    private static long packToBytes(long words, int least, int most) {
        long result = 0;
        for (int i = 48; i >= 0; i -= 16) {
            result = result << 8 | Math.clamp((short) (words >>> i), least, most) & 0xFF;
        }
        return result;
    }

    static long packSignedWords(long low, long high) {
        return packToWords(low, -32768, 32767) | packToWords(high, -32768, 32767) << 32;
    }

    static long packUnsignedWords(long low, long high) {
        return packToWords(low, 0, 65535) | packToWords(high, 0, 65535) << 32;
    }

    private static long packToWords(long doublewords, int least, int most) {
        return Math.clamp((int) doublewords, least, most) & 0xFFFF
                | (Math.clamp((int) (doublewords >>> 32), least, most) & 0xFFFFL) << 16;
    }

    // ---- unpacking: the low or high halves of two quadwords interleaved

    static long unpackLowBytes(long a, long b) {
        return widenBytes(a) | widenBytes(b) << 8;
    }

    static long unpackHighBytes(long a, long b) {
        return widenBytes(a >>> 32) | widenBytes(b >>> 32) << 8;
    }

    /** The low four bytes as words, zero-extended. */
    static long widenBytes(long a) {
        long wide = (a & 0xFFFF_FFFFL | a << 16) & 0x0000_FFFF_0000_FFFFL;
        return (wide | wide << 8) & 0x00FF_00FF_00FF_00FFL;
    }

    static long unpackLowWords(long a, long b) {
        return widenWords(a) | widenWords(b) << 16;
    }

    static long unpackHighWords(long a, long b) {
        return widenWords(a >>> 32) | widenWords(b >>> 32) << 16;
    }

    private static long widenWords(long a) {
        return (a & 0xFFFF_FFFFL | a << 16) & 0x0000_FFFF_0000_FFFFL;
    }

    static long unpackLowDoublewords(long a, long b) {
        return a & 0xFFFF_FFFFL | b << 32;
    }

    static long unpackHighDoublewords(long a, long b) {
        return a >>> 32 | b & 0xFFFF_FFFF_0000_0000L;
    }

    // ---- shifts: a count beyond the field's width gives zero, or the sign

    static long shiftWordsLeft(long a, long count) {
        if (Long.compareUnsigned(count, 15) > 0) {
            return 0;
        }
        return a << count & (0xFFFFL << count & 0xFFFF) * 0x0001_0001_0001_0001L;
    }

    static long shiftDoublewordsLeft(long a, long count) {
        if (Long.compareUnsigned(count, 31) > 0) {
            return 0;
        }
        return (a & 0xFFFF_FFFFL) << count & 0xFFFF_FFFFL | a >>> 32 << 32 + count;
    }

    static long shiftQuadwordsLeft(long a, long count) {
        return Long.compareUnsigned(count, 63) > 0 ? 0 : a << count;
    }

    static long shiftWordsRight(long a, long count) {
        if (Long.compareUnsigned(count, 15) > 0) {
            return 0;
        }
        return a >>> count & (0xFFFFL >>> count) * 0x0001_0001_0001_0001L;
    }

    static long shiftDoublewordsRight(long a, long count) {
        if (Long.compareUnsigned(count, 31) > 0) {
            return 0;
        }
        return (a & 0xFFFF_FFFFL) >>> count | a >>> 32 + count << 32;
    }

    static long shiftQuadwordsRight(long a, long count) {
        return Long.compareUnsigned(count, 63) > 0 ? 0 : a >>> count;
    }

    static long shiftWordsRightArithmetic(long a, long count) {
        int actual = Long.compareUnsigned(count, 15) > 0 ? 15 : (int) count;
        long result = 0;
        for (int i = 48; i >= 0; i -= 16) {
            result = result << 16 | (short) (a >>> i) >> actual & 0xFFFF;
        }
        return result;
    }

    static long shiftDoublewordsRightArithmetic(long a, long count) {
        int actual = Long.compareUnsigned(count, 31) > 0 ? 31 : (int) count;
        return (int) a >> actual & 0xFFFF_FFFFL | (long) ((int) (a >>> 32) >> actual) << 32;
    }

    // ---- SSSE3

    /** The bytes of the two quadwords that the control's fields name, or zero where their top bit is set. */
    static long shuffleBytes(long low, long high, long control, int mask) {
        long result = 0;
        for (int i = 56; i >= 0; i -= 8) {
            int selector = (byte) (control >>> i);
            int index = selector & mask;
            long from = index < 8 ? low : high;
            result = result << 8 | (selector < 0 ? 0 : from >>> 8 * (index & 7) & 0xFF);
        }
        return result;
    }

    /** Sums of neighbouring words of two quadwords. */
    static long addPairsOfWords(long low, long high) {
        return pairsOfWords(low) & 0xFFFF_FFFFL | pairsOfWords(high) << 32;
    }

    private static long pairsOfWords(long a) {
        return a + (a >>> 16) & 0xFFFF | ((a >>> 32) + (a >>> 48) & 0xFFFF) << 16;
    }

    static long addPairsOfDoublewords(long low, long high) {
        return low + (low >>> 32) & 0xFFFF_FFFFL | high + (high >>> 32) << 32;
    }

    static long subtractPairsOfWords(long low, long high) {
        return differencesOfWords(low) | differencesOfWords(high) << 32;
    }

    private static long differencesOfWords(long a) {
        return a - (a >>> 16) & 0xFFFF | ((a >>> 32) - (a >>> 48) & 0xFFFF) << 16;
    }

    static long subtractPairsOfDoublewords(long low, long high) {
        return low - (low >>> 32) & 0xFFFF_FFFFL | high - (high >>> 32) << 32;
    }

    static long addPairsOfWordsSaturated(long low, long high) {
        return pairsSaturated(low, 1) | pairsSaturated(high, 1) << 32;
    }

    static long subtractPairsOfWordsSaturated(long low, long high) {
        return pairsSaturated(low, -1) | pairsSaturated(high, -1) << 32;
    }

    private static long pairsSaturated(long a, int sign) {
        int first = saturateSignedWord((short) a + sign * (short) (a >>> 16));
        int second = saturateSignedWord((short) (a >>> 32) + sign * (short) (a >>> 48));
        return first & 0xFFFF | (second & 0xFFFFL) << 16;
    }

    /** {@code a} with the sign of {@code b} applied, zero where that is zero. */
    static int sign(int a, int b) {
        return b < 0 ? -a : b == 0 ? 0 : a;
    }

    static int multiplyHighRounded(int a, int b) {
        return (a * b >> 14) + 1 >> 1;
    }
}
