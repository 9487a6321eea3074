package org.bundlevisor.devices;

/**
 * A frequency as an exact fraction of the machine's clock: so many ticks in so many nanoseconds. Whatever counts ticks from
 * nanosecond 0 by the same rate agrees with it to the last tick.
 *
 * @param ticks 1 to 9,000,000,000
 * @param nanoseconds 1 to 1,000,000,000
 */
public record Rate(long ticks, long nanoseconds) {
    private static final long MOST_TICKS = 9_000_000_000L;
    private static final long SECOND = 1_000_000_000L;

    public Rate {
        // so that neither product below exceeds 63 bits
        if (ticks < 1 || ticks > MOST_TICKS || nanoseconds < 1 || nanoseconds > SECOND) {
            throw new IllegalArgumentException(
                    "a rate has 1 to 9000000000 ticks in 1 to 1000000000 ns, not " + ticks + " in " + nanoseconds);
        }
    }

    /** A rate of so many ticks a second, 1 to 9,000,000,000. */
    public static Rate hertz(long frequency) {
        return new Rate(frequency, SECOND);
    }

    /** How many whole ticks have passed at a time: floor(time × ticks ÷ nanoseconds). */
    public long ticksAt(long time) {
        return time / nanoseconds * ticks + time % nanoseconds * ticks / nanoseconds;
    }

    /** The earliest time at which so many ticks have passed, or {@link Long#MAX_VALUE} when that is beyond it. */
    public long timeOf(long tick) {
        long whole = tick / ticks;
        if (whole > Long.MAX_VALUE / nanoseconds - 1) {
            return Long.MAX_VALUE;
        }
        return whole * nanoseconds + (tick % ticks * nanoseconds + ticks - 1) / ticks;
    }
}
