package org.bundlevisor.memory;

/**
 * A contiguous piece of host memory that was given out by {@link HostMemory#allocate}.
 *
 * @param address host-physical address of the first byte, a multiple of {@link HostMemory#FRAME_SIZE}
 * @param size length in bytes, a positive multiple of {@link HostMemory#FRAME_SIZE}
 */
public record HostRange(long address, long size) {
    public HostRange {
        if (address < 0 || size <= 0 || (address | size) % HostMemory.FRAME_SIZE != 0) {
            throw new IllegalArgumentException(
                    "host range 0x%x + 0x%x is not made of whole frames".formatted(address, size));
        }
    }

    /** The first address behind the range. */
    public long end() {
        return address + size;
    }
}
