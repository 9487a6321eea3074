package org.bundlevisor.machine.boot;

import java.io.Serial;

/** Says in one sentence why a kernel cannot be booted and what to do. */
public final class BootException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    BootException(String message) {
        super(message);
    }
}
