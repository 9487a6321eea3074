package org.bundlevisor.cpu.core.softfloat;

import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.OVERFLOW;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.PRECISION;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.UNDERFLOW;

/**
 * What all formats share: operations on normalised significands, and rounding. A finite number other than zero is held as
 * {@code high.low * 2^(exponent - BIAS)}: a binary point after bit 63 of {@code high}, which is set; the last bit of {@code low}
 * stands for everything beyond it as well.
 */
abstract sealed class Arithmetic permits ExtendedArithmetic, SseArithmetic {

    /** The bias of the extended format, used for exponents of every format while they are unpacked. */
    static final int BIAS = 0x3FFF;

    static final long TOP = 1L << 63;

    /** The exceptions raised so far, as {@link ExceptionFlags} has them. */
    public int exceptions;

    boolean sign;
    int exponent;
    long high;
    long low;

    /** Set by rounding: the magnitude grew. */
    boolean roundedUp;

    /** Adds significands of one sign; the sign is already set. */
    final void addMagnitudes(int aExponent, long a, int bExponent, long b) {
        if (aExponent < bExponent) {
            addMagnitudes(bExponent, b, aExponent, a);
            return;
        }
        exponent = aExponent;
        high = b;
        low = 0;
        shiftRight(aExponent - bExponent);
        long sum = a + high;
        if (Long.compareUnsigned(sum, a) < 0) {
            low = sum << 63 | low >>> 1 | low & 1;
            sum = sum >>> 1 | TOP;
            exponent++;
        }
        high = sum;
    }

    /** Subtracts the smaller magnitude from the larger; {@code sign} is that of {@code a}. The two must differ. */
    final void subtractMagnitudes(int aExponent, long a, int bExponent, long b) {
        if (aExponent < bExponent || aExponent == bExponent && Long.compareUnsigned(a, b) < 0) {
            sign = !sign;
            subtractMagnitudes(bExponent, b, aExponent, a);
            return;
        }
        exponent = aExponent;
        high = b;
        low = 0;
        shiftRight(aExponent - bExponent);
        high = a - high - (low != 0 ? 1 : 0);
        low = -low;
        normalise();
    }

    final void multiplyMagnitudes(int aExponent, long a, int bExponent, long b) {
        exponent = aExponent + bExponent - BIAS + 1;
        high = Math.unsignedMultiplyHigh(a, b);
        low = a * b;
        normalise();
    }

    final void divideMagnitudes(int aExponent, long a, int bExponent, long b) {
        exponent = aExponent - bExponent + BIAS;
        long dividendHigh = a;
        long dividendLow = 0;
        if (Long.compareUnsigned(a, b) >= 0) {
            dividendHigh = a >>> 1;
            dividendLow = a << 63;
        } else {
            exponent--;
        }
        high = divide(dividendHigh, dividendLow, b);
        long remainder = dividendLow - high * b;
        low = 0;
        if (remainder != 0) {
            // twice the remainder against the divisor tells on which side of one half the rest lies
            int half = remainder < 0 ? 1 : Long.compareUnsigned(remainder << 1, b);
            low = half < 0 ? 1 : half == 0 ? TOP : TOP | 1;
        }
    }

    final void squareRootOfMagnitude(int aExponent, long a) {
        int unbiased = aExponent - BIAS;
        exponent = (unbiased >> 1) + BIAS;
        // the radicand, a 128-bit integer whose root has 64 bits: a * 2^63, or a * 2^64 for an odd exponent
        long radicandHigh = (unbiased & 1) == 0 ? a >>> 1 : a;
        long radicandLow = (unbiased & 1) == 0 ? a << 63 : 0;
        // digit by digit: two bits of the radicand for one of the root; the remainder never exceeds twice the root
        long root = 0;
        long remainderHigh = 0;
        long remainder = 0;
        for (int i = 0; i < 64; i++) {
            remainderHigh = remainderHigh << 2 | remainder >>> 62;
            remainder = remainder << 2 | radicandHigh >>> 62;
            radicandHigh = radicandHigh << 2 | radicandLow >>> 62;
            radicandLow <<= 2;
            long trialHigh = root >>> 62;
            long trial = root << 2 | 1;
            root <<= 1;
            if (remainderHigh > trialHigh
                    || remainderHigh == trialHigh && Long.compareUnsigned(remainder, trial) >= 0) {
                remainderHigh -= trialHigh + (Long.compareUnsigned(remainder, trial) < 0 ? 1 : 0);
                remainder -= trial;
                root |= 1;
            }
        }
        high = root;
        // what is left is more than half a unit exactly when it exceeds the root; it is never just half
        boolean aboveHalf = remainderHigh != 0 || Long.compareUnsigned(remainder, root) > 0;
        low = (remainderHigh | remainder) == 0 ? 0 : aboveHalf ? TOP | 1 : 1;
    }

    /** Divides 128 bits by 64; the divisor's top bit is set and the quotient fits into 64 bits. */
    static long divide(long dividendHigh, long dividendLow, long divisor) {
        // Knuth, The Art of Computer Programming vol. 2, algorithm D, with digits of 32 bits
        long divisorHigh = divisor >>> 32;
        long divisorLow = divisor & 0xFFFF_FFFFL;
        long first = digit(dividendHigh, dividendLow >>> 32, divisorHigh, divisorLow);
        long rest = (dividendHigh << 32 | dividendLow >>> 32) - first * divisor;
        long second = digit(rest, dividendLow & 0xFFFF_FFFFL, divisorHigh, divisorLow);
        return first << 32 | second;
    }

