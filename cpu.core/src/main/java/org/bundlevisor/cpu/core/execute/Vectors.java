package org.bundlevisor.cpu.core.execute;

/** Exception vectors, SDM vol. 3A, table 7-1 "Protected-Mode Exceptions and Interrupts". */
final class Vectors {
    static final int DIVIDE_ERROR = 0;
    static final int DEBUG = 1;
    static final int NMI = 2;
    static final int BREAKPOINT = 3;
    static final int OVERFLOW = 4;
    static final int BOUND_RANGE = 5;
    static final int INVALID_OPCODE = 6;
    static final int DEVICE_NOT_AVAILABLE = 7;
    static final int DOUBLE_FAULT = 8;
    static final int INVALID_TSS = 10;
    static final int SEGMENT_NOT_PRESENT = 11;
    static final int STACK_FAULT = 12;
    static final int GENERAL_PROTECTION = 13;
    static final int PAGE_FAULT = 14;
    static final int MATH_FAULT = 16;
    static final int ALIGNMENT_CHECK = 17;
    static final int MACHINE_CHECK = 18;
    static final int SIMD_FLOATING_POINT = 19;

    private Vectors() {}

    /** Whether delivery through the IDT pushes an error code (protected mode only). */
    static boolean pushesErrorCode(int vector) {
        return switch (vector) {
            case DOUBLE_FAULT, INVALID_TSS, SEGMENT_NOT_PRESENT, STACK_FAULT, GENERAL_PROTECTION, PAGE_FAULT,
                    ALIGNMENT_CHECK -> true;
            default -> false;
        };
    }
}
