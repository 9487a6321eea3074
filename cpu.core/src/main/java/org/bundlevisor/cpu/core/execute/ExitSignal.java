package org.bundlevisor.cpu.core.execute;

import java.io.Serial;

/**
 * Leaves an instruction in its middle because a second-level translation refused an access: what happened is recorded in
 * the vCPU's exit record. One preallocated, stackless object for each vCPU.
 */
final class ExitSignal extends RuntimeException {
    @Serial
    private static final long serialVersionUID = 1L;

    ExitSignal() {
        super(null, null, false, false);
    }
}
