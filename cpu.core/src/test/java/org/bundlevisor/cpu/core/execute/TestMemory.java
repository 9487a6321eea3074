package org.bundlevisor.cpu.core.execute;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/** Host memory for one test; what is given back is not used again. */
final class TestMemory implements HostMemory, AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    /** The first frame stays unused, so that address 0 is nobody's. */
    private long next = FRAME_SIZE;

    TestMemory(long size) {
        segment = arena.allocate(size, FRAME_SIZE);
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public HostRange allocate(long size, long alignment) throws HostMemoryExhaustedException {
        long unit = Math.max(alignment, FRAME_SIZE);
        long address = next + unit - 1 & -unit;
        long rounded = size + FRAME_SIZE - 1 & -FRAME_SIZE;
        if (address + rounded > segment.byteSize()) {
            throw new HostMemoryExhaustedException("the test's memory of " + segment.byteSize() + " bytes is used up");
        }
        next = address + rounded;
        return new HostRange(address, rounded);
    }

    @Override
    public void free(HostRange range) {
        segment.asSlice(range.address(), range.size()).fill((byte) 0);
    }

    @Override
    public void close() {
        arena.close();
    }
}
