package org.bundlevisor.cpu.core;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * Bits in host memory that say what a guest may not do by itself, as both vendors' maps of ports and of model-specific
 * registers do: 1 stops the processor. All bits are 1 at first. Filled by one thread, then read by all vCPUs.
 */
public final class PermissionBits implements AutoCloseable {
    /** IA32_SYSENTER_CS, ESP, EIP; STAR, LSTAR, CSTAR, FMASK; FS.base, GS.base, KernelGSbase, TSC_AUX. */
    private static final int[] GUEST_OWNED = {
        0x174, 0x175, 0x176,
        0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084,
        0xc000_0100, 0xc000_0101, 0xc000_0102, 0xc000_0103
    };

    private final HostMemory memory;
    private final MemorySegment segment;
    private final HostRange range;

    /** @param size in bytes */
    public PermissionBits(HostMemory memory, long size) throws HostMemoryExhaustedException {
        this.memory = memory;
        this.segment = memory.segment();
        this.range = memory.allocate(size, HostMemory.FRAME_SIZE);
        segment.asSlice(range.address(), range.size()).fill((byte) 0xff);
    }

    /** The model-specific registers that are nobody's business but the guest's. */
    public static int[] guestOwnedMsrs() {
        return GUEST_OWNED.clone();
    }

    /** Host-physical address of the first byte. */
    public long address() {
        return range.address();
    }

    public boolean isSet(long bit) {
        return (segment.get(ValueLayout.JAVA_BYTE, range.address() + (bit >>> 3)) >>> (bit & 7) & 1) != 0;
    }

    public void clear(long bit) {
        long at = range.address() + (bit >>> 3);
        int cleared = segment.get(ValueLayout.JAVA_BYTE, at) & ~(1 << (bit & 7));
        segment.set(ValueLayout.JAVA_BYTE, at, (byte) cleared);
    }

    /** Gives the memory back. */
    @Override
    public void close() {
        memory.free(range);
    }
}
