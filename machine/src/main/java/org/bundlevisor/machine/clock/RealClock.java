package org.bundlevisor.machine.clock;

import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** Real time, without the pauses. One thread, the machine's event loop, runs the call-backs of all timers. */
public final class RealClock implements MachineClock {
    private static final long RUNNING = -1;

    private final long epochSeconds;
    private final LongSupplier hostNanoseconds;
    private final Consumer<RuntimeException> onFailure;
    private final Thread thread;

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final TimerHeap heap = new TimerHeap();

    /** Host time that is guest time 0; moves with each pause. */
    private volatile long origin;

    /** Guest time at which the clock stands, or RUNNING. */
    private volatile long stoppedAt;

    /** When the event loop means to wake up; arming a later timer need not wake it. */
    private long wakeUp = Long.MAX_VALUE;

    private boolean inCallBack;
    private boolean closed;

    /**
     * Makes a clock that stands at 0.
     *
     * @param name of the machine, for the thread's name
     * @param epochSeconds wall-clock time at 0
     * @param hostNanoseconds a steady clock of the host
     * @param onFailure is told of a call-back that threw; the event loop goes on
     */
    public RealClock(
            String name, long epochSeconds, LongSupplier hostNanoseconds, Consumer<RuntimeException> onFailure) {
        this.epochSeconds = epochSeconds;
        this.hostNanoseconds = hostNanoseconds;
        this.onFailure = onFailure;
        thread = Thread.ofPlatform().name(name + " timers").daemon().start(this::loop);
    }

    @Override
    public long nanoseconds() {
        long stopped = stoppedAt;
        return stopped == RUNNING ? hostNanoseconds.getAsLong() - origin : stopped;
    }

    @Override
    public long epochSeconds() {
        return epochSeconds;
    }

    @Override
    public Timer timer(Runnable onExpiry) {
        return new RealTimer(onExpiry);
    }

    @Override
    public void go() {
        lock.lock();
        try {
            if (stoppedAt != RUNNING) {
                origin = hostNanoseconds.getAsLong() - stoppedAt;
                stoppedAt = RUNNING;
                changed.signalAll();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void halt() {
        lock.lock();
        try {
            if (stoppedAt == RUNNING) {
                stoppedAt = hostNanoseconds.getAsLong() - origin;
            }
            while (inCallBack && Thread.currentThread() != thread) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void loop() {
        lock.lock();
        try {
            while (!closed) {
                waitOrExpire();
            }
        } finally {
            lock.unlock();
        }
    }

    private void waitOrExpire() {
        try {
            if (stoppedAt != RUNNING || !(heap.first() instanceof RealTimer first)) {
                wakeUp = Long.MAX_VALUE;
                changed.await();
                return;
            }
            long wait = first.due() - nanoseconds();
            if (wait > 0) {
                wakeUp = first.due();
                changed.awaitNanos(wait);
            } else {
                heap.remove(first);
                expire(first);
            }
        } catch (InterruptedException e) {
            closed = true;
        }
    }

    /** Runs a call-back without the lock, so that it may arm timers and signal vCPUs that do the same. */
    private void expire(RealTimer timer) {
        inCallBack = true;
        lock.unlock();
        try {
            timer.onExpiry.run();
        } catch (RuntimeException e) {
            onFailure.accept(e);
        } finally {
            lock.lock();
            inCallBack = false;
            if (stoppedAt != RUNNING) {
                changed.signalAll();
            }
        }
    }

    private final class RealTimer extends TimerHeap.Entry implements Timer {
        private final Runnable onExpiry;

        RealTimer(Runnable onExpiry) {
            this.onExpiry = onExpiry;
        }

        @Override
        public void arm(long nanoseconds) {
            lock.lock();
            try {
                heap.arm(this, nanoseconds);
                if (nanoseconds < wakeUp && Thread.currentThread() != thread) {
                    wakeUp = nanoseconds;
                    changed.signalAll();
                }
            } finally {
                lock.unlock();
            }
        }

        @Override
        public void disarm() {
            lock.lock();
            try {
                heap.remove(this);
            } finally {
                lock.unlock();
            }
        }
    }
}
