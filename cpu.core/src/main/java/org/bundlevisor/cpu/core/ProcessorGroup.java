package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.core.execute.CpuGroup;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/** What the processors of one partition share. From any thread. */
public final class ProcessorGroup implements AutoCloseable {
    private final CpuGroup group;

    public ProcessorGroup(HostMemory memory) throws HostMemoryExhaustedException {
        group = new CpuGroup(memory);
    }

    CpuGroup group() {
        return group;
    }

    /** Makes all processors forget what they decoded from host memory that something else has written. */
    public void memoryWritten(long hostPhysical, long size) {
        group.wroteFromOutside(hostPhysical, size);
    }

    /** Gives shared tables back. All processors are closed. */
    @Override
    public void close() {
        group.close();
    }
}
