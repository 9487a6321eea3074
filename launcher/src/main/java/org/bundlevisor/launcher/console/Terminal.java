package org.bundlevisor.launcher.console;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;

/**
 * The terminal that standard input is, if it is one, set by the host's {@code stty}. Whatever ends the process, its
 * settings are put back.
 */
public final class Terminal implements AutoCloseable {
    private final String settings;
    private final Thread hook;
    private boolean closed;

    private Terminal(String settings) {
        this.settings = settings;
        hook = Thread.ofPlatform().name("terminal-restore").unstarted(this::restore);
        if (isTerminal()) Runtime.getRuntime().addShutdownHook(hook);
    }

    /** Looks whether standard input is a terminal. */
    public static Terminal open() {
        return new Terminal(stty("-g"));
    }

    public boolean isTerminal() {
        return !settings.isEmpty();
    }

    /** Every key comes at once and unchanged, also Ctrl-C; the guest echoes. */
    public synchronized void raw() {
        if (isTerminal() && !closed) stty("raw", "-echo");
    }

    /** As it was. */
    public synchronized void restore() {
        if (isTerminal()) stty(settings);
    }

    @Override
    public void close() {
        if (!isTerminal()) return;
        synchronized (this) {
            closed = true;
            restore();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            // the process is ending: the hook runs or has run, and does the same once more
            closed = true;
        }
    }

    /** What stty says; nothing when standard input is no terminal or there is no stty. */
    private static String stty(String... arguments) {
        String[] command = new String[arguments.length + 1];
        command[0] = "stty";
        System.arraycopy(arguments, 0, command, 1, arguments.length);
        try {
            Process process = new ProcessBuilder(command).redirectInput(Redirect.INHERIT)
                    .redirectError(Redirect.DISCARD)
                    .start();
            String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
            return process.waitFor() == 0 ? said : "";
        } catch (IOException e) {
            // a host without stty: keys come a line at a time
            return "";
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return "";
        }
    }
}
