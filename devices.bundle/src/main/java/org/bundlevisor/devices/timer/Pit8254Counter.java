package org.bundlevisor.devices.timer;

import org.bundlevisor.state.SavedState;

/**
 * One counter of an 8254, as its data sheet (Intel 231164) describes it. Times are ticks of its CLK input. Between two calls of
 * {@link #advance} nothing moves: whoever looks, advances first. Guarded by the monitor of the chip.
 *
 * <p>Whatever is written takes effect at the next CLK, as the data sheet says: the counting element takes over the count register
 * at {@code start}, and one tick later it has counted down by one.
 */
final class Pit8254Counter {
    // modes, data sheet "Mode Definitions"; 6 and 7 are 2 and 3
    private static final int TERMINAL_COUNT = 0;
    private static final int ONE_SHOT = 1;
    private static final int RATE_GENERATOR = 2;
    private static final int SQUARE_WAVE = 3;
    private static final int SOFTWARE_STROBE = 4;
    private static final int HARDWARE_STROBE = 5;

    // bits 5:4 of the control word
    private static final int LATCH = 0;
    private static final int LOW_BYTE = 1;
    private static final int HIGH_BYTE = 2;

    /** After power-up, before any control word: both bytes, mode 0, binary. The data sheet leaves it open. */
    private static final int POWER_UP = 0x30;

    private static final long NEVER = -1;

    private long time;
    /** Bits 5:0 of the last control word. */
    private int control;

    private boolean gate;

    /** The count register, 1 to 65536; 0 before it is written. */
    private int register;
    /** Whether the count register holds what the counting element has not taken over. */
    private boolean nullCount;
    /** The first of two bytes written. */
    private int lowByte;

    private boolean expectsHighByte;
    private boolean readsHighByte;

    private boolean countLatched;
    private int latchedCount;
    private boolean statusLatched;
    private int latchedStatus;

    /** Whether the counting element counts. */
    private boolean running;
    /** When the counting element held {@code count}; for the square wave, at the beginning of the present half. */
    private long start;
    /** Whether {@code start} is still to come. */
    private boolean loading;
    /** What the counting element was loaded with, 1 to 65536. */
    private int count;
    /** What the counting element shows while it does not run or is not loaded yet. */
    private int held;
    /** Since when the gate holds the count, or {@link #NEVER}. */
    private long frozen;
    /** The half of the square wave. */
    private boolean highHalf;
    /** In the modes that end, whether the end has come. */
    private boolean expired;
    /** The level of the hardware one-shot's pulse. */
    private boolean pulse;
    /** Whether OUT has risen since somebody asked. */
    private boolean risen;

    void reset(long now, boolean gateLevel) {
        time = now;
        control = POWER_UP;
        gate = gateLevel;
        register = 0;
        nullCount = true;
        lowByte = 0;
        expectsHighByte = false;
        readsHighByte = false;
        countLatched = false;
        latchedCount = 0;
        statusLatched = false;
        latchedStatus = 0;
        held = 0;
        stop();
        risen = false;
    }

    private void stop() {
        running = false;
        start = 0;
        loading = false;
        count = 0;
        frozen = NEVER;
        highHalf = true;
        expired = false;
        pulse = false;
    }

    /** The time of the last {@link #advance}. */
    long time() {
        return time;
    }

    private int mode() {
        int mode = control >>> 1 & 7;
        return mode > HARDWARE_STROBE ? mode - 4 : mode;
    }

    private int access() {
        return control >>> 4 & 3;
    }

    private boolean isBinaryCodedDecimal() {
        return (control & 1) != 0;
    }

    boolean isPeriodic() {
        int mode = mode();
        return mode == RATE_GENERATOR || mode == SQUARE_WAVE;
    }

    // ---- the passing of time ------------------------------------------------------------------------------------------

    void advance(long now) {
        if (now <= time) {
            return;
        }
        time = now;
        if (!running) {
            return;
        }
        if (loading && now >= start) {
            loading = false;
            nullCount = false;
            pulse = mode() == ONE_SHOT;
        }
        if (frozen == NEVER && !loading) {
            switch (mode()) {
                case RATE_GENERATOR -> advanceRateGenerator();
                case SQUARE_WAVE -> advanceSquareWave();
                default -> advanceToEnd();
            }
        }
    }

    private void advanceRateGenerator() {
        while (time - start >= period()) {
            start += nullCount ? period() : (time - start) / period() * period();
            takeOverRegister();
            risen = true;
        }
    }

    private void advanceSquareWave() {
        while (time - start >= half()) {
            if (!nullCount && time - start >= period()) {
                start += (time - start) / period() * period();
                risen = true;
            } else {
                start += half();
                highHalf = !highHalf;
                takeOverRegister();
                risen |= highHalf;
            }
        }
    }

