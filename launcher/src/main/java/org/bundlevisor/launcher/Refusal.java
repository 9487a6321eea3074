package org.bundlevisor.launcher;

import java.io.Serial;
import org.bundlevisor.launcher.request.RunRequest;

/** Says in one sentence why a command does not do what it was asked, with the exit status that tells it to a script. */
final class Refusal extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    private final int status;

    private Refusal(int status, String message) {
        super(message);
        this.status = status;
    }

    /** What was asked for makes no sense. */
    static Refusal wrongUsage(String message) {
        return new Refusal(RunRequest.WRONG_USAGE, message);
    }

    /** It makes sense, but cannot be had. */
    static Refusal failed(Exception cause) {
        Refusal refusal = new Refusal(RunRequest.FAILED, String.valueOf(cause.getMessage()));
        refusal.initCause(cause);
        return refusal;
    }

    int status() {
        return status;
    }
}
