package org.bundlevisor.cpu.core.softfloat;

import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.DENORMAL;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.INVALID;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.OVERFLOW;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.PRECISION;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.UNDERFLOW;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.ZERO_DIVIDE;

/**
 * The arithmetic of the x87 unit: double extended precision. An operand is two numbers, sign and exponent in the low 16 bits of
 * an {@code int}, and the significand with its explicit integer bit. Every operation clears {@link #exceptions}, then leaves
 * its result in {@link #signExponent} and {@link #significand}, or returns it.
 *
 * <p>Where all exceptions that were raised are masked, the result is the masked response. On unmasked overflow and underflow it is
 * the scaled one (SDM vol. 1, 8.5.4 and 8.5.5); on an unmasked invalid operation, denormal operand or zero divide the
 * destination must be left alone, and so must memory on any unmasked exception but precision.
 */
public final class ExtendedArithmetic extends Arithmetic {

    /** The real indefinite, a quiet not-a-number. */
    public static final int INDEFINITE_SIGN_EXPONENT = 0xFFFF;

    public static final long INDEFINITE_SIGNIFICAND = 0xC000_0000_0000_0000L;

    /** How two numbers stand to each other. */
    public static final int LESS = -1;

    public static final int EQUAL = 0;
    public static final int GREATER = 1;
    public static final int UNORDERED = 2;

    private static final int MAX_EXPONENT = 0x7FFF;
    private static final long QUIET = 1L << 62;
    private static final int SCALE = 0x6000;

    /** Sign in bit 15, biased exponent in bits 14 to 0 of the last result. */
    public int signExponent;

    /** Significand of the last result. */
    public long significand;

    /** The quotient's low bits after {@link #partialRemainder}: all of them when the remainder is complete. */
    public long quotient;

    /** What {@link #loadSingle} and {@link #loadDouble} leave: an operand for the next operation. */
    public int operandSignExponent;

    public long operandSignificand;

    /** The operand was a denormal in its own format, which the extended one no longer shows: as loaded, and as an operation sees it. */
    private boolean loadedDenormal;

    private boolean operandDenormal;

    private int control = 0x37F;
    private int precision = 64;

    /** Takes masks, precision control and rounding control from the FPU control word. */
    public void setControl(int fcw) {
        control = fcw;
        precision = switch (fcw >> 8 & 3) {
            case 0 -> 24;
            case 2 -> 53;
            default -> 64;
        };
    }

    /** C1 after an operation that rounds: the last result's magnitude was rounded up. */
    public boolean roundedUp() {
        return roundedUp;
    }

    int rounding() {
        return control >> 10 & 3;
    }

    private boolean unmasked(int exception) {
        return (control & exception) == 0;
    }

    // ---- the four operations and the square root

    public void add(int aSignExponent, long a, int bSignExponent, long b) {
        addSigned(aSignExponent, a, bSignExponent, b, 0);
    }

    /** Subtracts {@code b} from {@code a}. */
    public void subtract(int aSignExponent, long a, int bSignExponent, long b) {
        addSigned(aSignExponent, a, bSignExponent, b, 0x8000);
    }

