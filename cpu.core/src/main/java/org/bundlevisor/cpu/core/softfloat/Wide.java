package org.bundlevisor.cpu.core.softfloat;

/**
 * A mutable floating-point number with 128 bits of significand, for what is computed on the way to an extended result:
 * {@code high.low * 2^(exponent - 127)}, with the top bit of {@code high} set unless it is zero. Operations cut off; their error
 * is below 2^-124.
 */
final class Wide {
    boolean negative;

    /** Unbiased. */
    int exponent;

    long high;
    long low;

    Wide() {}

    Wide(int exponent, long high, long low) {
        this.exponent = exponent;
        this.high = high;
        this.low = low;
    }

    boolean isZero() {
        return (high | low) == 0;
    }

    void set(Wide other) {
        negative = other.negative;
        exponent = other.exponent;
        high = other.high;
        low = other.low;
    }

    /** Takes a positive integer. */
    void setInteger(int value) {
        negative = value < 0;
        int shift = Long.numberOfLeadingZeros(Math.abs((long) value));
        high = value == 0 ? 0 : Math.abs((long) value) << shift;
        low = 0;
        exponent = 63 - shift;
    }

    /** Takes a finite extended number; its integer bit may be clear. */
    void setExtended(int signExponent, long significand) {
        negative = (signExponent & 0x8000) != 0;
        high = significand;
        low = 0;
        exponent = Math.max(signExponent & 0x7FFF, 1) - Arithmetic.BIAS;
        normalise();
    }

    void normalise() {
        if (high == 0) {
            high = low;
            low = 0;
            exponent -= 64;
        }
        if (high == 0) {
            exponent = 0;
            return;
        }
        int shift = Long.numberOfLeadingZeros(high);
        if (shift != 0) {
            high = high << shift | low >>> -shift;
            low <<= shift;
            exponent -= shift;
        }
    }

    /** Becomes {@code this * other}. */
    void multiply(Wide other) {
        if (isZero() || other.isZero()) {
            high = 0;
            low = 0;
            return;
        }
        negative ^= other.negative;
        exponent += other.exponent + 1;
        long top = Math.unsignedMultiplyHigh(high, other.high);
        long middle = high * other.high;
        long first = Math.unsignedMultiplyHigh(high, other.low);
        long second = Math.unsignedMultiplyHigh(low, other.high);
        long sum = middle + first;
        top += Long.compareUnsigned(sum, first) < 0 ? 1 : 0;
        long total = sum + second;
        top += Long.compareUnsigned(total, second) < 0 ? 1 : 0;
        high = top;
        low = total;
        normalise();
    }

    /** Becomes {@code this + other}, which is another object. */
    void add(Wide other) {
        if (other.isZero()) {
            return;
        }
        if (isZero()) {
            set(other);
            return;
        }
        boolean otherLarger = exponent < other.exponent
                || exponent == other.exponent
                        && (Long.compareUnsigned(high, other.high) < 0
                                || high == other.high && Long.compareUnsigned(low, other.low) < 0);
        long aHigh = otherLarger ? other.high : high;
        long aLow = otherLarger ? other.low : low;
        long bHigh = otherLarger ? high : other.high;
        long bLow = otherLarger ? low : other.low;
        int shift = Math.abs(exponent - other.exponent);
        boolean same = negative == other.negative;
        if (otherLarger) {
            exponent = other.exponent;
            negative = other.negative;
        }
        if (shift >= 128) {
            bHigh = 0;
            bLow = 0;
        } else if (shift >= 64) {
            bLow = shift == 64 ? bHigh : bHigh >>> shift;
            bHigh = 0;
        } else if (shift > 0) {
            bLow = bHigh << -shift | bLow >>> shift;
            bHigh >>>= shift;
        }
        if (same) {
            low = aLow + bLow;
            long carry = Long.compareUnsigned(low, aLow) < 0 ? 1 : 0;
            high = aHigh + bHigh + carry;
            boolean over = carry != 0 ? Long.compareUnsigned(high, aHigh) <= 0 : Long.compareUnsigned(high, aHigh) < 0;
            if (over) {
                low = high << 63 | low >>> 1;
                high = high >>> 1 | Long.MIN_VALUE;
                exponent++;
            }
        } else {
            low = aLow - bLow;
            high = aHigh - bHigh - (Long.compareUnsigned(aLow, bLow) < 0 ? 1 : 0);
            normalise();
        }
    }

    /** Becomes {@code this / divisor}, for a divisor of 1 to 2^31 - 1. */
    void divide(int divisor) {
        // four digits of 32 bits, and two more so that no bit is lost when the quotient is normalised
        long first = Long.divideUnsigned(high, divisor);
        long remainder = high - first * divisor;
        long digits = remainder << 32 | low >>> 32;
        long second = Long.divideUnsigned(digits, divisor);
        remainder = digits - second * divisor;
        digits = remainder << 32 | low & 0xFFFF_FFFFL;
        long third = Long.divideUnsigned(digits, divisor);
        remainder = digits - third * divisor;
        long fourth = Long.divideUnsigned(remainder << 32, divisor);
        high = first;
        low = second << 32 | third;
        int shift = Long.numberOfLeadingZeros(high);
        if (high != 0 && shift != 0 && shift < 32) {
            high = high << shift | low >>> -shift;
            low = low << shift | fourth >>> 32 - shift;
            exponent -= shift;
        } else {
            normalise();
        }
    }

    /** Becomes {@code this / divisor}, which is not zero. */
    void divide(Wide divisor) {
        if (isZero()) {
            return;
        }
        negative ^= divisor.negative;
        exponent -= divisor.exponent;
        long restHigh = high;
        long restLow = low;
        long quotientHigh = 0;
        long quotientLow = 0;
        boolean carry = false;
        for (int i = 0; i < 128; i++) {
            quotientHigh = quotientHigh << 1 | quotientLow >>> 63;
            quotientLow <<= 1;
            int order = Long.compareUnsigned(restHigh, divisor.high);
            if (carry || order > 0 || order == 0 && Long.compareUnsigned(restLow, divisor.low) >= 0) {
                restHigh -= divisor.high + (Long.compareUnsigned(restLow, divisor.low) < 0 ? 1 : 0);
                restLow -= divisor.low;
                quotientLow |= 1;
            }
            carry = restHigh < 0;
            restHigh = restHigh << 1 | restLow >>> 63;
            restLow <<= 1;
        }
        high = quotientHigh;
        low = quotientLow;
        normalise();
    }
}
