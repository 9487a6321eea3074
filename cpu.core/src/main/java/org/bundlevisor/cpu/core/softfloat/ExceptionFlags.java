package org.bundlevisor.cpu.core.softfloat;

/** The floating-point exceptions, as bits 0 to 5 of FSW, FCW and MXCSR have them (SDM vol. 1, 8.1.3 and 10.2.3). */
public final class ExceptionFlags {

    /** Invalid operation. */
    public static final int INVALID = 1;

    /** Denormal operand. */
    public static final int DENORMAL = 2;

    /** Zero divide. */
    public static final int ZERO_DIVIDE = 4;

    public static final int OVERFLOW = 8;

    public static final int UNDERFLOW = 16;

    /** Precision: the result is not exact. */
    public static final int PRECISION = 32;

    /** Those found before anything is computed: unmasked, they keep the operation from being done. */
    public static final int BEFORE_COMPUTATION = INVALID | DENORMAL | ZERO_DIVIDE;

    public static final int ALL = 63;

    private ExceptionFlags() {}
}
