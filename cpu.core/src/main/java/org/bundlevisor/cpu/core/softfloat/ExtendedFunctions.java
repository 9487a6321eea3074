package org.bundlevisor.cpu.core.softfloat;

import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.PRECISION;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.UNDERFLOW;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.ZERO_DIVIDE;

/**
 * The x87's transcendental functions: SDM vol. 1, 8.3.6 to 8.3.10. They are computed with 128 bits and rounded once, so that the
 * result is the nearest number in all but about one of 2^50 cases; processors promise to be within one unit in the last
 * place of it. Angles are reduced with a pi of 66 bits, as processors do, and so differ from the true functions as theirs do.
 * Results are left in the {@link ExtendedArithmetic} given, with its exceptions.
 */
public final class ExtendedFunctions {
    private static final int BIAS = Arithmetic.BIAS;
    private static final int MAX_EXPONENT = 0x7FFF;
    private static final long TOP = Long.MIN_VALUE;

    private static final Wide ONE = new Wide(0, TOP, 0);
    private static final Wide LN_2 = new Wide(-1, 0xB172_17F7_D1CF_79ABL, 0xC9E3_B398_03F2_F6AFL);
    private static final Wide LOG2_E = new Wide(0, 0xB8AA_3B29_5C17_F0BBL, 0xBE87_FED0_691D_3E89L);
    private static final Wide PI = new Wide(1, 0xC90F_DAA2_2168_C234L, 0xC4C6_628B_80DC_1CD1L);

    /** Arctangents of n/8. */
    private static final Wide[] ARCTANGENTS = {
        new Wide(),
        new Wide(-4, 0xFEAD_D4D5_617B_6E32L, 0xC897_989F_3E88_8EF8L),
        new Wide(-3, 0xFADB_AFC9_6406_EB15L, 0x6DC7_9EF5_F7A2_17E6L),
        new Wide(-2, 0xB7B0_CA0F_26F7_8473L, 0x8AA3_2122_DCFE_4483L),
        new Wide(-2, 0xED63_382B_0DDA_7B45L, 0x6FE4_45EC_BC3A_8D03L),
        new Wide(-1, 0x8F00_5D5E_F7F5_9F9BL, 0x5C83_5E16_65C4_3748L),
        new Wide(-1, 0xA4BC_7D19_34F7_0924L, 0x19A8_7F2A_457D_AC9FL),
        new Wide(-1, 0xB805_3E2B_C231_9E73L, 0xCB2D_A552_10A4_443DL),
        new Wide(-1, 0xC90F_DAA2_2168_C234L, 0xC4C6_628B_80DC_1CD1L),
    };

    /** Half of the 66-bit pi, C90FDAA22168C234C, as 128 bits: the value is that times 2^-127. */
    private static final long HALF_PI_HIGH = 0xC90F_DAA2_2168_C234L;

    private static final long HALF_PI_LOW = 0xC000_0000_0000_0000L;

    private static final int EXPONENTIAL_TERMS = 30;
    private static final int SINE_TERMS = 16;
    private static final int LOGARITHM_TERMS = 24;
    private static final int ARCTANGENT_TERMS = 15;

    private final ExtendedArithmetic arithmetic;
    private final Wide x = new Wide();
    private final Wide y = new Wide();
    private final Wide sum = new Wide();
    private final Wide square = new Wide();
    private final Wide term = new Wide();

    /** Which quarter of the circle the reduced angle belongs to. */
    private int quadrant;

    /** Whether the reduced angle is to be taken negative. */
    private boolean mirrored;

    public ExtendedFunctions(ExtendedArithmetic arithmetic) {
        this.arithmetic = arithmetic;
    }

    /** Whether an angle is too large to be reduced: 2^63 and more. */
    public static boolean outOfRange(int signExponent, long significand) {
        int exponent = signExponent & MAX_EXPONENT;
        return exponent >= BIAS + 63 && exponent != MAX_EXPONENT && significand < 0;
    }

    // ---- 2^x - 1

    /** F2XM1, for operands of -1 to 1; others are returned as they are. */
    public void twoToTheXMinusOne(int signExponent, long significand) {
        if (arithmetic.notNumber(signExponent, significand)) {
            return;
        }
        int exponent = signExponent & MAX_EXPONENT;
        boolean negative = (signExponent & 0x8000) != 0;
        if (exponent == MAX_EXPONENT && negative) {
            result(0x8000 | BIAS, TOP);
        } else if (significand == 0 || exponent == MAX_EXPONENT || exponent > BIAS) {
            result(signExponent, significand);
        } else if (exponent == BIAS) {
            // 2^1 - 1 and 2^-1 - 1; what lies beyond is not defined
            result(significand == TOP && negative ? 0x8000 | BIAS - 1 : signExponent, significand);
            arithmetic.exceptions |= PRECISION;
        } else if (!arithmetic.denormal(exponent, significand)) {
            x.setExtended(signExponent, significand);
            x.multiply(LN_2);
            exponentialMinusOne();
            finish(x);
        }
    }

