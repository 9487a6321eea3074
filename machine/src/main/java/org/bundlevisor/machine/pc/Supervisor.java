package org.bundlevisor.machine.pc;

import org.bundlevisor.device.MachineControl;

/** Whom the running parts of a machine turn to when it cannot go on as it is. From any thread; returns at once. */
interface Supervisor extends MachineControl {
    /** The machine cannot go on. @param reason one sentence without the machine's name */
    void fail(String reason);

    /** A part of the platform has thrown: the machine cannot go on, and the log gets the trace. */
    void fail(String doing, Throwable cause);
}
