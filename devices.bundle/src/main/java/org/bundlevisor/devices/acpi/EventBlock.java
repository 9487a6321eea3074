package org.bundlevisor.devices.acpi;

/**
 * A block of event registers, ACPI 4.8.1 "ACPI Event Programming Model": 16 status bits, which are cleared by writing ones
 * to them, and behind them 16 enable bits. Guarded by its device's monitor.
 */
final class EventBlock {
    static final int LENGTH = 4;

    private final int implemented;
    private int status;
    private int enable;

    /** @param implemented the bits that there are; others read as zero */
    EventBlock(int implemented) {
        this.implemented = implemented;
    }

    long read(long offset, int size) {
        return (status | (long) enable << 16) >>> 8 * offset & mask(size);
    }

    void write(long offset, int size, long value) {
        long written = mask(size) << 8 * offset;
        long bits = value << 8 * offset & written;
        status &= (int) ~bits;
        enable = (int) (enable & ~(written >>> 16) | bits >>> 16) & implemented;
    }

    private static long mask(int size) {
        return (1L << 8 * size) - 1;
    }

    void raise(int bits) {
        status |= bits & implemented;
    }

    /** Whether an event that is enabled has happened. */
    boolean pending() {
        return (status & enable) != 0;
    }

    /** Whether these events are enabled and have not happened yet. */
    boolean awaits(int bits) {
        return (enable & ~status & bits) != 0;
    }

    int status() {
        return status;
    }

    int enable() {
        return enable;
    }

    void restore(long status, long enable) {
        this.status = (int) status & implemented;
        this.enable = (int) enable & implemented;
    }
}
