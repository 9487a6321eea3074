package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A contiguous block of a device's registers. */
@ConsumerType
public interface IoRegion {
    /** The block's name within the device, by which the machine decides on its address, for example {@code registers}. */
    String name();

    /** Length in bytes: 1 and up. */
    long length();

    /**
     * Reads registers.
     *
     * @param offset from the start of the region; the access lies in it as a whole
     * @param size 1, 2 or 4 bytes, for memory-mapped regions also 8
     * @return the value, zero-extended
     */
    long read(long offset, int size);

    /** Writes registers; parameters as for {@link #read}. */
    void write(long offset, int size, long value);
}