    private void addSigned(int aSignExponent, long a, int bSignExponent, long b, int flip) {
        if (notNumbers(aSignExponent, a, bSignExponent, b)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        boolean aSign = (aSignExponent & 0x8000) != 0;
        boolean bSign = ((bSignExponent ^ flip) & 0x8000) != 0;
        if (aExponent == MAX_EXPONENT && bExponent == MAX_EXPONENT && aSign != bSign) {
            invalid();
            return;
        }
        if (denormals(aExponent, a, bExponent, b)) {
            return;
        }
        if (aExponent == MAX_EXPONENT) {
            infinity(aSign);
            return;
        }
        if (bExponent == MAX_EXPONENT) {
            infinity(bSign);
            return;
        }
        if (a == 0 && b == 0) {
            zero(aSign == bSign ? aSign : rounding() == Rounding.DOWN);
            return;
        }
        int aShift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        int bShift = bExponent == 0 ? Long.numberOfLeadingZeros(b) : 0;
        a <<= aShift;
        b <<= bShift;
        aExponent = aExponent == 0 ? 1 - aShift : aExponent;
        bExponent = bExponent == 0 ? 1 - bShift : bExponent;
        sign = aSign;
        if (b == 0) {
            unpacked(aExponent, a);
        } else if (a == 0) {
            sign = bSign;
            unpacked(bExponent, b);
        } else if (aSign == bSign) {
            addMagnitudes(aExponent, a, bExponent, b);
        } else if (aExponent == bExponent && a == b) {
            zero(rounding() == Rounding.DOWN);
            return;
        } else {
            subtractMagnitudes(aExponent, a, bExponent, b);
        }
        finish(precision);
    }

    public void multiply(int aSignExponent, long a, int bSignExponent, long b) {
        if (notNumbers(aSignExponent, a, bSignExponent, b)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        boolean infinite = aExponent == MAX_EXPONENT || bExponent == MAX_EXPONENT;
        if (infinite && (a == 0 || b == 0)) {
            invalid();
            return;
        }
        if (denormals(aExponent, a, bExponent, b)) {
            return;
        }
        sign = ((aSignExponent ^ bSignExponent) & 0x8000) != 0;
        if (infinite) {
            infinity(sign);
            return;
        }
        if (a == 0 || b == 0) {
            zero(sign);
            return;
        }
        int aShift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        int bShift = bExponent == 0 ? Long.numberOfLeadingZeros(b) : 0;
        multiplyMagnitudes(
                aExponent == 0 ? 1 - aShift : aExponent,
                a << aShift,
                bExponent == 0 ? 1 - bShift : bExponent,
                b << bShift);
        finish(precision);
    }

    /** Divides {@code a} by {@code b}. */
    public void divide(int aSignExponent, long a, int bSignExponent, long b) {
        if (notNumbers(aSignExponent, a, bSignExponent, b)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        sign = ((aSignExponent ^ bSignExponent) & 0x8000) != 0;
        boolean bothInfinite = aExponent == MAX_EXPONENT && bExponent == MAX_EXPONENT;
        if (bothInfinite || a == 0 && b == 0) {
            invalid();
            return;
        }
        if (b == 0 && aExponent != MAX_EXPONENT) {
            exceptions |= ZERO_DIVIDE;
            infinity(sign);
            return;
        }
        if (denormals(aExponent, a, bExponent, b)) {
            return;
        }
        if (aExponent == MAX_EXPONENT) {
            infinity(sign);
            return;
        }
        if (a == 0 || bExponent == MAX_EXPONENT) {
            zero(sign);
            return;
        }
        int aShift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        int bShift = bExponent == 0 ? Long.numberOfLeadingZeros(b) : 0;
        divideMagnitudes(
                aExponent == 0 ? 1 - aShift : aExponent,
                a << aShift,
                bExponent == 0 ? 1 - bShift : bExponent,
                b << bShift);
        finish(precision);
    }

    public void squareRoot(int aSignExponent, long a) {
        if (notNumber(aSignExponent, a)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        sign = (aSignExponent & 0x8000) != 0;
        if (a == 0) {
            zero(sign);
            return;
        }
        if (sign) {
            invalid();
            return;
        }
        if (denormal(aExponent, a)) {
            return;
        }
        if (aExponent == MAX_EXPONENT) {
            infinity(false);
            return;
        }
        int shift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        squareRootOfMagnitude(aExponent == 0 ? 1 - shift : aExponent, a << shift);
        finish(precision);
    }

    // ---- remainder, rounding to integer, scaling

    /**
     * One step of FPREM or FPREM1: the remainder of {@code a} divided by {@code b}. Returns whether it is complete; if not, the
     * exponent has been brought down by up to 63 and the operation wants to be repeated (C2 is set).
     *
     * @param nearest whether the quotient is rounded to the nearest integer (FPREM1), not toward zero (FPREM)
     */
    public boolean partialRemainder(int aSignExponent, long a, int bSignExponent, long b, boolean nearest) {
        quotient = 0;
        if (notNumbers(aSignExponent, a, bSignExponent, b)) {
            return true;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        if (aExponent == MAX_EXPONENT || b == 0) {
            invalid();
            return true;
        }
        if (denormals(aExponent, a, bExponent, b)) {
            return true;
        }
        sign = (aSignExponent & 0x8000) != 0;
        if (a == 0) {
            zero(sign);
            return true;
        }
        if (bExponent == MAX_EXPONENT) {
            unchanged(aSignExponent, a);
            return true;
        }
        int aShift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        a <<= aShift;
        aExponent = aExponent == 0 ? 1 - aShift : aExponent;
        int bShift = bExponent == 0 ? Long.numberOfLeadingZeros(b) : 0;
        b <<= bShift;
        bExponent = bExponent == 0 ? 1 - bShift : bExponent;
        int difference = aExponent - bExponent;
        if (difference < -1 || difference < 0 && !nearest) {
            unpacked(aExponent, a);
            finish(64);
            return true;
        }
        // how far an incomplete step goes is the processor's choice between 32 and 63 (SDM vol. 2A, FPREM)
        boolean complete = difference < 64;
        int steps = complete ? difference : difference & 31 | 32;
        long remainder = a;
        if (difference < 0) {
            // only half a divisor matters: a is below b here
            exponent = bExponent - 1;
        } else {
            exponent = bExponent + difference - steps;
            long bits = 0;
            boolean carry = false;
            for (int i = 0;; i++) {
                bits <<= 1;
                if (carry || Long.compareUnsigned(remainder, b) >= 0) {
                    remainder -= b;
                    bits |= 1;
                }
                if (i == steps) {
                    break;
                }
                carry = remainder < 0;
                remainder <<= 1;
            }
            quotient = complete ? bits : 0;
        }
        if (nearest && complete) {
            // a remainder of more than half the divisor, or of half and an odd quotient, is for the next integer
            int half;
            if (difference < 0) {
                half = Long.compareUnsigned(remainder, b);
            } else {
                half = remainder < 0 ? 1 : Long.compareUnsigned(remainder << 1, b);
            }
            if (half > 0 || half == 0 && (quotient & 1) != 0) {
                quotient++;
                sign = !sign;
                if (difference < 0) {
                    // 2b - a in units of the smaller exponent: at least b's half, so that 64 bits hold it
                    remainder = (b << 1) - remainder;
                } else {
                    remainder = b - remainder;
                }
            }
        }
        if (remainder == 0) {
            zero((aSignExponent & 0x8000) != 0);
            return complete;
        }
        high = remainder;
        low = 0;
        normalise();
        finish(64);
        return complete;
    }

    /** Rounds to an integer by the rounding control (FRNDINT). */
    public void roundToInteger(int aSignExponent, long a) {
        if (notNumber(aSignExponent, a)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        sign = (aSignExponent & 0x8000) != 0;
        if (a == 0 || aExponent >= BIAS + 63) {
            signExponent = aSignExponent & 0xFFFF;
            significand = a;
            return;
        }
        if (denormal(aExponent, a)) {
            return;
        }
        if (roundMagnitude(aExponent, a, rounding())) {
            exceptions |= PRECISION;
        }
        if (high == 0) {
            zero(sign);
            return;
        }
        exponent = BIAS + 63;
        normalise();
        signExponent = exponent | (sign ? 0x8000 : 0);
        significand = high;
    }

    /** Multiplies {@code a} by two to the power of {@code b} truncated (FSCALE). */
    public void scale(int aSignExponent, long a, int bSignExponent, long b) {
        if (notNumbers(aSignExponent, a, bSignExponent, b)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        sign = (aSignExponent & 0x8000) != 0;
        boolean down = (bSignExponent & 0x8000) != 0;
        if (bExponent == MAX_EXPONENT && (down ? aExponent == MAX_EXPONENT : a == 0)) {
            invalid();
            return;
        }
        if (denormals(aExponent, a, bExponent, b)) {
            return;
        }
        if (aExponent == MAX_EXPONENT) {
            infinity(sign);
            return;
        }
        if (a == 0) {
            zero(sign);
            return;
        }
        if (b == 0) {
            unchanged(aSignExponent, a);
            return;
        }
        if (bExponent == MAX_EXPONENT) {
            if (down) {
                zero(sign);
            } else {
                infinity(sign);
            }
            return;
        }
        int shift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        int magnitude = bExponent < BIAS ? 0 : bExponent > BIAS + 16 ? 0x1_0000 : (int) (b >>> BIAS + 63 - bExponent);
        unpacked((aExponent == 0 ? 1 - shift : aExponent) + (down ? -magnitude : magnitude), a << shift);
        // beyond what the scaled response can hold even the unmasked one is zero or infinity (SDM vol. 1, 8.5.4 and 8.5.5)
        if (exponent > MAX_EXPONENT - 1 + SCALE && unmasked(OVERFLOW)) {
            exceptions |= OVERFLOW | PRECISION;
            roundedUp = true;
            infinity(sign);
        } else if (exponent < 1 - SCALE && unmasked(UNDERFLOW)) {
            exceptions |= UNDERFLOW | PRECISION;
            zero(sign);
        } else {
            finish(64);
        }
    }

    /** The exponent of {@code a}, as a number (the first result of FXTRACT). */
    public void extractExponent(int aSignExponent, long a) {
        if (notNumber(aSignExponent, a)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        if (aExponent == MAX_EXPONENT) {
            infinity(false);
        } else if (a == 0) {
            exceptions |= ZERO_DIVIDE;
            infinity(true);
        } else if (!denormal(aExponent, a)) {
            int shift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
            fromInteger((aExponent == 0 ? 1 - shift : aExponent) - BIAS);
            exceptions = aExponent == 0 ? DENORMAL : 0;
        }
    }

    /** The significand of {@code a} with the exponent of one (the second result of FXTRACT); raises what the first one does. */
    public void extractSignificand(int aSignExponent, long a) {
        if (notNumber(aSignExponent, a)) {
            return;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        signExponent = aSignExponent & 0xFFFF;
        significand = a;
        if (a == 0) {
            exceptions |= ZERO_DIVIDE;
        } else if (aExponent != MAX_EXPONENT && !denormal(aExponent, a)) {
            signExponent = aSignExponent & 0x8000 | BIAS;
            significand = a << Long.numberOfLeadingZeros(a);
        }
    }

    // ---- comparison

    /**
     * Compares: {@link #LESS} when {@code a} is below {@code b}, {@link #EQUAL}, {@link #GREATER} or {@link #UNORDERED}.
     *
     * @param quiet whether a quiet not-a-number is no invalid operation (FUCOM)
     */
    public int compare(int aSignExponent, long a, int bSignExponent, long b, boolean quiet) {
        begin();
        if (unsupported(aSignExponent, a) || unsupported(bSignExponent, b)) {
            exceptions = INVALID;
            return UNORDERED;
        }
        boolean aNan = nan(aSignExponent, a);
        boolean bNan = nan(bSignExponent, b);
        if (aNan || bNan) {
            if (!quiet || aNan && (a & QUIET) == 0 || bNan && (b & QUIET) == 0) {
                exceptions = INVALID;
            }
            return UNORDERED;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        int bExponent = bSignExponent & MAX_EXPONENT;
        denormals(aExponent, a, bExponent, b);
        if (a == 0 && b == 0) {
            return EQUAL;
        }
        boolean aSign = (aSignExponent & 0x8000) != 0;
        boolean bSign = (bSignExponent & 0x8000) != 0;
        if (aSign != bSign) {
            return aSign ? LESS : GREATER;
        }
        // a pseudo-denormal has the value of the normal number with exponent 1
        int order = Integer.compare(Math.max(aExponent, 1), Math.max(bExponent, 1));
        if (order == 0) {
            order = Long.compareUnsigned(a, b);
        }
        return order == 0 ? EQUAL : order < 0 == aSign ? GREATER : LESS;
    }

    // ---- conversions

    /** An integer as a number: always exact. */
    public void fromInteger(long value) {
        exceptions = 0;
        roundedUp = false;
        if (value == 0) {
            zero(false);
            return;
        }
        long magnitude = Math.abs(value);
        int shift = Long.numberOfLeadingZeros(magnitude);
        signExponent = BIAS + 63 - shift | (value < 0 ? 0x8000 : 0);
        significand = magnitude << shift;
    }

    /**
     * A number as an integer of 16, 32 or 64 bits, sign-extended; the integer indefinite when it does not fit.
     *
     * @param truncate whether to round toward zero (FISTTP), not by the rounding control
     */
    public long toInteger(int aSignExponent, long a, int bits, boolean truncate) {
        exceptions = 0;
        roundedUp = false;
        long indefinite = -1L << bits - 1;
        int aExponent = aSignExponent & MAX_EXPONENT;
        sign = (aSignExponent & 0x8000) != 0;
        if (aExponent > BIAS + 63 || unsupported(aSignExponent, a)) {
            exceptions = INVALID;
            return indefinite;
        }
        if (a == 0) {
            return 0;
        }
        boolean inexact = roundMagnitude(aExponent, a, truncate ? Rounding.TOWARD_ZERO : rounding());
        long limit = 1L << bits - 1;
        if (Long.compareUnsigned(high, sign ? limit : limit - 1) > 0) {
            exceptions = INVALID;
            roundedUp = false;
            return indefinite;
        }
        if (inexact) {
            exceptions = PRECISION;
        }
        return sign ? -high : high;
    }

    /**
     * Rounds to a packed decimal of 18 digits: the low 16 of them are left in {@link #significand}, the other two and the sign in
     * {@link #signExponent}; the packed decimal indefinite when it does not fit.
     */
    public void toDecimal(int aSignExponent, long a) {
        long value = toInteger(aSignExponent, a, 64, false);
        long magnitude = Math.abs(value);
        if ((exceptions & INVALID) != 0 || Long.compareUnsigned(magnitude, 999_999_999_999_999_999L) > 0) {
            exceptions = INVALID;
            roundedUp = false;
            signExponent = 0xFFFF;
            significand = 0xC000_0000_0000_0000L;
            return;
        }
        significand = 0;
        for (int i = 0; i < 16; i++) {
            significand |= magnitude % 10 << 4 * i;
            magnitude /= 10;
        }
        signExponent = (int) (magnitude % 10 | magnitude / 10 << 4) | (aSignExponent & 0x8000);
    }

    /** A packed decimal as a number: its low 16 digits, and the sign with the high two. */
    public void fromDecimal(long digits, int signAndDigits) {
        long value = (signAndDigits >> 4 & 15) * 10L + (signAndDigits & 15);
        for (int i = 15; i >= 0; i--) {
            value = value * 10 + (digits >>> 4 * i & 15);
        }
        fromInteger(value);
        signExponent |= signAndDigits & 0x8000;
    }

    /** Takes single precision from memory as an operand of the next operation, which finds what is exceptional about it. */
    public void loadSingle(int bits) {
        fromSingle(bits);
        takeOperand((exceptions & INVALID) != 0);
    }

    /** Takes double precision from memory as an operand of the next operation. */
    public void loadDouble(long bits) {
        fromDouble(bits);
        takeOperand((exceptions & INVALID) != 0);
    }

    /** Takes an integer from memory as an operand of the next operation. */
    public void loadInteger(long value) {
        fromInteger(value);
        takeOperand(false);
    }

    private void takeOperand(boolean signalling) {
        operandSignExponent = signExponent;
        operandSignificand = signalling ? significand & ~QUIET : significand;
        loadedDenormal = (exceptions & DENORMAL) != 0;
    }

    /** Single precision as a number. */
    public void fromSingle(int bits) {
        begin();
        int aExponent = bits >>> 23 & 0xFF;
        long fraction = (bits & 0x7F_FFFFL) << 40;
        widen(bits < 0, aExponent, 0xFF, fraction, BIAS - 127);
    }

    /** Double precision as a number. */
    public void fromDouble(long bits) {
        begin();
        int aExponent = (int) (bits >>> 52) & 0x7FF;
        long fraction = (bits & 0xF_FFFF_FFFF_FFFFL) << 11;
        widen(bits < 0, aExponent, 0x7FF, fraction, BIAS - 1023);
    }

    private void widen(boolean aSign, int aExponent, int max, long fraction, int offset) {
        int signBit = aSign ? 0x8000 : 0;
        if (aExponent == max) {
            signExponent = signBit | MAX_EXPONENT;
            significand = TOP | fraction;
            if (fraction != 0 && (fraction & QUIET) == 0) {
                exceptions = INVALID;
                significand |= QUIET;
            }
        } else if (aExponent != 0) {
            signExponent = signBit | aExponent + offset;
            significand = TOP | fraction;
        } else if (fraction == 0) {
            zero(aSign);
        } else {
            exceptions = DENORMAL;
            int shift = Long.numberOfLeadingZeros(fraction);
            signExponent = signBit | 1 - shift + offset;
            significand = fraction << shift;
        }
    }

    /** A number as single precision. */
    public int toSingle(int aSignExponent, long a) {
        return (int) narrow(aSignExponent, a, 24, 8);
    }

    /** A number as double precision. */
    public long toDouble(int aSignExponent, long a) {
        return narrow(aSignExponent, a, 53, 11);
    }

    private long narrow(int aSignExponent, long a, int bits, int exponentBits) {
        begin();
        long max = (1L << exponentBits) - 1;
        long signBit = (aSignExponent & 0x8000L) << bits + exponentBits - 16;
        if (unsupported(aSignExponent, a)) {
            exceptions = INVALID;
            return 1L << bits + exponentBits - 1 | max << bits - 1 | 1L << bits - 2;
        }
        int aExponent = aSignExponent & MAX_EXPONENT;
        if (aExponent == MAX_EXPONENT) {
            long fraction = a << 1 >>> 65 - bits;
            if (a << 1 != 0) {
                exceptions = (a & QUIET) == 0 ? INVALID : 0;
                fraction |= 1L << bits - 2;
            }
            return signBit | max << bits - 1 | fraction;
        }
        if (a == 0) {
            return signBit;
        }
        int shift = aExponent == 0 ? Long.numberOfLeadingZeros(a) : 0;
        unpacked(aExponent == 0 ? 1 - shift : aExponent, a << shift);
        sign = signBit != 0;
        int offset = BIAS - (int) (max >> 1);
        round(bits, rounding(), offset + 1, offset + (int) max - 1, control, 0);
        int unstored = exceptions & ~control & (OVERFLOW | UNDERFLOW);
        if (unstored != 0) {
            // nothing is stored, so that nothing is inexact
            exceptions = unstored;
            roundedUp = false;
        }
        long field = high >= 0 ? 0 : exponent - offset;
        return signBit | field << bits - 1 | high << 1 >>> 65 - bits;
    }

    // ---- common parts

    private void begin() {
        operandDenormal = loadedDenormal;
        loadedDenormal = false;
        exceptions = 0;
        roundedUp = false;
    }

    private void unpacked(int newExponent, long newSignificand) {
        exponent = newExponent;
        high = newSignificand;
        low = 0;
    }

    /** Rounds what is unpacked and packs it. */
    void finish(int bits) {
        round(bits, rounding(), 1, MAX_EXPONENT - 1, control, SCALE);
        signExponent = (high < 0 ? exponent : 0) | (sign ? 0x8000 : 0);
        significand = high;
    }

    /** Returns a finite operand as it is, which is never tiny; a pseudo-denormal becomes the normal number it stands for. */
    private void unchanged(int aSignExponent, long a) {
        boolean pseudoDenormal = (aSignExponent & MAX_EXPONENT) == 0 && a < 0;
        signExponent = aSignExponent & 0xFFFF | (pseudoDenormal ? 1 : 0);
        significand = a;
    }

    void zero(boolean negative) {
        signExponent = negative ? 0x8000 : 0;
        significand = 0;
    }

    void infinity(boolean negative) {
        signExponent = negative ? 0xFFFF : 0x7FFF;
        significand = TOP;
    }

    void invalid() {
        exceptions |= INVALID;
        signExponent = INDEFINITE_SIGN_EXPONENT;
        significand = INDEFINITE_SIGNIFICAND;
    }

    /** Unnormals and pseudo-infinities and pseudo-not-a-numbers (SDM vol. 1, 8.2.2). */
    static boolean unsupported(int aSignExponent, long a) {
        return a >= 0 && (aSignExponent & MAX_EXPONENT) != 0;
    }

    static boolean nan(int aSignExponent, long a) {
        return (aSignExponent & MAX_EXPONENT) == MAX_EXPONENT && a << 1 != 0;
    }

    /** Raises denormal operand; returns whether that ends the operation. */
    boolean denormal(int aExponent, long a) {
        if (aExponent == 0 && a != 0) {
            exceptions |= DENORMAL;
            return unmasked(DENORMAL);
        }
        return false;
    }

    boolean denormals(int aExponent, long a, int bExponent, long b) {
        if (operandDenormal) {
            exceptions |= DENORMAL;
        }
        denormal(aExponent, a);
        denormal(bExponent, b);
        return (exceptions & DENORMAL) != 0 && unmasked(DENORMAL);
    }

    /** Begins an operation with one operand; returns whether that was none to compute with, and the result is there. */
    boolean notNumber(int aSignExponent, long a) {
        begin();
        if (unsupported(aSignExponent, a)) {
            invalid();
            return true;
        }
        if (!nan(aSignExponent, a)) {
            return false;
        }
        if ((a & QUIET) == 0) {
            exceptions = INVALID;
        }
        signExponent = aSignExponent & 0xFFFF;
        significand = a | QUIET;
        return true;
    }

    /** The same with two operands; of two not-a-numbers one is chosen as SDM vol. 1, table 4-7 has it for the x87 unit. */
    boolean notNumbers(int aSignExponent, long a, int bSignExponent, long b) {
        begin();
        if (unsupported(aSignExponent, a) || unsupported(bSignExponent, b)) {
            invalid();
            return true;
        }
        boolean aNan = nan(aSignExponent, a);
        boolean bNan = nan(bSignExponent, b);
        if (!aNan && !bNan) {
            return false;
        }
        boolean aSignalling = aNan && (a & QUIET) == 0;
        boolean bSignalling = bNan && (b & QUIET) == 0;
        if (aSignalling || bSignalling) {
            exceptions = INVALID;
        }
        boolean chooseA;
        if (!aNan || !bNan) {
            chooseA = aNan;
        } else if (aSignalling != bSignalling) {
            chooseA = bSignalling;
        } else {
            int order = Long.compareUnsigned(a, b);
            chooseA = order > 0 || order == 0 && (aSignExponent & 0x8000) == 0;
        }
        signExponent = (chooseA ? aSignExponent : bSignExponent) & 0xFFFF;
        significand = (chooseA ? a : b) | QUIET;
        return true;
    }

    /** Rounds the magnitude of a number below 2^64 to an integer, left in {@code high}; returns whether it is inexact. */
    private boolean roundMagnitude(int aExponent, long a, int mode) {
        high = a;
        low = 0;
        // all numbers below a quarter round alike
        shiftRight(Math.min(BIAS + 63 - aExponent, 66));
        boolean half = low < 0;
        boolean beyond = low << 1 != 0;
        boolean inexact = half || beyond;
        roundedUp = switch (mode) {
            case Rounding.NEAREST -> half && (beyond || (high & 1) != 0);
            case Rounding.DOWN -> sign && inexact;
            case Rounding.UP -> !sign && inexact;
            default -> false;
        };
        if (roundedUp) {
            high++;
        }
        low = 0;
        return inexact;
    }
}