    /** x becomes e^x - 1, by its series: x (1 + x/2 (1 + x/3 (...))). */
    private void exponentialMinusOne() {
        sum.set(ONE);
        for (int k = EXPONENTIAL_TERMS; k >= 2; k--) {
            sum.multiply(x);
            sum.divide(k);
            sum.add(ONE);
        }
        x.multiply(sum);
    }

    // ---- y log2(x)

    /** FYL2X: {@code y * log2(x)}. */
    public void yLog2X(int xSignExponent, long xSignificand, int ySignExponent, long ySignificand) {
        if (arithmetic.notNumbers(xSignExponent, xSignificand, ySignExponent, ySignificand)) {
            return;
        }
        int xExponent = xSignExponent & MAX_EXPONENT;
        int yExponent = ySignExponent & MAX_EXPONENT;
        boolean xNegative = (xSignExponent & 0x8000) != 0;
        boolean yNegative = (ySignExponent & 0x8000) != 0;
        boolean xOne = xSignExponent == BIAS && xSignificand == TOP;
        if (xNegative && xSignificand != 0
                || yExponent == MAX_EXPONENT && xOne
                || ySignificand == 0 && (xSignificand == 0 || xExponent == MAX_EXPONENT)) {
            arithmetic.invalid();
        } else if (xSignificand == 0 && yExponent != MAX_EXPONENT) {
            arithmetic.exceptions |= ZERO_DIVIDE;
            arithmetic.infinity(!yNegative);
        } else if (arithmetic.denormals(xExponent, xSignificand, yExponent, ySignificand)) {
            return;
        } else if (xExponent == MAX_EXPONENT || yExponent == MAX_EXPONENT) {
            boolean belowOne = xExponent < BIAS;
            arithmetic.infinity(yNegative != belowOne);
        } else if (ySignificand == 0 || xOne) {
            arithmetic.zero(yNegative != xExponent < BIAS);
        } else {
            x.setExtended(xSignExponent, xSignificand);
            int power = x.exponent;
            x.exponent = 0;
            // into the range from the square root of 1/2 to that of 2
            if (Long.compareUnsigned(x.high, 0xB504_F333_F9DE_6484L) > 0) {
                x.exponent = -1;
                power++;
            }
            if (x.exponent == 0 && x.high == TOP) {
                x.setInteger(power);
                y.setExtended(ySignExponent, ySignificand);
                x.multiply(y);
                finish(x);
                return;
            }
            // ln m = 2 artanh((m - 1) / (m + 1))
            term.set(ONE);
            term.negative = true;
            y.set(x);
            x.add(term);
            y.add(ONE);
            x.divide(y);
            twiceArtanh();
            x.multiply(LOG2_E);
            term.setInteger(power);
            x.add(term);
            y.setExtended(ySignExponent, ySignificand);
            x.multiply(y);
            finish(x);
        }
    }

    /** FYL2XP1: {@code y * log2(x + 1)}, for x between sqrt(1/2) - 1 and sqrt(2) - 1. */
    public void yLog2XPlusOne(int xSignExponent, long xSignificand, int ySignExponent, long ySignificand) {
        if (arithmetic.notNumbers(xSignExponent, xSignificand, ySignExponent, ySignificand)) {
            return;
        }
        int xExponent = xSignExponent & MAX_EXPONENT;
        int yExponent = ySignExponent & MAX_EXPONENT;
        boolean xNegative = (xSignExponent & 0x8000) != 0;
        boolean yNegative = (ySignExponent & 0x8000) != 0;
        if (xSignificand == 0 && yExponent == MAX_EXPONENT
                || xExponent == MAX_EXPONENT && (xNegative || ySignificand == 0)
                || xNegative && xExponent >= BIAS) {
            arithmetic.invalid();
        } else if (arithmetic.denormals(xExponent, xSignificand, yExponent, ySignificand)) {
            return;
        } else if (xExponent == MAX_EXPONENT || yExponent == MAX_EXPONENT) {
            arithmetic.infinity(xNegative != yNegative);
        } else if (xSignificand == 0 || ySignificand == 0) {
            arithmetic.zero(xNegative != yNegative);
        } else {
            // ln(1 + x) = 2 artanh(x / (2 + x)); it takes x to be small, as the instruction does
            x.setExtended(xSignExponent, xSignificand);
            y.setInteger(2);
            y.add(x);
            x.divide(y);
            twiceArtanh();
            x.multiply(LOG2_E);
            y.setExtended(ySignExponent, ySignificand);
            x.multiply(y);
            finish(x);
        }
    }

