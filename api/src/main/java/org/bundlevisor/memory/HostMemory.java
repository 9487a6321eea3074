package org.bundlevisor.memory;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The platform's host memory, a service: one large off-heap reservation, given out in frames. A host-physical address
 * (HPA) is an offset into {@link #segment()}. Frames cost nothing before they are first written.
 *
 * <p>All methods may be called from any thread. Access through the segment is bounds-checked; which frames a virtual
 * machine reaches is decided by its second-level tables alone.
 */
@ProviderType
public interface HostMemory {
    /** Size in bytes of the smallest piece that is given out: 4 KiB, the architecture's smallest page. */
    long FRAME_SIZE = 4096;

    /** The whole reservation. It stays valid for as long as this service is registered. */
    MemorySegment segment();

    /**
     * Gives out zero-filled frames.
     *
     * @param size in bytes; rounded up to whole frames
     * @param alignment of the range's address in bytes, a power of two; at least {@link #FRAME_SIZE} is used
     * @throws HostMemoryExhaustedException when no such range is free
     */
    HostRange allocate(long size, long alignment) throws HostMemoryExhaustedException;

    /**
     * Takes frames back and returns their contents to the host. The caller guarantees that nothing reaches them any more.
     *
     * @throws IllegalArgumentException when the range was not given out by {@link #allocate}
     */
    void free(HostRange range);
}
