package org.bundlevisor.cpu.core.softfloat;

/** The rounding modes, as the RC fields of FCW and MXCSR encode them (SDM vol. 1, table 4-8). */
public final class Rounding {

    public static final int NEAREST = 0;
    public static final int DOWN = 1;
    public static final int UP = 2;
    public static final int TOWARD_ZERO = 3;

    private Rounding() {}
}