    /** x becomes 2 artanh(x), for magnitudes of up to 0.172: 2x (1 + x^2/3 + x^4/5 + ...). */
    private void twiceArtanh() {
        oddSeries(LOGARITHM_TERMS, false);
        x.exponent++;
    }

    /** x becomes x (1 +- x^2/3 + x^4/5 +- ...). */
    private void oddSeries(int terms, boolean alternating) {
        if (x.isZero()) {
            return;
        }
        square.set(x);
        square.multiply(x);
        square.negative = alternating;
        sum.setInteger(0);
        for (int k = terms; k >= 0; k--) {
            sum.multiply(square);
            term.set(ONE);
            term.divide(2 * k + 1);
            sum.add(term);
        }
        x.multiply(sum);
    }

    // ---- arctangent

    /** FPATAN: the angle of the point with abscissa x, ST(0), and ordinate y, ST(1). */
    public void arctangent(int xSignExponent, long xSignificand, int ySignExponent, long ySignificand) {
        if (arithmetic.notNumbers(xSignExponent, xSignificand, ySignExponent, ySignificand)) {
            return;
        }
        int xExponent = xSignExponent & MAX_EXPONENT;
        int yExponent = ySignExponent & MAX_EXPONENT;
        boolean left = (xSignExponent & 0x8000) != 0;
        boolean below = (ySignExponent & 0x8000) != 0;
        if (arithmetic.denormals(xExponent, xSignificand, yExponent, ySignificand)) {
            return;
        }
        boolean xInfinite = xExponent == MAX_EXPONENT;
        boolean yInfinite = yExponent == MAX_EXPONENT;
        if (ySignificand == 0 || xInfinite && !yInfinite) {
            if (left) {
                multipleOfQuarterPi(4, below);
            } else {
                arithmetic.zero(below);
            }
        } else if (xSignificand == 0 || yInfinite && !xInfinite) {
            multipleOfQuarterPi(2, below);
        } else if (xInfinite) {
            multipleOfQuarterPi(left ? 3 : 1, below);
        } else {
            x.setExtended(xSignExponent & MAX_EXPONENT, xSignificand);
            y.setExtended(ySignExponent & MAX_EXPONENT, ySignificand);
            boolean steep = y.exponent > x.exponent
                    || y.exponent == x.exponent && Long.compareUnsigned(y.high, x.high) > 0;
            if (steep) {
                x.divide(y);
            } else {
                y.divide(x);
                x.set(y);
            }
            arctangentOfFraction();
            // from the first eighth of the circle to where the point is
            if (steep) {
                x.negative = true;
                term.set(PI);
                term.exponent--;
                x.add(term);
            }
            if (left) {
                x.negative = true;
                x.add(PI);
            }
            x.negative = below;
            finish(x);
        }
    }

    private void multipleOfQuarterPi(int count, boolean negative) {
        x.set(PI);
        x.exponent -= 2;
        term.setInteger(count);
        x.multiply(term);
        x.negative = negative;
        finish(x);
    }

    /** x, from 0 to 1, becomes its arctangent: that of the nearest eighth and that of what is left. */
    private void arctangentOfFraction() {
        int eighths = x.exponent < -4 ? 0 : (int) (x.high >>> 59 - x.exponent) + 1 >> 1;
        if (eighths > 0) {
            // (x - c) / (1 + c x), with c = n/8
            term.setInteger(eighths);
            term.exponent -= 3;
            y.set(x);
            y.multiply(term);
            y.add(ONE);
            term.negative = true;
            x.add(term);
            x.divide(y);
        }
        oddSeries(ARCTANGENT_TERMS, true);
        x.add(ARCTANGENTS[eighths]);
    }

    // ---- sine, cosine, tangent

    /** FSIN. The caller has seen that the angle is not {@linkplain #outOfRange out of range}. */
    public void sine(int signExponent, long significand) {
        if (!beginAngle(signExponent, significand)) {
            return;
        }
        if (significand == 0) {
            result(signExponent, significand);
            return;
        }
        boolean negative = x.negative;
        sineOfQuadrant(quadrant);
        x.negative ^= negative;
        finish(x);
    }

    /** FCOS. */
    public void cosine(int signExponent, long significand) {
        if (!beginAngle(signExponent, significand)) {
            return;
        }
        if (significand == 0) {
            result(BIAS, TOP);
            return;
        }
        sineOfQuadrant(quadrant + 1);
        finish(x);
    }

    /** FPTAN's first result. */
    public void tangent(int signExponent, long significand) {
        if (!beginAngle(signExponent, significand)) {
            return;
        }
        if (significand == 0) {
            result(signExponent, significand);
            return;
        }
        boolean negative = x.negative;
        y.set(x);
        sineOfQuadrant(quadrant + 1);
        // the series uses all but x and y
        term.set(x);
        x.set(y);
        y.set(term);
        sineOfQuadrant(quadrant);
        x.negative ^= negative;
        x.divide(y);
        finish(x);
    }

