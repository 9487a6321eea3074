package org.bundlevisor.contract;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * Host memory that gives frames out from below and never twice, and knows what is still out. It is a sparse file, so that
 * gigabytes which nobody writes cost nothing.
 */
public final class FrameAllocator implements HostMemory {
    private final MemorySegment segment;
    private final Set<HostRange> given = new HashSet<>();
    private final long limit;
    private long next;

    /**
     * @param size bytes of address space
     * @param limit frames are only given out below this address
     */
    public FrameAllocator(Arena arena, long size, long limit) {
        this.limit = limit;
        try {
            Path file = Files.createTempFile("memory", null);
            try (FileChannel channel = FileChannel.open(
                    file, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE)) {
                segment = channel.map(FileChannel.MapMode.READ_WRITE, 0, size, arena);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public synchronized HostRange allocate(long size, long alignment) throws HostMemoryExhaustedException {
        long address = (next + alignment - 1) / alignment * alignment;
        long whole = (size + FRAME_SIZE - 1) / FRAME_SIZE * FRAME_SIZE;
        if (address + whole > limit) {
            throw new HostMemoryExhaustedException("no room for " + size + " bytes");
        }
        next = address + whole;
        HostRange range = new HostRange(address, whole);
        given.add(range);
        return range;
    }

    @Override
    public synchronized void free(HostRange range) {
        if (!given.remove(range)) {
            throw new IllegalArgumentException(range + " was not given out");
        }
    }

    /** How many pieces are given out and not taken back. */
    public synchronized int framesOut() {
        return given.size();
    }
}
