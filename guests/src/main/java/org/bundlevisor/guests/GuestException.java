package org.bundlevisor.guests;

import java.io.Serial;

/** Says in one sentence why a guest cannot be had, and what to do. */
public final class GuestException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    public GuestException(String message) {
        super(message);
    }

    public GuestException(String message, Throwable cause) {
        super(message, cause);
    }
}
