package org.bundlevisor.cpu.amdv;

import org.bundlevisor.cpu.CpuState.Injection;

/** The layout that EVENTINJ and EXITINTINFO share, APM vol. 2, 15.20 and 15.7.2. */
final class EventInformation {
    static final int EXTERNAL_INTERRUPT = 0;
    static final int NMI = 2;
    static final int EXCEPTION = 3;
    static final int SOFTWARE_INTERRUPT = 4;

    static final long ERROR_CODE_VALID = 1L << 11;
    static final long VALID = 1L << 31;

    private static final int BREAKPOINT = 3;
    private static final int OVERFLOW = 4;

    private EventInformation() {}

    /** An event in the neutral state's terms; 0 when there is none. */
    static long of(Injection event) {
        int type = switch (event.kind()) {
            case NONE -> -1;
            case EXTERNAL_INTERRUPT -> EXTERNAL_INTERRUPT;
            case NMI -> NMI;
            case HARDWARE_EXCEPTION, PRIVILEGED_SOFTWARE_EXCEPTION, SOFTWARE_EXCEPTION -> EXCEPTION;
            case SOFTWARE_INTERRUPT -> SOFTWARE_INTERRUPT;
        };
        if (type < 0) {
            return 0;
        }
        long errorCode = event.hasErrorCode() ? ERROR_CODE_VALID | (long) event.errorCode() << 32 : 0;
        return VALID | (long) type << 8 | event.vector() | errorCode;
    }

    /**
     * The event that a valid field describes, in the neutral state's terms.
     *
     * @param instructionLength by how much the next RIP lies behind RIP; it counts for software interrupts, INT3 and INTO
     */
    static Injection event(long information, int instructionLength) {
        int vector = vector(information);
        Injection.Kind kind = switch (type(information)) {
            case NMI -> Injection.Kind.NMI;
            case EXCEPTION -> isSoftwareException(vector)
                    ? Injection.Kind.SOFTWARE_EXCEPTION
                    : Injection.Kind.HARDWARE_EXCEPTION;
            case SOFTWARE_INTERRUPT -> Injection.Kind.SOFTWARE_INTERRUPT;
            default -> Injection.Kind.EXTERNAL_INTERRUPT;
        };
        boolean software = kind == Injection.Kind.SOFTWARE_EXCEPTION || kind == Injection.Kind.SOFTWARE_INTERRUPT;
        boolean hasErrorCode = (information & ERROR_CODE_VALID) != 0;
        return new Injection(
                kind, vector, hasErrorCode, hasErrorCode ? (int) (information >>> 32) : 0,
                software ? instructionLength : 0);
    }

    /** Only INT3 and INTO raise these. */
    private static boolean isSoftwareException(int vector) {
        return vector == BREAKPOINT || vector == OVERFLOW;
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
