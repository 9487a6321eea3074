package org.bundlevisor.devices.test;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Clock;
import org.jspecify.annotations.Nullable;

/** A clock that the test moves. Timers expire inside {@link #advanceTo}, in the order of their due times. */
public final class FakeClock implements Clock {
    private final List<FakeTimer> armed = new ArrayList<>();
    private long now;
    private long epoch;

    @Override
    public long nanoseconds() {
        return now;
    }

    @Override
    public long epochSeconds() {
        return epoch;
    }

    /** Sets the wall-clock time at nanosecond 0. */
    public void setEpochSeconds(long seconds) {
        epoch = seconds;
    }

    @Override
    public Timer timer(Runnable onExpiry) {
        return new FakeTimer(onExpiry);
    }

    /** Moves on by so many nanoseconds; see {@link #advanceTo}. */
    public void advance(long nanoseconds) {
        advanceTo(now + nanoseconds);
    }

    /** Moves to a time, with a stop at the due time of each timer on the way, also of those armed meanwhile. */
    public void advanceTo(long nanoseconds) {
        if (nanoseconds < now) {
            throw new IllegalArgumentException("the clock cannot go back from " + now + " to " + nanoseconds);
        }
        for (FakeTimer timer = first(); timer != null && timer.due <= nanoseconds; timer = first()) {
            armed.remove(timer);
            now = Math.max(now, timer.due);
            timer.onExpiry.run();
        }
        now = nanoseconds;
    }

    /** Moves without letting any timer expire: what a machine does that was restored at this time, before it runs. */
    public void jumpTo(long nanoseconds) {
        now = nanoseconds;
    }

    /** How many timers are armed. */
    public int armedTimers() {
        return armed.size();
    }

    /** The due time of the next timer, or -1 when none is armed. */
    public long nextDue() {
        FakeTimer timer = first();
        return timer == null ? -1 : timer.due;
    }

    private @Nullable FakeTimer first() {
        @Nullable FakeTimer first = null;
        for (FakeTimer timer : armed) {
            if (first == null || timer.due < first.due) {
                first = timer;
            }
        }
        return first;
    }

    private final class FakeTimer implements Timer {
        private final Runnable onExpiry;
        private long due;

        FakeTimer(Runnable onExpiry) {
            this.onExpiry = onExpiry;
        }

        @Override
        public void arm(long nanoseconds) {
            armed.remove(this);
            due = nanoseconds;
            armed.add(this);
        }

        @Override
        public void disarm() {
            armed.remove(this);
        }
    }
}
