package org.bundlevisor.device;

import org.osgi.annotation.versioning.ProviderType;

/**
 * The virtual machine's one clock. It stands still while the machine is paused, and follows either real time or the
 * number of instructions executed. From any thread.
 */
@ProviderType
public interface Clock {
    /** Nanoseconds of guest time since the machine was made. Never falls. */
    long nanoseconds();

    /** Wall-clock time at {@link #nanoseconds()} 0, in seconds since 1970-01-01T00:00Z: what a battery-backed clock tells. */
    long epochSeconds();

    /** Makes a timer that is not armed. */
    Timer timer(Runnable onExpiry);

    /**
     * A one-shot timer. The call-back runs on a thread of the machine, in the order of due times, never before the due time
     * as {@link Clock#nanoseconds()} tells it; it must not block.
     */
    @ProviderType
    interface Timer {
        /** Arms the timer, in place of what it was armed for before; a time that has passed expires at once. */
        void arm(long nanoseconds);

        /** Disarms the timer. A call-back that is under way on another thread may still finish. */
        void disarm();
    }
}
