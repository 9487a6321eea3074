package org.bundlevisor.cpu.core.execute;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What other threads want of a vCPU: one word of flags that its loop polls before each trace. Raising is cheap and never
 * blocks; the vCPU's thread takes the flags one by one.
 */
public final class Signals {
    /** Stop and return to the backend. */
    public static final int STOP = 1;

    /** The host has an interrupt: one signal, one exit. */
    public static final int EXTERNAL_INTERRUPT = 1 << 1;

    public static final int NMI = 1 << 2;
    public static final int INIT = 1 << 3;
    public static final int STARTUP = 1 << 4;

    /** The second-level tables have changed. */
    public static final int SECOND_LEVEL = 1 << 5;

    /** Another vCPU or a bus master wrote to decoded bytes, or decoded bytes this vCPU may write to. */
    public static final int CODE = 1 << 6;

    private final AtomicInteger flags = new AtomicInteger();
    private volatile int startupVector;

    public void raise(int signal) {
        for (int old = flags.get(); !flags.compareAndSet(old, old | signal); old = flags.get()) {
            Thread.onSpinWait();
        }
    }

    /** Signals a start-up IPI with its vector. */
    public void startUp(int vector) {
        startupVector = vector;
        raise(STARTUP);
    }

    int startupVector() {
        return startupVector;
    }

    /** All flags that are up. */
    public int flags() {
        return flags.get();
    }

    /** Lowers a flag; whether it was up. */
    public boolean take(int signal) {
        return (flags.getAndUpdate(old -> old & ~signal) & signal) != 0;
    }
}
