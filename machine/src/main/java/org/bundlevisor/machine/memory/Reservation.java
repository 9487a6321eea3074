package org.bundlevisor.machine.memory;

import java.lang.foreign.MemorySegment;

/** Address space of this process whose pages the host fills in when they are first written. */
interface Reservation extends AutoCloseable {
    MemorySegment segment();

    /** Makes whole frames read as zeroes again and lets the host have their pages back, where it can. */
    void discard(long address, long size);

    /** What it is, for the log. */
    String description();

    @Override
    void close();
}