    private static long digit(long high, long next, long divisorHigh, long divisorLow) {
        long quotient = Long.divideUnsigned(high, divisorHigh);
        long remainder = high - quotient * divisorHigh;
        while (quotient >>> 32 != 0 || Long.compareUnsigned(quotient * divisorLow, remainder << 32 | next) > 0) {
            quotient--;
            remainder += divisorHigh;
            if (remainder >>> 32 != 0) {
                break;
            }
        }
        return quotient;
    }

    final void normalise() {
        if (high == 0) {
            high = low;
            low = 0;
            exponent -= 64;
        }
        int shift = Long.numberOfLeadingZeros(high);
        if (shift != 0) {
            high = high << shift | low >>> -shift;
            low <<= shift;
            exponent -= shift;
        }
    }

    /** Shifts right; what falls off is kept as the last bit. */
    final void shiftRight(int count) {
        if (count == 0) {
            return;
        }
        if (count < 64) {
            long lost = low << -count;
            low = high << -count | low >>> count | (lost != 0 ? 1 : 0);
            high >>>= count;
        } else if (count < 128) {
            long lost = count == 64 ? low : high << -count | low;
            low = count == 64 ? high : high >>> count;
            low |= lost != 0 ? 1 : 0;
            high = 0;
        } else {
            low = (high | low) != 0 ? 1 : 0;
            high = 0;
        }
    }

    /** Rounds to {@code precision} bits counted from bit 63 of {@code high}; returns whether the result is inexact. */
    final boolean roundSignificand(int precision, int rounding) {
        int dropped = 64 - precision;
        long mask = (1L << dropped) - 1;
        boolean half;
        boolean beyond;
        if (dropped == 0) {
            half = low < 0;
            beyond = low << 1 != 0;
        } else {
            long halfBit = 1L << dropped - 1;
            half = (high & halfBit) != 0;
            beyond = (high & halfBit - 1 | low) != 0;
        }
        high &= ~mask;
        low = 0;
        roundedUp = false;
        if (!half && !beyond) {
            return false;
        }
        roundedUp = switch (rounding) {
            case Rounding.NEAREST -> half && (beyond || (high >>> dropped & 1) != 0);
            case Rounding.DOWN -> sign;
            case Rounding.UP -> !sign;
            default -> false;
        };
        if (roundedUp) {
            long before = high;
            high += 1L << dropped;
            if (before < 0 && high >= 0) {
                high = TOP;
                exponent++;
            }
        }
        return true;
    }

    /** Whether rounding to {@code precision} bits carries into the next power of two, so that a number just below it is not tiny. */
    final boolean roundsToNextPower(int precision, int rounding) {
        long ones = precision == 64 ? -1 : -1L << 64 - precision;
        if ((high & ones) != ones) {
            return false;
        }
        return switch (rounding) {
            case Rounding.NEAREST -> precision == 64 ? low < 0 : (high & 1L << 63 - precision) != 0;
            case Rounding.DOWN -> sign && (high & ~ones | low) != 0;
            case Rounding.UP -> !sign && (high & ~ones | low) != 0;
            default -> false;
        };
    }

    /**
     * Rounds the unpacked number into a format and raises overflow, underflow and precision exceptions. Afterwards an exponent
     * above {@code largest} means infinity (the largest finite number has been put there where the rounding mode asks for it),
     * and {@code high} with bit 63 clear a denormal, whose exponent is {@code smallest}. Tininess is found after rounding.
     *
     * @param smallest the exponent of the smallest normal number
     * @param largest the exponent of the largest finite number
     * @param masks which exceptions are masked
     * @param scale what is added to or taken from the exponent on unmasked underflow or overflow (SDM vol. 1, 4.9.1.4 and 4.9.1.5)
     */
    final void round(int precision, int rounding, int smallest, int largest, int masks, int scale) {
        boolean tiny = exponent < smallest && (exponent < smallest - 1 || !roundsToNextPower(precision, rounding));
        if (tiny && (masks & UNDERFLOW) == 0) {
            exceptions |= UNDERFLOW;
            exponent += scale;
            tiny = false;
        } else if (exponent < smallest) {
            shiftRight(smallest - exponent);
            exponent = smallest;
        }
        if (roundSignificand(precision, rounding)) {
            exceptions |= tiny ? PRECISION | UNDERFLOW : PRECISION;
        }
        if (exponent > largest) {
            exceptions |= OVERFLOW;
            if ((masks & OVERFLOW) == 0) {
                exponent -= scale;
                return;
            }
            exceptions |= PRECISION;
            boolean infinite = switch (rounding) {
                case Rounding.NEAREST -> true;
                case Rounding.DOWN -> sign;
                case Rounding.UP -> !sign;
                default -> false;
            };
            roundedUp = infinite;
            if (infinite) {
                high = TOP;
                exponent = largest + 1;
            } else {
                high = -1L << 64 - precision;
                exponent = largest;
            }
        }
    }
}
