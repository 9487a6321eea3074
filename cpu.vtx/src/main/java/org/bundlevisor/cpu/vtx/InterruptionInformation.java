package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.CpuState.Injection;

/**
 * The layout that the VM-entry interruption-information field, the VM-exit interruption-information field and the
 * IDT-vectoring information field share, SDM vol. 3C, 25.8.3, 25.9.2 and 25.9.3.
 */
final class InterruptionInformation {
    static final int EXTERNAL_INTERRUPT = 0;
    static final int NMI = 2;
    static final int HARDWARE_EXCEPTION = 3;
    static final int SOFTWARE_INTERRUPT = 4;
    static final int PRIVILEGED_SOFTWARE_EXCEPTION = 5;
    static final int SOFTWARE_EXCEPTION = 6;
    static final int OTHER_EVENT = 7;

    static final long ERROR_CODE = 1L << 11;
    static final long VALID = 1L << 31;

    private InterruptionInformation() {}

    static long of(int type, int vector, boolean errorCode) {
        return VALID | (errorCode ? ERROR_CODE : 0) | (long) type << 8 | vector;
    }

    /** An event in the neutral state's terms; 0 when there is none. */
    static long of(Injection event) {
        int type = typeOf(event.kind());
        return type < 0 ? 0 : of(type, event.vector(), event.hasErrorCode());
    }

    private static int typeOf(Injection.Kind kind) {
        return switch (kind) {
            case NONE -> -1;
            case EXTERNAL_INTERRUPT -> EXTERNAL_INTERRUPT;
            case NMI -> NMI;
            case HARDWARE_EXCEPTION -> HARDWARE_EXCEPTION;
            case SOFTWARE_INTERRUPT -> SOFTWARE_INTERRUPT;
            case PRIVILEGED_SOFTWARE_EXCEPTION -> PRIVILEGED_SOFTWARE_EXCEPTION;
            case SOFTWARE_EXCEPTION -> SOFTWARE_EXCEPTION;
        };
    }

    /** The event that a valid field describes, in the neutral state's terms. */
    static Injection event(long information, int errorCode, int instructionLength) {
        Injection.Kind kind = switch (type(information)) {
            case EXTERNAL_INTERRUPT -> Injection.Kind.EXTERNAL_INTERRUPT;
            case NMI -> Injection.Kind.NMI;
            case HARDWARE_EXCEPTION -> Injection.Kind.HARDWARE_EXCEPTION;
            case SOFTWARE_INTERRUPT -> Injection.Kind.SOFTWARE_INTERRUPT;
            case PRIVILEGED_SOFTWARE_EXCEPTION -> Injection.Kind.PRIVILEGED_SOFTWARE_EXCEPTION;
            case SOFTWARE_EXCEPTION -> Injection.Kind.SOFTWARE_EXCEPTION;
            default -> Injection.Kind.NONE;
        };
        boolean hasErrorCode = (information & ERROR_CODE) != 0;
        return new Injection(
                kind, vector(information), hasErrorCode, hasErrorCode ? errorCode : 0, instructionLength);
    }

    static boolean isValid(long information) {
        return (information & VALID) != 0;
    }

    static int type(long information) {
        return (int) (information >> 8) & 7;
    }

    static int vector(long information) {
        return (int) information & 0xff;
    }
}
