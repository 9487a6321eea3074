package org.bundlevisor.cpu.core.softfloat;

/**
 * RCPPS and RSQRTPS. The manual bounds their error by 1.5 * 2^-12 only; Intel's processors all give these numbers: the value at
 * the middle of the segment that the operand's leading bits choose, rounded to 13 bits. They raise no exceptions, take
 * denormals for zero and give none, whatever MXCSR says.
 */
public final class Approximations {
    private static final int INFINITY = 0x7F80_0000;
    private static final int QUIET = 1 << 22;
    private static final int INDEFINITE = 0xFFC0_0000;
    private static final double UNIT = 0x1p-13;

    private Approximations() {}

    /** About 1/x, single precision. */
    public static int reciprocal(int bits) {
        int sign = bits & Integer.MIN_VALUE;
        int magnitude = bits & Integer.MAX_VALUE;
        if (magnitude > INFINITY) {
            return bits | QUIET;
        }
        int exponent = magnitude >>> 23;
        if (exponent == 0) {
            return sign | INFINITY;
        }
        if (exponent >= 253) {
            return sign;
        }
        // 11 bits of the fraction choose among segments of 2^12
        float middle = Float.intBitsToFloat(127 << 23 | magnitude & 0x7F_F000 | 0x800);
        float result = (float) (Math.floor(1.0 / middle / UNIT + 0.5) * UNIT);
        return sign | Float.floatToRawIntBits(result) + (127 - exponent << 23);
    }

    /** About 1/sqrt(x), single precision. */
    public static int reciprocalSquareRoot(int bits) {
        int sign = bits & Integer.MIN_VALUE;
        int magnitude = bits & Integer.MAX_VALUE;
        if (magnitude > INFINITY) {
            return bits | QUIET;
        }
        int exponent = magnitude >>> 23;
        if (exponent == 0) {
            return sign | INFINITY;
        }
        if (sign != 0) {
            return INDEFINITE;
        }
        if (exponent == 255) {
            return 0;
        }
        // the exponent's parity and 10 bits of the fraction choose
        int near = 126 + (exponent & 1);
        float middle = Float.intBitsToFloat(near << 23 | magnitude & 0x7F_E000 | 0x1000);
        double root = 1 / Math.sqrt(middle);
        double unit = root < 1 ? UNIT : 2 * UNIT;
        float result = (float) (Math.floor(root / unit + 0.5) * unit);
        return Float.floatToRawIntBits(result) + (near - exponent >> 1 << 23);
    }
}
