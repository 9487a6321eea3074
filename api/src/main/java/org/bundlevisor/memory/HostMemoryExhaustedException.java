package org.bundlevisor.memory;

import java.io.Serial;

/** Says in one sentence that the host memory reservation has no room for what was asked. */
public final class HostMemoryExhaustedException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    public HostMemoryExhaustedException(String message) {
        super(message);
    }
}
