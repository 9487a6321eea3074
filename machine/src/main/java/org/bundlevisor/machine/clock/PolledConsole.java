package org.bundlevisor.machine.clock;

import java.util.ArrayDeque;
import java.util.concurrent.locks.LockSupport;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Console;
import org.jspecify.annotations.Nullable;

/**
 * A console for a machine on a counted clock. Input that comes when the host likes would make each run another one;
 * instead the host's console is asked at fixed steps of guest time. Input that had ended before the machine started, such
 * as a file or the output of a command that has finished, then reaches the guest at the same instruction in every run.
 */
public final class PolledConsole implements Console, AutoCloseable {
    /** Guest time from one look to the next, in nanoseconds. */
    private static final long STEP = 5_000_000;

    /** How many bytes are taken over at once. */
    private static final int MOST = 4096;

    /** How long the host is given to bring a piped input to its end before the machine first runs. */
    private static final long PATIENCE = 250_000_000;

    private static final long PAUSE = 5_000_000;

    private final Console console;
    private final Clock clock;
    private final Clock.Timer timer;
    private final ArrayDeque<Integer> taken = new ArrayDeque<>();
    private @Nullable Runnable listener;

    public PolledConsole(Console console, Clock clock) {
        this.console = console;
        this.clock = clock;
        timer = clock.timer(this::poll);
        timer.arm(clock.nanoseconds() + STEP);
    }

    /** Waits for the end of an input that is about to end. An input that does not, a terminal's, is not waited for long. */
    public void awaitEnd() {
        long start = System.nanoTime();
        while (!console.ended() && System.nanoTime() - start < PATIENCE) {
            LockSupport.parkNanos(PAUSE);
        }
    }

    private void poll() {
        boolean wasEmpty = taken.isEmpty();
        int value = 0;
        while (taken.size() < MOST && (value = console.read()) >= 0) {
            taken.add(value);
        }
        Runnable told = listener;
        if (wasEmpty && !taken.isEmpty() && told != null) {
            told.run();
        }
        timer.arm(clock.nanoseconds() + STEP);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        console.write(bytes, offset, length);
    }

    @Override
    public int read() {
        Integer value = taken.poll();
        return value == null ? -1 : value;
    }

    @Override
    public boolean ended() {
        return console.ended();
    }

    @Override
    public void onInput(@Nullable Runnable newListener) {
        listener = newListener;
    }

    @Override
    public void close() {
        timer.disarm();
    }
}