    private void takeOverRegister() {
        count = register;
        nullCount = false;
    }

    private void advanceToEnd() {
        if (!expired && time - start >= ticksToEnd()) {
            expired = true;
            pulse = false;
            risen = true;
        }
    }

    /** From the load to the rise of OUT; a strobe falls at the terminal count and rises one tick later. */
    private long ticksToEnd() {
        int mode = mode();
        return mode == SOFTWARE_STROBE || mode == HARDWARE_STROBE ? count + 1L : count;
    }

    /** A count of 1 is illegal in the periodic modes, and taken for 2. */
    private int period() {
        return Math.max(count, 2);
    }

    /** With an odd count, the high half is one tick longer. */
    private int half() {
        return highHalf ? period() + 1 >> 1 : period() >> 1;
    }

    /** The level of OUT. */
    boolean output() {
        return switch (mode()) {
            case TERMINAL_COUNT -> expired;
            case ONE_SHOT -> !pulse;
            case RATE_GENERATOR -> !(isCounting() && time - start == period() - 1);
            case SQUARE_WAVE -> !isCounting() || highHalf;
            default -> !(isCounting() && time - start == count);
        };
    }

    private boolean isCounting() {
        return running && !loading && frozen == NEVER;
    }

    /** Whether OUT has risen since the last call. */
    boolean takeRise() {
        boolean rise = risen;
        risen = false;
        return rise;
    }

    /**
     * Ticks from now to the next rise of OUT, or -1 when there is none to come.
     *
     * @param shortest periodic rises that come earlier than this are passed over
     */
    long ticksToRise(long shortest) {
        if (!running || frozen != NEVER) {
            return -1;
        }
        if (!isPeriodic()) {
            return expired ? -1 : start + ticksToEnd() - time;
        }
        long ticks = start - time + period();
        if (mode() == SQUARE_WAVE) {
            // what is written meanwhile is taken over at the end of this half
            int next = Math.max(register, 2);
            ticks = start - time + half() + (highHalf ? next >> 1 : 0);
        }
        return ticks >= shortest ? ticks : ticks + Math.ceilDiv(shortest - ticks, (long) period()) * period();
    }

    // ---- writing ------------------------------------------------------------------------------------------------------

    /** Writes a control word. */
    void control(int value) {
        if (value >>> 4 == LATCH) {
            latchCount();
            return;
        }
        boolean before = output();
        held = element();
        control = value;
        nullCount = true;
        register = 0;
        expectsHighByte = false;
        readsHighByte = false;
        countLatched = false;
        statusLatched = false;
        stop();
        risen |= !before && output();
    }

    /** Writes a byte of the count. */
    void write(int value) {
        switch (access()) {
            case LOW_BYTE -> setCount(value);
            case HIGH_BYTE -> setCount(value << 8);
            default -> {
                if (expectsHighByte) {
                    expectsHighByte = false;
                    setCount(value << 8 | lowByte);
                } else {
                    expectsHighByte = true;
                    lowByte = value;
                    if (mode() == TERMINAL_COUNT) {
                        // "writing the first byte disables counting; OUT is set low immediately"
                        held = element();
                        stop();
                    }
                }
            }
        }
    }

    private void setCount(int written) {
        int value = isBinaryCodedDecimal() ? fromBinaryCodedDecimal(written) : written;
        register = value == 0 ? modulus() : value;
        nullCount = true;
        switch (mode()) {
            case TERMINAL_COUNT, SOFTWARE_STROBE -> load();
            case RATE_GENERATOR, SQUARE_WAVE -> {
                // while it counts, the end of the period or half takes the new count over
                if (!running || loading) {
                    load();
                }
            }
            default -> {
                // the next trigger takes it over
            }
        }
    }

    /** Loads the counting element at the next CLK. */
    private void load() {
        held = element();
        running = true;
        loading = true;
        start = time + 1;
        count = register;
        highHalf = true;
        expired = false;
        boolean triggered = mode() == ONE_SHOT || mode() == HARDWARE_STROBE;
        frozen = gate || triggered ? NEVER : start;
    }

    void setGate(boolean level) {
        if (level == gate) {
            return;
        }
        gate = level;
        switch (mode()) {
            case TERMINAL_COUNT, SOFTWARE_STROBE -> {
                if (level) {
                    thaw();
                } else {
                    freeze();
                }
            }
            case RATE_GENERATOR, SQUARE_WAVE -> {
                if (!level) {
                    freeze();
                } else if (register != 0) {
                    load();
                }
            }
            default -> {
                if (level && register != 0) {
                    load();
                }
            }
        }
    }

