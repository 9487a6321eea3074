package org.bundlevisor.cpu.core.softfloat;

import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.DENORMAL;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.INVALID;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.PRECISION;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.UNDERFLOW;
import static org.bundlevisor.cpu.core.softfloat.ExceptionFlags.ZERO_DIVIDE;

/**
 * The arithmetic of SSE: single and double precision, given and returned as their bits. {@link #exceptions} gathers what the
 * operations since {@link #begin} raised, so that a packed instruction begins once. Results are the masked responses.
 *
 * <p>When rounding is to nearest, the numbers are normal and so is the result, Java's own arithmetic computes it and only PE needs
 * to be found; all else goes the long way.
 */
public final class SseArithmetic extends Arithmetic {

    /** How two numbers stand to each other. */
    public static final int LESS = -1;

    public static final int EQUAL = 0;
    public static final int GREATER = 1;
    public static final int UNORDERED = 2;

    /** The integer indefinites. */
    public static final int INDEFINITE_32 = Integer.MIN_VALUE;

    public static final long INDEFINITE_64 = Long.MIN_VALUE;

    private static final int DENORMALS_ARE_ZERO = 1 << 6;
    private static final int FLUSH_TO_ZERO = 1 << 15;
    private static final int MXCSR_MASKS = 7;
    private static final int MXCSR_ROUNDING = 13;

    private static final long DOUBLE_FRACTION = 0xF_FFFF_FFFF_FFFFL;
    private static final long DOUBLE_INFINITY = 0x7FF0_0000_0000_0000L;
    private static final long DOUBLE_QUIET = 1L << 51;
    private static final long DOUBLE_INDEFINITE = 0xFFF8_0000_0000_0000L;
    private static final int SINGLE_FRACTION = 0x7F_FFFF;
    private static final int SINGLE_INFINITY = 0x7F80_0000;
    private static final int SINGLE_QUIET = 1 << 22;
    private static final int SINGLE_INDEFINITE = 0xFFC0_0000;

    private static final int ADD = 0;
    private static final int MULTIPLY = 1;
    private static final int DIVIDE = 2;

    private static final int FINITE_RESULT = 0;
    private static final int ZERO_RESULT = 1;
    private static final int INFINITE_RESULT = 2;
    private static final int ZERO_DIVIDE_RESULT = 3;
    private static final int INVALID_RESULT = 4;

    private int mxcsr = 0x1F80;
    private int rounding;
    private boolean precisionUnknown = true;

    // what unpack leaves
    private boolean operandSign;
    private int operandExponent;
    private long operandSignificand;

    /** Begins an instruction under MXCSR: its control bits count, and of its flags a PE already set, which spares finding it. */
    public void begin(int newMxcsr) {
        mxcsr = newMxcsr;
        rounding = newMxcsr >> MXCSR_ROUNDING & 3;
        // a PE that is set already and leads to no exception need not be found again
        precisionUnknown = (newMxcsr & PRECISION) == 0 || (newMxcsr & PRECISION << MXCSR_MASKS) == 0;
        exceptions = 0;
    }

    /** The same with another rounding mode than MXCSR's. */
    public void begin(int newMxcsr, int newRounding) {
        begin(newMxcsr);
        rounding = newRounding;
    }

    private boolean wantsPrecision() {
        return precisionUnknown && (exceptions & PRECISION) == 0;
    }

    // ---- double precision

