package org.bundlevisor.cpu.core.backend;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/** Host memory that gives frames out from below and never twice. */
final class BenchMemory implements HostMemory {
    private final MemorySegment segment;
    private long next;

    BenchMemory(Arena arena, long size) {
        segment = arena.allocate(size, FRAME_SIZE);
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public synchronized HostRange allocate(long size, long alignment) throws HostMemoryExhaustedException {
        long whole = (size + FRAME_SIZE - 1) / FRAME_SIZE * FRAME_SIZE;
        long step = Math.max(alignment, FRAME_SIZE);
        long address = (next + step - 1) / step * step;
        if (address + whole > segment.byteSize()) {
            throw new HostMemoryExhaustedException("the test's host memory has no room for " + size + " bytes");
        }
        next = address + whole;
        return new HostRange(address, whole);
    }

    @Override
    public void free(HostRange range) {
        segment.asSlice(range.address(), range.size()).fill((byte) 0);
    }
}
