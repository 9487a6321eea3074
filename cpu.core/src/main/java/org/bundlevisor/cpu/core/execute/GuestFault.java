package org.bundlevisor.cpu.core.execute;

import java.io.Serial;
import org.bundlevisor.cpu.CpuState.Injection.Kind;

/** An exception of the guest on its way to delivery: one preallocated, stackless object for each vCPU. */
final class GuestFault extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    /** 0 to 31. */
    int vector;

    /** Meaningful where {@link Vectors#pushesErrorCode} says so. */
    int errorCode;

    /** What it is to delivery: a hardware exception, which saves the RIP of the instruction, or a software event, behind it. */
    Kind kind = Kind.HARDWARE_EXCEPTION;

    /** Length of the instruction, for software events. */
    int instructionLength;

    /** RIP already is what delivery saves: the fault belongs to the task that was switched to. */
    boolean ripIsFinal;

    /** A linear address was not canonical, and which: #GP(0), or #SS(0) for references to the stack. */
    boolean nonCanonical;

    long linear;

    GuestFault() {
        super(null, null, false, false);
    }
}