    /** Raises what the angle raises and reduces it; returns whether there is something to compute. */
    private boolean beginAngle(int signExponent, long significand) {
        if (arithmetic.notNumber(signExponent, significand)) {
            return false;
        }
        int exponent = signExponent & MAX_EXPONENT;
        if (exponent == MAX_EXPONENT) {
            arithmetic.invalid();
            return false;
        }
        if (arithmetic.denormal(exponent, significand)) {
            return false;
        }
        x.setExtended(signExponent, significand);
        reduce();
        return true;
    }

    /**
     * Brings |x| to between 0 and a quarter of pi and its sign aside: afterwards the angle was
     * {@code quadrant * pi/2 + r}, where r is the magnitude left in x, or its negative, which {@code mirrored} tells.
     */
    private void reduce() {
        quadrant = 0;
        mirrored = false;
        if (x.exponent < -1) {
            return;
        }
        // the remainder of a division by half pi, bit by bit: exact, as both are integers
        long restHigh = x.high;
        long restLow = x.low;
        boolean carry = false;
        if (x.exponent < 0) {
            restLow = restHigh << 63 | restLow >>> 1;
            restHigh >>>= 1;
        }
        for (int i = Math.max(x.exponent, 0); i >= 0; i--) {
            quadrant = quadrant << 1 & 3;
            int order = Long.compareUnsigned(restHigh, HALF_PI_HIGH);
            if (carry || order > 0 || order == 0 && Long.compareUnsigned(restLow, HALF_PI_LOW) >= 0) {
                restHigh -= HALF_PI_HIGH + (Long.compareUnsigned(restLow, HALF_PI_LOW) < 0 ? 1 : 0);
                restLow -= HALF_PI_LOW;
                quadrant |= 1;
            }
            if (i > 0) {
                carry = restHigh < 0;
                restHigh = restHigh << 1 | restLow >>> 63;
                restLow <<= 1;
            }
        }
        // beyond a quarter of pi count back from the next quadrant
        if (Long.compareUnsigned(restHigh, HALF_PI_HIGH >>> 1) >= 0) {
            restHigh = HALF_PI_HIGH - restHigh - (Long.compareUnsigned(HALF_PI_LOW, restLow) < 0 ? 1 : 0);
            restLow = HALF_PI_LOW - restLow;
            quadrant = quadrant + 1 & 3;
            mirrored = true;
        }
        x.high = restHigh;
        x.low = restLow;
        x.exponent = 0;
        x.normalise();
    }

    /** x becomes the sine of {@code quarter} right angles more than the reduced angle; the sign of the angle aside. */
    private void sineOfQuadrant(int quarter) {
        x.negative = mirrored;
        if ((quarter & 1) == 0) {
            sineSeries();
        } else {
            cosineSeries();
        }
        if ((quarter & 2) != 0) {
            x.negative = !x.negative;
        }
    }

    /** x (1 - x^2/(2 3) (1 - x^2/(4 5) (...))). */
    private void sineSeries() {
        square.set(x);
        square.multiply(x);
        square.negative = true;
        sum.set(ONE);
        for (int k = SINE_TERMS; k >= 1; k--) {
            sum.multiply(square);
            sum.divide(2 * k * (2 * k + 1));
            sum.add(ONE);
        }
        x.multiply(sum);
    }

    /** 1 - x^2/(1 2) (1 - x^2/(3 4) (...)). */
    private void cosineSeries() {
        square.set(x);
        square.multiply(x);
        square.negative = true;
        sum.set(ONE);
        for (int k = SINE_TERMS; k >= 1; k--) {
            sum.multiply(square);
            sum.divide((2 * k - 1) * 2 * k);
            sum.add(ONE);
        }
        x.set(sum);
    }

    // ---- results

    private void result(int signExponent, long significand) {
        arithmetic.signExponent = signExponent & 0xFFFF;
        arithmetic.significand = significand;
    }

    /**
     * Rounds a value, which counts as inexact even where nothing shows behind 128 bits: sines and tangents of small angles, and
     * logarithms of powers of two. Processors do not look.
     */
    private void finish(Wide value) {
        finishExactly(value);
        if ((arithmetic.exceptions & PRECISION) == 0) {
            boolean denormal = arithmetic.significand >= 0;
            arithmetic.exceptions |= denormal ? PRECISION | UNDERFLOW : PRECISION;
        }
    }

    private void finishExactly(Wide value) {
        if (value.isZero()) {
            arithmetic.zero(value.negative);
            return;
        }
        arithmetic.sign = value.negative;
        arithmetic.exponent = value.exponent + BIAS;
        arithmetic.high = value.high;
        arithmetic.low = value.low;
        arithmetic.finish(64);
    }
}
