package org.bundlevisor.devices.interrupt;

import org.bundlevisor.device.Clock;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.state.SavedState;

/**
 * The timer of a local APIC, SDM vol. 3A, 12.5.4 "APIC Timer". Guarded by the monitor of all local APICs.
 *
 * <p>The count is computed from the time of its start. The clock is asked to call back only while the interrupt is not masked.
 */
final class LocalApicTimer {
    private static final int ONE_SHOT = 0;
    private static final int PERIODIC = 1;
    private static final int TSC_DEADLINE = 2;

    /**
     * A periodic timer calls back no more often than this, in nanoseconds, so that a guest cannot keep the host busy with it;
     * more interrupts than that would fall together in IRR anyway.
     */
    private static final long SHORTEST_INTERVAL = 10_000;

    private final Clock clock;
    private final Rate tsc;
    private final Rate input;
    private final Runnable interrupt;
    private final Clock.Timer callback;

    private int mode;
    private boolean masked = true;
    /** The initial-count register, unsigned. */
    private int initial;
    /** The divide configuration register. */
    private int divide;
    /** Whether the counter runs; always false in TSC-deadline mode. */
    private boolean counting;
    /** Tick of the undivided input at which the counter held the initial count. */
    private long start;
    /** IA32_TSC_DEADLINE; 0 while disarmed. */
    private long deadline;

    /**
     * @param monitor held by all callers of this object
     * @param interrupt called at expiry, with the monitor held
     */
    LocalApicTimer(Object monitor, Clock clock, Rate tsc, Rate input, Runnable interrupt) {
        this.clock = clock;
        this.tsc = tsc;
        this.input = input;
        this.interrupt = interrupt;
        callback = clock.timer(() -> {
            synchronized (monitor) {
                expire();
            }
        });
    }

    /** Takes over mode and mask from the LVT timer register. */
    void configure(int newMode, boolean newMasked) {
        if (newMode != mode) {
            // "a write to the LVT Timer Register that changes the timer mode disarms the local APIC timer"
            mode = newMode;
            counting = false;
            initial = 0;
            deadline = 0;
        }
        if (masked && !newMasked) {
            forgetPastExpiry();
        }
        masked = newMasked;
        schedule();
    }

    /** What expired while the interrupt was masked interrupts nobody any more. */
    private void forgetPastExpiry() {
        if (mode == ONE_SHOT && counting && inputTicks() - start >= span()) {
            counting = false;
        } else if (mode == PERIODIC && counting) {
            start += (inputTicks() - start) / span() * span();
        } else if (deadlineHasPassed()) {
            deadline = 0;
        }
    }

    int initialCount() {
        return initial;
    }

    void setInitialCount(int value) {
        if (mode == TSC_DEADLINE) {
            return;
        }
        initial = value;
        // the fourth mode is reserved: nothing counts in it
        counting = value != 0 && mode <= PERIODIC;
        start = inputTicks();
        schedule();
    }

    int currentCount() {
        if (!counting) {
            return 0;
        }
        long elapsed = inputTicks() - start;
        if (mode == PERIODIC) {
            elapsed %= span();
        } else if (elapsed >= span()) {
            return 0;
        }
        return initial - (int) (elapsed >>> shift());
    }

    int divideConfiguration() {
        return divide;
    }

    void setDivideConfiguration(int value) {
        int current = currentCount();
        divide = value & 0xB;
        if (counting && current == 0 && mode == ONE_SHOT) {
            // it is about to expire: leave it to the call-back
            start = inputTicks() - span();
        } else {
            start = inputTicks() - (Integer.toUnsignedLong(initial - current) << shift());
        }
        schedule();
    }

    long deadline() {
        return deadlineHasPassed() ? 0 : deadline;
    }

    void setDeadline(long value) {
        if (mode == TSC_DEADLINE) {
            deadline = value;
            schedule();
        }
    }

    private boolean deadlineHasPassed() {
        return deadline != 0 && Long.compareUnsigned(tsc.ticksAt(clock.nanoseconds()), deadline) >= 0;
    }

    private long inputTicks() {
        return input.ticksAt(clock.nanoseconds());
    }

    /** log2 of the divisor: bits 3, 1 and 0 count from 2 to 128, and 111 means 1. */
    private int shift() {
        return (divide & 3 | divide >>> 1 & 4) + 1 & 7;
    }

    /** Ticks of the undivided input from the initial count to zero. */
    private long span() {
        return Integer.toUnsignedLong(initial) << shift();
    }

    private void expire() {
        if (masked) {
            return;
        }
        if (mode == TSC_DEADLINE) {
            if (deadlineHasPassed()) {
                deadline = 0;
                interrupt.run();
            }
        } else if (counting) {
            long elapsed = inputTicks() - start;
            if (elapsed >= span()) {
                start += elapsed / span() * span();
                counting = mode == PERIODIC;
                interrupt.run();
            }
        }
        schedule();
    }

    private void schedule() {
        long due = masked ? Long.MAX_VALUE : mode == TSC_DEADLINE ? deadlineTime() : countTime();
        if (due == Long.MAX_VALUE) {
            callback.disarm();
        } else {
            callback.arm(due);
        }
    }

    private long deadlineTime() {
        // with its top bit set, the unsigned deadline is centuries away
        return deadline <= 0 ? Long.MAX_VALUE : tsc.timeOf(deadline);
    }

    private long countTime() {
        if (!counting) {
            return Long.MAX_VALUE;
        }
        long span = span();
        if (mode == PERIODIC) {
            long shortest = input.ticksAt(SHORTEST_INTERVAL);
            return input.timeOf(start + Math.max(1, Math.ceilDiv(shortest, span)) * span);
        }
        return input.timeOf(start + span);
    }

    /** Back to the state after reset, disarmed. The LVT timer register says the rest. */
    void reset() {
        mode = ONE_SHOT;
        masked = true;
        initial = 0;
        divide = 0;
        counting = false;
        start = 0;
        deadline = 0;
        callback.disarm();
    }

    void close() {
        callback.disarm();
    }

    SavedState save() {
        return SavedState.version(1)
                .put("initial", Integer.toUnsignedLong(initial))
                .put("divide", divide)
                .put("counting", counting)
                .put("start", start)
                .put("deadline", deadline)
                .build();
    }

    /** Takes over a saved state, together with mode and mask from the LVT timer register. */
    void restore(SavedState state, int restoredMode, boolean restoredMasked) {
        mode = restoredMode;
        masked = restoredMasked;
        initial = (int) state.number("initial", 0);
        divide = (int) state.number("divide", 0) & 0xB;
        counting = state.flag("counting", false) && initial != 0;
        start = state.number("start", 0);
        deadline = state.number("deadline", 0);
        schedule();
    }
}