    public long addDouble(long a, long b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double r = x + y;
            long result = Double.doubleToRawLongBits(r);
            if (wellInside(result)) {
                if (wantsPrecision()) {
                    // Knuth's TwoSum: the rounding error of an addition is itself a number
                    double yRounded = r - x;
                    if (x - (r - yRounded) + (y - yRounded) != 0) {
                        exceptions |= PRECISION;
                    }
                }
                return result;
            }
        }
        return computeDouble(ADD, a, b, b);
    }

    public long subtractDouble(long a, long b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            double x = Double.longBitsToDouble(a);
            double y = -Double.longBitsToDouble(b);
            double r = x + y;
            long result = Double.doubleToRawLongBits(r);
            if (wellInside(result)) {
                if (wantsPrecision()) {
                    double yRounded = r - x;
                    if (x - (r - yRounded) + (y - yRounded) != 0) {
                        exceptions |= PRECISION;
                    }
                }
                return result;
            }
        }
        return computeDouble(ADD, a, b ^ Long.MIN_VALUE, b);
    }

    public long multiplyDouble(long a, long b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double r = x * y;
            long result = Double.doubleToRawLongBits(r);
            if (wellInside(result)) {
                if (wantsPrecision() && Math.fma(x, y, -r) != 0) {
                    exceptions |= PRECISION;
                }
                return result;
            }
        }
        return computeDouble(MULTIPLY, a, b, b);
    }

    public long divideDouble(long a, long b) {
        if (rounding == Rounding.NEAREST && wellInside(a) && notDenormal(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double r = x / y;
            long result = Double.doubleToRawLongBits(r);
            if (wellInside(result)) {
                if (wantsPrecision() && Math.fma(r, y, -x) != 0) {
                    exceptions |= PRECISION;
                }
                return result;
            }
        }
        return computeDouble(DIVIDE, a, b, b);
    }

    public long squareRootDouble(long a) {
        if (rounding == Rounding.NEAREST && a > 0 && wellInside(a)) {
            double x = Double.longBitsToDouble(a);
            double r = Math.sqrt(x);
            if (wantsPrecision() && Math.fma(r, r, -x) != 0) {
                exceptions |= PRECISION;
            }
            return Double.doubleToRawLongBits(r);
        }
        if (nanDouble(a)) {
            return quietDouble(a);
        }
        unpackDouble(a);
        if (operandSignificand == 0) {
            return operandSign ? Long.MIN_VALUE : 0;
        }
        if (operandSign) {
            exceptions |= INVALID;
            return DOUBLE_INDEFINITE;
        }
        if ((a & DOUBLE_INFINITY) == DOUBLE_INFINITY) {
            return DOUBLE_INFINITY;
        }
        noteDenormalDouble(a);
        sign = false;
        squareRootOfMagnitude(operandExponent, operandSignificand);
        return packDouble();
    }

    /** The smaller one; the second when one is not a number or both are zero. */
    public long minimumDouble(long a, long b) {
        int order = compareDouble(a, b, true);
        return order == LESS ? flushOperandDouble(a) : flushOperandDouble(b);
    }

    /** The larger one; the second when one is not a number or both are zero. */
    public long maximumDouble(long a, long b) {
        int order = compareDouble(a, b, true);
        return order == GREATER ? flushOperandDouble(a) : flushOperandDouble(b);
    }

    /**
     * Compares.
     *
     * @param signalling whether a quiet not-a-number is an invalid operation too
     */
    public int compareDouble(long a, long b, boolean signalling) {
        if (nanDouble(a) || nanDouble(b)) {
            if (signalling || signallingDouble(a) || signallingDouble(b)) {
                exceptions |= INVALID;
            }
            return UNORDERED;
        }
        noteDenormalDouble(a);
        noteDenormalDouble(b);
        a = flushOperandDouble(a);
        b = flushOperandDouble(b);
        if ((a | b) << 1 == 0) {
            return EQUAL;
        }
        // sign and magnitude to two's complement
        return Long.compare(a < 0 ? Long.MIN_VALUE - a : a, b < 0 ? Long.MIN_VALUE - b : b);
    }

    private long computeDouble(int operation, long a, long b, long original) {
        if (nanDouble(a) || nanDouble(b)) {
            if (signallingDouble(a) || signallingDouble(b)) {
                exceptions |= INVALID;
            }
            return (nanDouble(a) ? a : original) | DOUBLE_QUIET;
        }
        unpackDouble(a);
        boolean aSign = operandSign;
        int aExponent = operandExponent;
        long aSignificand = operandSignificand;
        boolean aInfinite = (a & DOUBLE_INFINITY) == DOUBLE_INFINITY;
        unpackDouble(b);
        boolean bInfinite = (b & DOUBLE_INFINITY) == DOUBLE_INFINITY;
        int outcome = compute(operation, aSign, aExponent, aSignificand, aInfinite, bInfinite);
        if (outcome == INVALID_RESULT) {
            exceptions |= INVALID;
            return DOUBLE_INDEFINITE;
        }
        if (outcome != ZERO_DIVIDE_RESULT) {
            noteDenormalDouble(a);
            noteDenormalDouble(b);
        }
        long signBit = sign ? Long.MIN_VALUE : 0;
        return switch (outcome) {
            case INFINITE_RESULT, ZERO_DIVIDE_RESULT -> signBit | DOUBLE_INFINITY;
            case ZERO_RESULT -> signBit;
            default -> packDouble();
        };
    }

    private void unpackDouble(long a) {
        operandSign = a < 0;
        operandExponent = (int) (a >>> 52) & 0x7FF;
        operandSignificand = (a & DOUBLE_FRACTION) << 11;
        if (operandExponent != 0) {
            operandSignificand |= TOP;
        } else if (operandSignificand != 0) {
            if ((mxcsr & DENORMALS_ARE_ZERO) != 0) {
                operandSignificand = 0;
            } else {
                int shift = Long.numberOfLeadingZeros(operandSignificand);
                operandSignificand <<= shift;
                operandExponent = 1 - shift;
            }
        }
        operandExponent += BIAS - 1023;
    }

    private long packDouble() {
        boolean tiny = roundTo(53, BIAS - 1022, BIAS + 1023);
        long signBit = sign ? Long.MIN_VALUE : 0;
        if (tiny && flushes()) {
            return signBit;
        }
        long field = high >= 0 ? 0 : exponent - (BIAS - 1023);
        return signBit | field << 52 | high << 1 >>> 12;
    }

    private static boolean notDenormal(long a) {
        return (a & DOUBLE_INFINITY) != 0 || a << 1 == 0;
    }

    /** Whether a result is so far from underflow and overflow that the error terms are exact. */
    private static boolean wellInside(long result) {
        int exponentField = (int) (result >>> 52) & 0x7FF;
        return exponentField > 120 && exponentField < 0x7FD;
    }

    private static boolean nanDouble(long a) {
        return (a & Long.MAX_VALUE) > DOUBLE_INFINITY;
    }

    private static boolean signallingDouble(long a) {
        return nanDouble(a) && (a & DOUBLE_QUIET) == 0;
    }

    private long quietDouble(long a) {
        if ((a & DOUBLE_QUIET) == 0) {
            exceptions |= INVALID;
        }
        return a | DOUBLE_QUIET;
    }

    private void noteDenormalDouble(long a) {
        if ((a & DOUBLE_INFINITY) == 0 && a << 1 != 0 && (mxcsr & DENORMALS_ARE_ZERO) == 0) {
            exceptions |= DENORMAL;
        }
    }

    private long flushOperandDouble(long a) {
        return (a & DOUBLE_INFINITY) == 0 && (mxcsr & DENORMALS_ARE_ZERO) != 0 ? a & Long.MIN_VALUE : a;
    }

    // ---- single precision

    public int addSingle(int a, int b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            float r = x + y;
            int result = Float.floatToRawIntBits(r);
            if (wellInside(result)) {
                if (wantsPrecision()) {
                    float yRounded = r - x;
                    if (x - (r - yRounded) + (y - yRounded) != 0) {
                        exceptions |= PRECISION;
                    }
                }
                return result;
            }
        }
        return computeSingle(ADD, a, b, b);
    }

    public int subtractSingle(int a, int b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            float x = Float.intBitsToFloat(a);
            float y = -Float.intBitsToFloat(b);
            float r = x + y;
            int result = Float.floatToRawIntBits(r);
            if (wellInside(result)) {
                if (wantsPrecision()) {
                    float yRounded = r - x;
                    if (x - (r - yRounded) + (y - yRounded) != 0) {
                        exceptions |= PRECISION;
                    }
                }
                return result;
            }
        }
        return computeSingle(ADD, a, b ^ Integer.MIN_VALUE, b);
    }

    public int multiplySingle(int a, int b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            float r = x * y;
            int result = Float.floatToRawIntBits(r);
            if (wellInside(result)) {
                // the product of two floats is exact in a double
                if (wantsPrecision() && (double) x * y != r) {
                    exceptions |= PRECISION;
                }
                return result;
            }
        }
        return computeSingle(MULTIPLY, a, b, b);
    }

    public int divideSingle(int a, int b) {
        if (rounding == Rounding.NEAREST && notDenormal(a) && notDenormal(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            float r = x / y;
            int result = Float.floatToRawIntBits(r);
            if (wellInside(result)) {
                if (wantsPrecision() && (double) r * y != x) {
                    exceptions |= PRECISION;
                }
                return result;
            }
        }
        return computeSingle(DIVIDE, a, b, b);
    }

    public int squareRootSingle(int a) {
        if (rounding == Rounding.NEAREST && a > 0 && wellInside(a)) {
            float x = Float.intBitsToFloat(a);
            float r = (float) Math.sqrt(x);
            if (wantsPrecision() && (double) r * r != x) {
                exceptions |= PRECISION;
            }
            return Float.floatToRawIntBits(r);
        }
        if (nanSingle(a)) {
            return quietSingle(a);
        }
        unpackSingle(a);
        if (operandSignificand == 0) {
            return operandSign ? Integer.MIN_VALUE : 0;
        }
        if (operandSign) {
            exceptions |= INVALID;
            return SINGLE_INDEFINITE;
        }
        if ((a & SINGLE_INFINITY) == SINGLE_INFINITY) {
            return SINGLE_INFINITY;
        }
        noteDenormalSingle(a);
        sign = false;
        squareRootOfMagnitude(operandExponent, operandSignificand);
        return packSingle();
    }

    /** The smaller one; the second when one is not a number or both are zero. */
    public int minimumSingle(int a, int b) {
        int order = compareSingle(a, b, true);
        return order == LESS ? flushOperandSingle(a) : flushOperandSingle(b);
    }

    /** The larger one; the second when one is not a number or both are zero. */
    public int maximumSingle(int a, int b) {
        int order = compareSingle(a, b, true);
        return order == GREATER ? flushOperandSingle(a) : flushOperandSingle(b);
    }

    /**
     * Compares.
     *
     * @param signalling whether a quiet not-a-number is an invalid operation too
     */
    public int compareSingle(int a, int b, boolean signalling) {
        if (nanSingle(a) || nanSingle(b)) {
            if (signalling || signallingSingle(a) || signallingSingle(b)) {
                exceptions |= INVALID;
            }
            return UNORDERED;
        }
        noteDenormalSingle(a);
        noteDenormalSingle(b);
        a = flushOperandSingle(a);
        b = flushOperandSingle(b);
        if ((a | b) << 1 == 0) {
            return EQUAL;
        }
        return Integer.compare(a < 0 ? Integer.MIN_VALUE - a : a, b < 0 ? Integer.MIN_VALUE - b : b);
    }

    private int computeSingle(int operation, int a, int b, int original) {
        if (nanSingle(a) || nanSingle(b)) {
            if (signallingSingle(a) || signallingSingle(b)) {
                exceptions |= INVALID;
            }
            return (nanSingle(a) ? a : original) | SINGLE_QUIET;
        }
        unpackSingle(a);
        boolean aSign = operandSign;
        int aExponent = operandExponent;
        long aSignificand = operandSignificand;
        boolean aInfinite = (a & SINGLE_INFINITY) == SINGLE_INFINITY;
        unpackSingle(b);
        boolean bInfinite = (b & SINGLE_INFINITY) == SINGLE_INFINITY;
        int outcome = compute(operation, aSign, aExponent, aSignificand, aInfinite, bInfinite);
        if (outcome == INVALID_RESULT) {
            exceptions |= INVALID;
            return SINGLE_INDEFINITE;
        }
        if (outcome != ZERO_DIVIDE_RESULT) {
            noteDenormalSingle(a);
            noteDenormalSingle(b);
        }
        int signBit = sign ? Integer.MIN_VALUE : 0;
        return switch (outcome) {
            case INFINITE_RESULT, ZERO_DIVIDE_RESULT -> signBit | SINGLE_INFINITY;
            case ZERO_RESULT -> signBit;
            default -> packSingle();
        };
    }

    private void unpackSingle(int a) {
        operandSign = a < 0;
        operandExponent = a >>> 23 & 0xFF;
        operandSignificand = (a & (long) SINGLE_FRACTION) << 40;
        if (operandExponent != 0) {
            operandSignificand |= TOP;
        } else if (operandSignificand != 0) {
            if ((mxcsr & DENORMALS_ARE_ZERO) != 0) {
                operandSignificand = 0;
            } else {
                int shift = Long.numberOfLeadingZeros(operandSignificand);
                operandSignificand <<= shift;
                operandExponent = 1 - shift;
            }
        }
        operandExponent += BIAS - 127;
    }

    private int packSingle() {
        boolean tiny = roundTo(24, BIAS - 126, BIAS + 127);
        int signBit = sign ? Integer.MIN_VALUE : 0;
        if (tiny && flushes()) {
            return signBit;
        }
        int field = high >= 0 ? 0 : exponent - (BIAS - 127);
        return signBit | field << 23 | (int) (high << 1 >>> 41);
    }

    private static boolean notDenormal(int a) {
        return (a & SINGLE_INFINITY) != 0 || a << 1 == 0;
    }

    private static boolean wellInside(int result) {
        int exponentField = result >>> 23 & 0xFF;
        return exponentField > 30 && exponentField < 0xFD;
    }

    private static boolean nanSingle(int a) {
        return (a & Integer.MAX_VALUE) > SINGLE_INFINITY;
    }

    private static boolean signallingSingle(int a) {
        return nanSingle(a) && (a & SINGLE_QUIET) == 0;
    }

    private int quietSingle(int a) {
        if ((a & SINGLE_QUIET) == 0) {
            exceptions |= INVALID;
        }
        return a | SINGLE_QUIET;
    }

    private void noteDenormalSingle(int a) {
        if ((a & SINGLE_INFINITY) == 0 && a << 1 != 0 && (mxcsr & DENORMALS_ARE_ZERO) == 0) {
            exceptions |= DENORMAL;
        }
    }

    private int flushOperandSingle(int a) {
        return (a & SINGLE_INFINITY) == 0 && (mxcsr & DENORMALS_ARE_ZERO) != 0 ? a & Integer.MIN_VALUE : a;
    }

    // ---- the long way, for both formats

    /** Computes with {@code a} given and {@code b} unpacked; what is not finite or is zero is told by its sign alone. */
    private int compute(int operation, boolean aSign, int aExponent, long a, boolean aInfinite, boolean bInfinite) {
        boolean bSign = operandSign;
        int bExponent = operandExponent;
        long b = operandSignificand;
        if (operation == ADD) {
            sign = aSign;
            if (aInfinite || bInfinite) {
                sign = aInfinite ? aSign : bSign;
                return aInfinite && bInfinite && aSign != bSign ? INVALID_RESULT : INFINITE_RESULT;
            }
            boolean cancels = aSign != bSign && (aExponent == bExponent && a == b || a == 0 && b == 0);
            if (cancels) {
                sign = rounding == Rounding.DOWN;
                return ZERO_RESULT;
            }
            if (a == 0 && b == 0) {
                return ZERO_RESULT;
            }
            if (a == 0 || b == 0) {
                sign = b == 0 ? aSign : bSign;
                exponent = b == 0 ? aExponent : bExponent;
                high = a | b;
                low = 0;
            } else if (aSign == bSign) {
                addMagnitudes(aExponent, a, bExponent, b);
            } else {
                subtractMagnitudes(aExponent, a, bExponent, b);
            }
            return FINITE_RESULT;
        }
        sign = aSign != bSign;
        if (operation == MULTIPLY) {
            if (aInfinite || bInfinite) {
                return !aInfinite && a == 0 || !bInfinite && b == 0 ? INVALID_RESULT : INFINITE_RESULT;
            }
            if (a == 0 || b == 0) {
                return ZERO_RESULT;
            }
            multiplyMagnitudes(aExponent, a, bExponent, b);
            return FINITE_RESULT;
        }
        if (aInfinite || bInfinite) {
            return aInfinite ? bInfinite ? INVALID_RESULT : INFINITE_RESULT : ZERO_RESULT;
        }
        if (b == 0) {
            if (a == 0) {
                return INVALID_RESULT;
            }
            exceptions |= ZERO_DIVIDE;
            return ZERO_DIVIDE_RESULT;
        }
        if (a == 0) {
            return ZERO_RESULT;
        }
        divideMagnitudes(aExponent, a, bExponent, b);
        return FINITE_RESULT;
    }

    private boolean flushes() {
        return (mxcsr & (FLUSH_TO_ZERO | UNDERFLOW << MXCSR_MASKS)) == (FLUSH_TO_ZERO | UNDERFLOW << MXCSR_MASKS);
    }

    /** Rounds; returns whether the result is tiny, and then raises what flushing it to zero would when that is on. */
    private boolean roundTo(int precision, int smallest, int largest) {
        if (flushes() && exponent < smallest && (exponent < smallest - 1 || !roundsToNextPower(precision, rounding))) {
            exceptions |= UNDERFLOW | PRECISION;
            return true;
        }
        round(precision, rounding, smallest, largest, mxcsr >> MXCSR_MASKS, 0);
        return false;
    }

    // ---- conversions

    public long singleToDouble(int a) {
        if (nanSingle(a)) {
            a = quietSingle(a);
            return (long) (a & Integer.MIN_VALUE) << 32 | DOUBLE_INFINITY | (a & (long) SINGLE_FRACTION) << 29;
        }
        if (notDenormal(a)) {
            return Double.doubleToRawLongBits(Float.intBitsToFloat(a));
        }
        noteDenormalSingle(a);
        return Double.doubleToRawLongBits(Float.intBitsToFloat(flushOperandSingle(a)));
    }

    public int doubleToSingle(long a) {
        if (rounding == Rounding.NEAREST) {
            double x = Double.longBitsToDouble(a);
            float r = (float) x;
            int result = Float.floatToRawIntBits(r);
            if (wellInside(result)) {
                if (r != x) {
                    exceptions |= PRECISION;
                }
                return result;
            }
        }
        int signBit = (int) (a >>> 32) & Integer.MIN_VALUE;
        if (nanDouble(a)) {
            a = quietDouble(a);
            return signBit | SINGLE_INFINITY | (int) ((a & DOUBLE_FRACTION) >>> 29);
        }
        if ((a & DOUBLE_INFINITY) == DOUBLE_INFINITY) {
            return signBit | SINGLE_INFINITY;
        }
        noteDenormalDouble(a);
        unpackDouble(a);
        if (operandSignificand == 0) {
            return signBit;
        }
        takeOperand();
        return packSingle();
    }

    private void takeOperand() {
        sign = operandSign;
        exponent = operandExponent;
        high = operandSignificand;
        low = 0;
    }

    public long intToDouble(int value) {
        return Double.doubleToRawLongBits(value);
    }

    public long longToDouble(long value) {
        if (value == 0) {
            return 0;
        }
        unpackLong(value);
        return packDouble();
    }

    public int longToSingle(long value) {
        if (value == 0) {
            return 0;
        }
        unpackLong(value);
        return packSingle();
    }

    private void unpackLong(long value) {
        sign = value < 0;
        high = Math.abs(value);
        low = 0;
        int shift = Long.numberOfLeadingZeros(high);
        high <<= shift;
        exponent = BIAS + 63 - shift;
    }

    /** To a 32-bit integer by the rounding mode, or toward zero. */
    public int doubleToInt(long a, boolean truncate) {
        long value = doubleToInteger(a, 32, truncate);
        return (int) value;
    }

    /** To a 64-bit integer by the rounding mode, or toward zero. */
    public long doubleToLong(long a, boolean truncate) {
        return doubleToInteger(a, 64, truncate);
    }

    public int singleToInt(int a, boolean truncate) {
        return (int) singleToInteger(a, 32, truncate);
    }

    public long singleToLong(int a, boolean truncate) {
        return singleToInteger(a, 64, truncate);
    }

    private long doubleToInteger(long a, int bits, boolean truncate) {
        if ((a & DOUBLE_INFINITY) == DOUBLE_INFINITY) {
            exceptions |= INVALID;
            return 1L << bits - 1;
        }
        unpackDouble(a);
        return toInteger(bits, truncate ? Rounding.TOWARD_ZERO : rounding);
    }

    private long singleToInteger(int a, int bits, boolean truncate) {
        if ((a & SINGLE_INFINITY) == SINGLE_INFINITY) {
            exceptions |= INVALID;
            return 1L << bits - 1;
        }
        unpackSingle(a);
        return toInteger(bits, truncate ? Rounding.TOWARD_ZERO : rounding);
    }

    private long toInteger(int bits, int mode) {
        if (operandSignificand == 0) {
            return 0;
        }
        takeOperand();
        long limit = 1L << bits - 1;
        if (exponent > BIAS + 63) {
            exceptions |= INVALID;
            return limit;
        }
        boolean inexact = roundToInteger(mode);
        if (Long.compareUnsigned(high, sign ? limit : limit - 1) > 0) {
            exceptions |= INVALID;
            return limit;
        }
        if (inexact) {
            exceptions |= PRECISION;
        }
        return sign ? -high : high;
    }

    /** Rounds the unpacked number, below 2^64, to an integer in {@code high}. */
    private boolean roundToInteger(int mode) {
        shiftRight(Math.min(BIAS + 63 - exponent, 66));
        boolean half = low < 0;
        boolean inexact = low != 0;
        boolean up = switch (mode) {
            case Rounding.NEAREST -> half && (low << 1 != 0 || (high & 1) != 0);
            case Rounding.DOWN -> sign && inexact;
            case Rounding.UP -> !sign && inexact;
            default -> false;
        };
        if (up) {
            high++;
        }
        low = 0;
        return inexact;
    }

    /** Rounds to an integer that stays a number (ROUNDSD); the rounding mode is that given to {@link #begin(int, int)}. */
    public long roundDouble(long a) {
        if (nanDouble(a)) {
            return quietDouble(a);
        }
        unpackDouble(a);
        if (operandSignificand == 0) {
            return a & Long.MIN_VALUE;
        }
        if (operandExponent >= BIAS + 52) {
            return a;
        }
        takeOperand();
        if (roundToInteger(rounding)) {
            exceptions |= PRECISION;
        }
        return a & Long.MIN_VALUE | Double.doubleToRawLongBits((double) high);
    }

    /** Rounds to an integer that stays a number (ROUNDSS). */
    public int roundSingle(int a) {
        if (nanSingle(a)) {
            return quietSingle(a);
        }
        unpackSingle(a);
        if (operandSignificand == 0) {
            return a & Integer.MIN_VALUE;
        }
        if (operandExponent >= BIAS + 23) {
            return a;
        }
        takeOperand();
        if (roundToInteger(rounding)) {
            exceptions |= PRECISION;
        }
        return a & Integer.MIN_VALUE | Float.floatToRawIntBits((float) high);
    }
}
