package org.bundlevisor.machine.memory;

import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/** Which frames of an address range are free: first fit, neighbours coalesce. Not thread-safe. */
final class FrameAllocator {
    private final long size;

    /** Free ranges that do not touch: address to size. */
    private final TreeMap<Long, Long> free = new TreeMap<>();

    private final Map<Long, Long> taken = new HashMap<>();

    /** @param size of the whole range in bytes, a multiple of the frame size */
    FrameAllocator(long size) {
        this.size = size;
        free.put(0L, size);
    }

    HostRange allocate(long wanted, long alignment) throws HostMemoryExhaustedException {
        if (wanted <= 0 || Long.bitCount(alignment) != 1) {
            throw new IllegalArgumentException(
                    "cannot allocate %d bytes of host memory aligned to %d (expected a positive size and a power of two)"
                            .formatted(wanted, alignment));
        }
        if (wanted > size) {
            throw exhausted(wanted);
        }
        long frames = roundUp(wanted, HostMemory.FRAME_SIZE);
        long step = Math.max(alignment, HostMemory.FRAME_SIZE);
        for (Map.Entry<Long, Long> range : free.entrySet()) {
            long start = range.getKey();
            long end = start + range.getValue();
            long address = roundUp(start, step);
            if (address >= start && address <= end - frames) {
                free.remove(start);
                if (address > start) {
                    free.put(start, address - start);
                }
                if (address + frames < end) {
                    free.put(address + frames, end - address - frames);
                }
                taken.put(address, frames);
                return new HostRange(address, frames);
            }
        }
        throw exhausted(wanted);
    }

    /** Checks that the range was given out, before anybody touches its contents. */
    void check(HostRange range) {
        Long known = taken.get(range.address());
        if (known == null || known != range.size()) {
            throw new IllegalArgumentException(
                    "host range 0x%x + 0x%x was not given out or is free already".formatted(range.address(),
                            range.size()));
        }
    }

    void free(HostRange range) {
        check(range);
        taken.remove(range.address());
        long start = range.address();
        long end = range.end();
        Map.Entry<Long, Long> below = free.floorEntry(start);
        if (below != null && below.getKey() + below.getValue() == start) {
            start = below.getKey();
            free.remove(start);
        }
        Long above = free.remove(end);
        if (above != null) {
            end += above;
        }
        free.put(start, end - start);
    }

    /** Bytes that are not given out. */
    long available() {
        return free.values().stream().mapToLong(Long::longValue).sum();
    }

    private HostMemoryExhaustedException exhausted(long wanted) {
        return new HostMemoryExhaustedException(
                "host memory has no free range of %d MiB (%d of %d MiB are free): stop other machines or give this one less memory"
                        .formatted((wanted + (1 << 20) - 1) >> 20, available() >> 20, size >> 20));
    }

    private static long roundUp(long value, long step) {
        return (value + step - 1) & -step;
    }
}
