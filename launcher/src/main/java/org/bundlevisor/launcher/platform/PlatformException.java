package org.bundlevisor.launcher.platform;

import java.io.Serial;

/** Says in one sentence why the platform does not start. */
public final class PlatformException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    PlatformException(String message) {
        super(message);
    }

    PlatformException(String message, Exception cause) {
        super(message, cause);
    }
}
