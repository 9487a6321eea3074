package org.bundlevisor.machine.bus;

import java.util.Comparator;
import java.util.List;
import org.bundlevisor.device.IoRegion;

/**
 * The memory bus outside of RAM: register blocks by rising address. Addresses without a device read as all ones, and an
 * access that a block does not hold as a whole is split into bytes.
 */
public final class MemoryBus {
    private final IoRegion[] regions;
    private final long[] starts;
    private final long[] lengths;

    /** @throws IllegalArgumentException in one sentence, when blocks overlap */
    public MemoryBus(List<Placement> placements) {
        List<Placement> sorted = placements.stream()
                .sorted(Comparator.comparingLong(Placement::address))
                .toList();
        for (int index = 1; index < sorted.size(); index++) {
            Placement lower = sorted.get(index - 1);
            Placement upper = sorted.get(index);
            if (lower.overlaps(upper)) {
                throw new IllegalArgumentException("the registers " + upper.describe() + " overlap with "
                        + lower.describe() + ": move one of the two");
            }
        }
        regions = sorted.stream().map(Placement::region).toArray(IoRegion[]::new);
        starts = sorted.stream().mapToLong(Placement::address).toArray();
        lengths = sorted.stream().mapToLong(block -> block.region().length()).toArray();
    }

    /**
     * Reads.
     *
     * @param size 1, 2, 4 or 8
     */
    public long read(long gpa, int size) {
        int block = find(gpa);
        if (block >= 0 && gpa - starts[block] + size <= lengths[block]) {
            return regions[block].read(gpa - starts[block], size) & ~0L >>> 64 - 8 * size;
        }
        return size == 1 ? 0xff : readBytes(gpa, size);
    }

    /** Writes; parameters as for {@link #read}. */
    public void write(long gpa, int size, long value) {
        int block = find(gpa);
        if (block >= 0 && gpa - starts[block] + size <= lengths[block]) {
            regions[block].write(gpa - starts[block], size, value & ~0L >>> 64 - 8 * size);
        } else if (size > 1) {
            writeBytes(gpa, size, value);
        }
    }

    /** The last block that begins at or below the address, or -1. */
    private int find(long gpa) {
        int low = 0;
        int high = starts.length;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (starts[middle] <= gpa) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low - 1;
    }

    private long readBytes(long gpa, int size) {
        long value = 0;
        for (int index = 0; index < size; index++) {
            value |= read(gpa + index, 1) << 8 * index;
        }
        return value;
    }

    private void writeBytes(long gpa, int size, long value) {
        for (int index = 0; index < size; index++) {
            write(gpa + index, 1, value >>> 8 * index);
        }
    }
}
