package org.bundlevisor.cpu.core.host;

import java.util.SplittableRandom;

/**
 * Random operands of a fixed seed, with the values that go wrong far more often than chance would have them. The system property
 * {@code bundlevisor.test.seed} gives another seed, {@code bundlevisor.test.long} (a factor) more of them.
 */
public final class Operands {

    private static final long[] SIGNIFICANDS = {
        0x8000_0000_0000_0000L,
        0xFFFF_FFFF_FFFF_FFFFL,
        0xC000_0000_0000_0000L,
        0x8000_0000_0000_0001L,
        0xBFFF_FFFF_FFFF_FFFFL,
        0xFFFF_FF00_0000_0000L,
        0xFFFF_FF80_0000_0000L,
        0x8000_0080_0000_0000L,
        0xFFFF_FFFF_FFFF_F800L,
        0xFFFF_FFFF_FFFF_FC00L,
        0x8000_0000_0000_0400L,
        0xC90F_DAA2_2168_C235L,
        0x0000_0000_0000_0001L,
        0x7FFF_FFFF_FFFF_FFFFL,
        0x4000_0000_0000_0000L,
        0
    };
    private static final int[] EXPONENTS = {
        0, 0, 1, 1, 2, 64, 0x3FFE, 0x3FFF, 0x3FFF, 0x4000, 0x403E, 0x403D, 0x401E, 0x400E, 0x3C01, 0x3C00, 0x43FE,
        0x3F81, 0x3F80, 0x407E, 0x7FFE,
        0x7FFE, 0x7FFF, 0x7FFF
    };

    private final SplittableRandom random;

    /** Sign and exponent of the last {@link #nextExtended()}. */
    public int signExponent;

    private Operands(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Those of the fixed seed, which is printed. */
    public static Operands seeded(String test) {
        long seed = Long.getLong("bundlevisor.test.seed", 20_260_101L);
        System.out.printf("%s: seed %d%n", test, seed);
        return new Operands(seed);
    }

    /** How many cases to run where {@code usual} of them are the default. */
    public static int count(int usual) {
        return usual * Integer.getInteger("bundlevisor.test.long", 1);
    }

    public int nextInt(int bound) {
        return random.nextInt(bound);
    }

    public int nextInt(int from, int to) {
        return random.nextInt(from, to);
    }

    public int nextInt() {
        return random.nextInt();
    }

    public boolean nextBoolean() {
        return random.nextBoolean();
    }

    /** A 64-bit integer: anything, or something near zero, a power of two or a limit, or a repeated small field. */
    public long nextLong() {
        return switch (random.nextInt(8)) {
            case 0 -> random.nextInt(-3, 4);
            case 1 -> (1L << random.nextInt(64)) + random.nextInt(-1, 2);
            case 2 -> (random.nextBoolean() ? Long.MAX_VALUE : Integer.MAX_VALUE) + random.nextLong(-2, 3);
            case 3 -> random.nextLong() & 0x8181_8181_8181_8181L;
            case 4 -> 0x8000_7FFF_8001_FFFFL >>> 8 * random.nextInt(4) ^ random.nextInt(2);
            case 5 -> random.nextInt();
            default -> random.nextLong();
        };
    }

    /** Double-precision bits, of which about half are special or near something special. */
    public long nextDouble() {
        long signBit = random.nextLong() & Long.MIN_VALUE;
        long exponent = switch (random.nextInt(12)) {
            case 0, 1 -> 0;
            case 2 -> 0x7FF;
            case 3 -> random.nextInt(1, 60);
            case 4 -> 0x7FE - random.nextInt(3);
            case 5 -> random.nextInt(0x800);
            case 6 -> 0x3FF + random.nextInt(20, 70);
            case 7 -> 0x3FF + random.nextInt(120, 130);
            case 8 -> 0x3FF - random.nextInt(120, 152);
            default -> 0x3FF + random.nextInt(-4, 5);
        };
        long fraction = switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> random.nextInt(1, 4);
            case 2 -> -random.nextInt(1, 4) & 0xF_FFFF_FFFF_FFFFL;
            case 3 -> 1L << random.nextInt(52);
            case 4 -> random.nextLong() << random.nextInt(12, 52) & 0xF_FFFF_FFFF_FFFFL;
            default -> random.nextLong() & 0xF_FFFF_FFFF_FFFFL;
        };
        return signBit | exponent << 52 | fraction;
    }

    /** Single-precision bits, in the same spirit. */
    public int nextSingle() {
        int signBit = random.nextInt() & Integer.MIN_VALUE;
        int exponent = switch (random.nextInt(10)) {
            case 0, 1 -> 0;
            case 2 -> 0xFF;
            case 3 -> random.nextInt(1, 30);
            case 4 -> 0xFE - random.nextInt(3);
            case 5 -> random.nextInt(0x100);
            case 6 -> 0x7F + random.nextInt(20, 70);
            default -> 0x7F + random.nextInt(-4, 5);
        };
        int fraction = switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> random.nextInt(1, 4);
            case 2 -> -random.nextInt(1, 4) & 0x7F_FFFF;
            case 3 -> 1 << random.nextInt(23);
            case 4 -> random.nextInt() << random.nextInt(9, 23) & 0x7F_FFFF;
            default -> random.nextInt() & 0x7F_FFFF;
        };
        return signBit | exponent << 23 | fraction;
    }

    /** The significand of an extended number, whose sign and exponent are left in {@link #signExponent}: encodings of all kinds. */
    public long nextExtended() {
        int exponent = switch (random.nextInt(8)) {
            case 0, 1 -> EXPONENTS[random.nextInt(EXPONENTS.length)];
            case 2 -> random.nextInt(0x8000);
            case 3 -> 0x3FFF + random.nextInt(-70, 71);
            case 4 -> random.nextBoolean() ? random.nextInt(70) : 0x7FFE - random.nextInt(70);
            default -> 0x3FFF + random.nextInt(-4, 5);
        };
        signExponent = exponent | (random.nextInt() & 0x8000);
        long significand = switch (random.nextInt(5)) {
            case 0 -> SIGNIFICANDS[random.nextInt(SIGNIFICANDS.length)];
            case 1 -> random.nextLong() << random.nextInt(64);
            case 2 -> -1L << random.nextInt(64) ^ random.nextInt(2);
            default -> random.nextLong();
        };
        boolean integerBit = exponent != 0;
        if (random.nextInt(32) == 0) {
            integerBit = !integerBit;
        }
        if (exponent == 0 && random.nextInt(3) == 0 || exponent == 0x7FFF && random.nextInt(3) == 0) {
            significand = 0;
        }
        return integerBit ? significand | Long.MIN_VALUE : significand & Long.MAX_VALUE;
    }
}
