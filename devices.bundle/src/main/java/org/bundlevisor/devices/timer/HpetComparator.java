package org.bundlevisor.devices.timer;

import org.bundlevisor.state.SavedState;

/** One comparator of an HPET, specification 2.3.8 to 2.3.9. Guarded by the monitor of the block. */
final class HpetComparator {
    private static final int LEVEL = 1 << 1;
    private static final int INTERRUPTS = 1 << 2;
    private static final int PERIODIC = 1 << 3;
    private static final int PERIODIC_CAPABLE = 1 << 4;
    private static final int SIXTY_FOUR_BITS_CAPABLE = 1 << 5;
    private static final int SETS_VALUE = 1 << 6;
    private static final int THIRTY_TWO_BITS = 1 << 8;
    private static final int ROUTE_SHIFT = 9;
    private static final int ROUTE = 0x1F << ROUTE_SHIFT;

    private static final int WRITABLE = LEVEL | INTERRUPTS | PERIODIC | SETS_VALUE | THIRTY_TWO_BITS | ROUTE;

    /** Inputs 16 to 23 of the I/O APIC: those that no ISA interrupt leads to. */
    private static final int ROUTES = 0x00FF_0000;

    private static final long READ_ONLY = (long) ROUTES << 32 | PERIODIC_CAPABLE | SIXTY_FOUR_BITS_CAPABLE;

    private int configuration;
    /** The comparator; in periodic mode it accumulates. */
    private long value;
    /** What is added at each match in periodic mode: the value last written. */
    private long period;
    /** Level-triggered: a match has come and was not cleared. */
    private boolean status;
    /**
     * Edge-triggered: the output is high. It stays so until just before the next edge, because an 8259 wants to see the
     * request until it is acknowledged.
     */
    private boolean edge;
    /** A match has come for which the output is to rise. */
    private boolean rises;

    HpetComparator() {
        reset();
    }

    void reset() {
        configuration = 0;
        value = -1;
        period = 0;
        status = false;
        edge = false;
        rises = false;
    }

    private boolean isSet(int bit) {
        return (configuration & bit) != 0;
    }

    private long mask() {
        return isSet(THIRTY_TWO_BITS) ? 0xFFFF_FFFFL : -1;
    }

    /** Ticks from a value of the main counter to the next match, unsigned; 0 when that is 2⁶⁴. */
    private long distance(long counter) {
        long distance = value - counter & mask();
        // a match that has been seen comes again when the counter has wrapped
        return distance == 0 ? mask() + 1 : distance;
    }

    /**
     * Looks for matches while the main counter moves on.
     *
     * @param ticks by how much, unsigned
     * @return whether there was one; {@link #raise} is to be called then, once the lines have been set
     */
    boolean advance(long counter, long ticks) {
        long distance = distance(counter);
        if (distance == 0 || Long.compareUnsigned(distance, ticks) > 0) {
            return false;
        }
        if (isSet(PERIODIC) && (period & mask()) != 0) {
            long step = period & mask();
            value = value + step * (1 + Long.divideUnsigned(ticks - distance, step)) & mask();
        }
        if (isSet(LEVEL)) {
            status = true;
        } else if (isSet(INTERRUPTS)) {
            edge = false;
            rises = true;
        }
        return true;
    }

    /** Raises the output after a match. */
    void raise() {
        edge |= rises;
        rises = false;
    }

    /** Lowers the output of an edge-triggered interrupt. */
    void lower() {
        edge = false;
    }

    /** The level of the output. */
    boolean isAsserted() {
        return isSet(INTERRUPTS) && (isSet(LEVEL) ? status : edge);
    }

    /** The I/O APIC's input that the output leads to. */
    int route() {
        return (configuration & ROUTE) >>> ROUTE_SHIFT;
    }

    /**
     * Ticks from a value of the main counter to the next match that changes the output; {@link Long#MAX_VALUE} when there is
     * none, or only in some centuries.
     *
     * @param shortest a periodic match that comes earlier than this is passed over
     */
    long ticksToSignal(long counter, long shortest) {
        if (!isSet(INTERRUPTS) || isSet(LEVEL) && status) {
            return Long.MAX_VALUE;
        }
        long distance = distance(counter);
        if (distance <= 0 || distance > Long.MAX_VALUE >> 8) {
            return Long.MAX_VALUE;
        }
        long step = period & mask();
        if (isSet(PERIODIC) && distance < shortest && step > 0 && step < shortest) {
            distance += Math.ceilDiv(shortest - distance, step) * step;
        }
        return distance;
    }

    long configuration() {
        return configuration | READ_ONLY;
    }

    /** @param written which bits are written */
    void configure(long newValue, long written) {
        int next = (int) (newValue & written | configuration & ~written) & WRITABLE;
        if ((ROUTES >>> (next >>> ROUTE_SHIFT & 0x1F) & 1) == 0) {
            // "if the value is not supported by this particular timer, then the value read back will not match what is written"
            next = next & ~ROUTE | configuration & ROUTE;
        }
        int changed = next ^ configuration;
        configuration = next;
        value &= mask();
        if ((changed & (LEVEL | INTERRUPTS | ROUTE)) != 0) {
            edge = false;
        }
        if (!isSet(LEVEL)) {
            status = false;
        }
    }

    long value() {
        return value;
    }

    /**
     * Writes the comparator register. In periodic mode, what is written becomes the period, and with Tn_VAL_SET_CNF the
     * accumulator as well.
     *
     * @param written which bits are written
     */
    void setValue(long newValue, long written) {
        if (isSet(PERIODIC)) {
            period = newValue & written | period & ~written;
        }
        if (!isSet(PERIODIC) || isSet(SETS_VALUE)) {
            value = (newValue & written | value & ~written) & mask();
        }
        configuration &= ~SETS_VALUE;
    }

    boolean status() {
        return status;
    }

    void clearStatus() {
        status = false;
    }

    SavedState save() {
        return SavedState.version(1)
                .put("configuration", configuration)
                .put("value", value)
                .put("period", period)
                .put("status", status)
                .put("edge", edge)
                .build();
    }

    void restore(SavedState state) {
        reset();
        configuration = (int) state.number("configuration", 0) & WRITABLE;
        value = state.number("value", -1) & mask();
        period = state.number("period", 0);
        status = state.flag("status", false);
        edge = state.flag("edge", false);
    }
}
