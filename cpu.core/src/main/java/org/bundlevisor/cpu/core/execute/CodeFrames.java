package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * Which host frames hold bytes that some vCPU of a partition has decoded: one bit for each vCPU, one word for each frame
 * of the reservation, off-heap and so without cost where it is never touched. From any thread.
 */
public final class CodeFrames {
    /** The word's width bounds the number of vCPUs. */
    public static final int MAXIMUM_CPUS = 64;

    private static final VarHandle WORD = JAVA_LONG.varHandle();

    private final HostMemory host;
    private final HostRange range;
    private final MemorySegment memory;

    public CodeFrames(HostMemory host) throws HostMemoryExhaustedException {
        this.host = host;
        this.range = host.allocate(host.segment().byteSize() / HostMemory.FRAME_SIZE * Long.BYTES,
                HostMemory.FRAME_SIZE);
        this.memory = host.segment();
    }

    /** The vCPUs, one bit each, that have decoded bytes of a frame. */
    long cpus(long frame) {
        return (long) WORD.getVolatile(memory, range.address() + frame * Long.BYTES);
    }

    void add(long frame, int cpu) {
        WORD.getAndBitwiseOr(memory, range.address() + frame * Long.BYTES, 1L << cpu);
    }

    void remove(long frame, int cpu) {
        WORD.getAndBitwiseAnd(memory, range.address() + frame * Long.BYTES, ~(1L << cpu));
    }

    public void close() {
        host.free(range);
    }
}
