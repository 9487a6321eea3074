package org.bundlevisor.cpu.vtx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * The I/O bitmaps and the MSR bitmaps of a partition in host memory, SDM vol. 3C, 25.6.4 and 25.6.9. All ports exit, and all
 * MSRs but those that are nobody's business but the guest's. Filled once, then read by all vCPUs.
 */
final class ControlBitmaps implements AutoCloseable {
    private static final long PAGE = 4096;
    private static final int MSR_LOW_END = 0x1fff;
    private static final int MSR_HIGH = 0xc000_0000;

    /** Byte offsets of the bitmaps in the MSR-bitmap page: reads of low and high MSRs, then writes. */
    private static final int READ_HIGH = 1024;

    private static final int WRITES = 2048;

    /** IA32_SYSENTER_CS, ESP, EIP; STAR, LSTAR, CSTAR, FMASK; FS.base, GS.base, KernelGSbase, TSC_AUX. */
    private static final int[] GUEST_OWNED = {
        0x174, 0x175, 0x176,
        0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084,
        0xc000_0100, 0xc000_0101, 0xc000_0102, 0xc000_0103
    };

    private final HostMemory memory;
    private final MemorySegment segment;
    private final HostRange pages;

    ControlBitmaps(HostMemory memory) throws HostMemoryExhaustedException {
        this.memory = memory;
        this.segment = memory.segment();
        this.pages = memory.allocate(3 * PAGE, PAGE);
        segment.asSlice(pages.address(), pages.size()).fill((byte) 0xff);
        for (int index : GUEST_OWNED) {
            for (boolean write : new boolean[] {false, true}) {
                long bit = msrBit(index, write);
                long at = msrs() + (bit >>> 3);
                int cleared = segment.get(ValueLayout.JAVA_BYTE, at) & ~(1 << (bit & 7));
                segment.set(ValueLayout.JAVA_BYTE, at, (byte) cleared);
            }
        }
    }

    long ioA() {
        return pages.address();
    }

    long ioB() {
        return pages.address() + PAGE;
    }

    long msrs() {
        return pages.address() + 2 * PAGE;
    }

    /** Whether an access to the port exits; bitmap A covers ports 0000H to 7FFFH, B those above. */
    boolean port(int port) {
        return bit(ioA(), port);
    }

    /** Whether RDMSR or WRMSR exits; it does for all MSRs outside of the bitmaps' ranges. */
    boolean msr(int index, boolean write) {
        long bit = msrBit(index, write);
        return bit < 0 || bit(msrs(), bit);
    }

    private static long msrBit(int index, boolean write) {
        long half = write ? WRITES * 8L : 0;
        if (index >= 0 && index <= MSR_LOW_END) {
            return half + index;
        }
        if (index >= MSR_HIGH && index <= (MSR_HIGH | MSR_LOW_END)) {
            return half + READ_HIGH * 8L + (index & MSR_LOW_END);
        }
        return -1;
    }

    private boolean bit(long base, long bit) {
        return (segment.get(ValueLayout.JAVA_BYTE, base + (bit >>> 3)) >>> (bit & 7) & 1) != 0;
    }

    @Override
    public void close() {
        memory.free(pages);
    }
}
