package org.bundlevisor.launcher.run;

import java.io.Serial;

/** Says in one sentence why a run ended before the machine began, with the exit status that tells it to a script. */
final class RunException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final int status;

    RunException(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