    private void freeze() {
        if (running) {
            frozen = Math.max(time, start);
        }
    }

    private void thaw() {
        if (frozen != NEVER) {
            start += Math.max(time - frozen, 0);
            frozen = NEVER;
        }
    }

    // ---- reading ------------------------------------------------------------------------------------------------------

    void latchCount() {
        if (!countLatched) {
            countLatched = true;
            latchedCount = displayed();
        }
    }

    void latchStatus() {
        if (!statusLatched) {
            statusLatched = true;
            latchedStatus = (output() ? 0x80 : 0) | (nullCount ? 0x40 : 0) | control;
        }
    }

    int read() {
        if (statusLatched) {
            statusLatched = false;
            return latchedStatus;
        }
        int value = countLatched ? latchedCount : displayed();
        boolean high = access() == HIGH_BYTE;
        if (access() != LOW_BYTE && access() != HIGH_BYTE) {
            high = readsHighByte;
            readsHighByte = !readsHighByte;
            countLatched &= !high;
        } else {
            countLatched = false;
        }
        return high ? value >>> 8 : value & 0xFF;
    }

    /** The counting element in the form in which it is read. */
    private int displayed() {
        int value = element();
        return isBinaryCodedDecimal() ? toBinaryCodedDecimal(value % 10_000) : value & 0xFFFF;
    }

    /** The counting element: 0 to 65536. */
    private int element() {
        if (!running || loading) {
            return held;
        }
        long elapsed = (frozen == NEVER ? time : frozen) - start;
        return switch (mode()) {
            case RATE_GENERATOR -> period() - (int) elapsed;
            // counts down by two, from the even number below an odd count
            case SQUARE_WAVE -> (period() & ~1) - 2 * (int) elapsed;
            // goes on from 0 to the highest number, and on
            default -> (int) Math.floorMod(count - elapsed, (long) modulus());
        };
    }

    private int modulus() {
        return isBinaryCodedDecimal() ? 10_000 : 0x10000;
    }

    private static int fromBinaryCodedDecimal(int value) {
        return (value >>> 12) * 1000 + (value >>> 8 & 15) * 100 + (value >>> 4 & 15) * 10 + (value & 15);
    }

    private static int toBinaryCodedDecimal(int value) {
        return value / 1000 << 12 | value / 100 % 10 << 8 | value / 10 % 10 << 4 | value % 10;
    }

    // ---- snapshot -----------------------------------------------------------------------------------------------------

    SavedState save() {
        return SavedState.version(1)
                .put("time", time)
                .put("control", control)
                .put("gate", gate)
                .put("register", register)
                .put("nullCount", nullCount)
                .put("lowByte", lowByte)
                .put("expectsHighByte", expectsHighByte)
                .put("readsHighByte", readsHighByte)
                .put("countLatched", countLatched)
                .put("latchedCount", latchedCount)
                .put("statusLatched", statusLatched)
                .put("latchedStatus", latchedStatus)
                .put("running", running)
                .put("start", start)
                .put("loading", loading)
                .put("count", count)
                .put("held", held)
                .put("frozen", frozen)
                .put("highHalf", highHalf)
                .put("expired", expired)
                .put("pulse", pulse)
                .put("risen", risen)
                .build();
    }

    /** Takes over a saved state; for a field that is missing, what {@link #reset} has set stays. */
    void restore(SavedState state) {
        time = state.number("time", time);
        control = (int) state.number("control", control) & 0x3F;
        gate = state.flag("gate", gate);
        register = (int) Math.clamp(state.number("register", register), 0, 0x10000);
        nullCount = state.flag("nullCount", nullCount);
        lowByte = (int) state.number("lowByte", lowByte) & 0xFF;
        expectsHighByte = state.flag("expectsHighByte", expectsHighByte);
        readsHighByte = state.flag("readsHighByte", readsHighByte);
        countLatched = state.flag("countLatched", countLatched);
        latchedCount = (int) state.number("latchedCount", latchedCount) & 0xFFFF;
        statusLatched = state.flag("statusLatched", statusLatched);
        latchedStatus = (int) state.number("latchedStatus", latchedStatus) & 0xFF;
        running = state.flag("running", running);
        start = state.number("start", start);
        loading = state.flag("loading", loading);
        count = (int) Math.clamp(state.number("count", count), 0, 0x10000);
        held = (int) Math.clamp(state.number("held", held), 0, 0x10000);
        frozen = state.number("frozen", frozen);
        highHalf = state.flag("highHalf", highHalf);
        expired = state.flag("expired", expired);
        pulse = state.flag("pulse", pulse);
        risen = state.flag("risen", risen);
    }
}
