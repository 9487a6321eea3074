package org.bundlevisor.cpu.core.execute;

import java.io.Serial;

/** An exception of the guest on its way to delivery: one preallocated, stackless object for each vCPU. */
final class GuestFault extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** 0 to 31. */
    int vector;

    /** Meaningful where {@link Vectors#pushesErrorCode} says so. */
    int errorCode;

    /** Whether delivery saves the RIP of the next instruction: a trap, such as #DB after a single step or INT3. */
    boolean trap;

    GuestFault() {
        super(null, null, false, false);
    }
}
