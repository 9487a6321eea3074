package org.bundlevisor.machine.clock;

import java.util.function.LongSupplier;
import org.bundlevisor.cpu.VirtualCpu;
import org.jspecify.annotations.Nullable;

/**
 * Guest time that follows the instructions of the machine's one vCPU: one nanosecond each, and a jump to the next timer
 * where the vCPU is halted. Timers expire on the vCPU's thread between two instructions, after an exact number of them, so
 * that the same input gives the same run.
 *
 * <p>A jump may be held back by {@link #lead}, so that an idle guest does not use up the host: that costs host time only
 * and changes nothing for the guest.
 */
public final class CountedClock implements MachineClock {
    /** What a guest's battery-backed clock tells at guest time 0: 2025-01-01T00:00Z in every run. */
    public static final long EPOCH_SECONDS = 1_735_689_600L;

    private final LongSupplier hostNanoseconds;
    private final TimerHeap heap = new TimerHeap();

    /** The vCPU's thread while it is inside {@link #enter} and {@link #leave}. */
    private volatile @Nullable Thread owner;

    /** Guest time as other threads see it: the one at which the vCPU last came back. */
    private volatile long published;

    private @Nullable VirtualCpu cpu;
    private Runnable attention = () -> {};

    /** Guest time minus instructions: what was skipped while halted. */
    private long skipped;

    /** Host time minus guest time when the machine was last let go. */
    private long hostOrigin;

    /** @param hostNanoseconds a steady clock of the host, for {@link #lead} alone */
    public CountedClock(LongSupplier hostNanoseconds) {
        this.hostNanoseconds = hostNanoseconds;
    }

    /**
     * Says whose instructions count from now on; time goes on from where it is. The vCPU is not running.
     *
     * @param attentionOfThread makes the vCPU's thread come back to {@link #expire} soon
     */
    public synchronized void attach(VirtualCpu counted, Runnable attentionOfThread) {
        skipped = published - counted.instructions();
        cpu = counted;
        attention = attentionOfThread;
    }

    @Override
    public long nanoseconds() {
        VirtualCpu counted = cpu;
        return counted != null && Thread.currentThread() == owner ? counted.instructions() + skipped : published;
    }

    @Override
    public long epochSeconds() {
        return EPOCH_SECONDS;
    }

    @Override
    public Timer timer(Runnable onExpiry) {
        return new CountedTimer(onExpiry);
    }

    @Override
    public void go() {
        hostOrigin = hostNanoseconds.getAsLong() - published;
    }

    @Override
    public void halt() {
        // time stands as soon as the vCPU does
    }

    @Override
    public void close() {
        // there is no thread to end: the timers run on the vCPU's
    }

    /** The vCPU's thread takes over: from here to {@link #leave} it alone may arm timers. */
    public void enter() {
        owner = Thread.currentThread();
    }

    /** The vCPU's thread hands back. */
    public void leave() {
        published = nanoseconds();
        owner = null;
    }

    /** Runs the timers that are due and sets the limit at which the next one will be. On the vCPU's thread, between runs. */
    public void expire() {
        for (CountedTimer due = takeDue(); due != null; due = takeDue()) {
            due.onExpiry.run();
        }
        published = nanoseconds();
    }

    /** The next timer that is due; where there is none, the vCPU may run until the next one will be. */
    private synchronized @Nullable CountedTimer takeDue() {
        if (heap.firstDue() <= nanoseconds() && heap.first() instanceof CountedTimer first) {
            heap.remove(first);
            return first;
        }
        limit();
        return null;
    }

    /** Jumps to the next timer, for a halted vCPU. @return false when none is armed */
    public synchronized boolean skip() {
        long due = heap.firstDue();
        if (due == Long.MAX_VALUE) {
            return false;
        }
        skipped += Math.max(0, due - nanoseconds());
        published = nanoseconds();
        return true;
    }

    /** By how many nanoseconds the next timer is due earlier for the guest than for the host; 0 or less when it is late. */
    public synchronized long lead() {
        long due = heap.firstDue();
        return due == Long.MAX_VALUE ? 0 : due - (hostNanoseconds.getAsLong() - hostOrigin);
    }

    private void limit() {
        VirtualCpu counted = cpu;
        if (counted != null) {
            long due = heap.firstDue();
            counted.setInstructionLimit(due == Long.MAX_VALUE ? due : Math.max(due - skipped, counted.instructions()));
        }
    }

    private final class CountedTimer extends TimerHeap.Entry implements Timer {
        private final Runnable onExpiry;

        CountedTimer(Runnable onExpiry) {
            this.onExpiry = onExpiry;
        }

        @Override
        public void arm(long nanoseconds) {
            synchronized (CountedClock.this) {
                heap.arm(this, nanoseconds);
                if (Thread.currentThread() == owner) {
                    limit();
                } else if (owner != null) {
                    attention.run();
                }
            }
        }

        @Override
        public void disarm() {
            synchronized (CountedClock.this) {
                heap.remove(this);
            }
        }
    }
}
