package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.core.PermissionBits;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;

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

    private final PermissionBits bits;

    ControlBitmaps(HostMemory memory) throws HostMemoryExhaustedException {
        this.bits = new PermissionBits(memory, 3 * PAGE);
        for (int index : PermissionBits.guestOwnedMsrs()) {
            bits.clear(msrBit(index, false));
            bits.clear(msrBit(index, true));
        }
    }

    long ioA() {
        return bits.address();
    }

    long ioB() {
        return bits.address() + PAGE;
    }

    long msrs() {
        return bits.address() + 2 * PAGE;
    }

    /** Whether an access to the port exits; bitmap A covers ports 0000H to 7FFFH, B those above. */
    boolean port(int port) {
        return bits.isSet(port);
    }

    /** Whether RDMSR or WRMSR exits; it does for all MSRs outside of the bitmaps' ranges. */
    boolean msr(int index, boolean write) {
        long bit = msrBit(index, write);
        return bit < 0 || bits.isSet(bit);
    }

    /** Counted from the start of bitmap A; negative for MSRs that have no bit. */
    private static long msrBit(int index, boolean write) {
        long half = (2 * PAGE + (write ? WRITES : 0)) * 8L;
        if (index >= 0 && index <= MSR_LOW_END) {
            return half + index;
        }
        if (index >= MSR_HIGH && index <= (MSR_HIGH | MSR_LOW_END)) {
            return half + READ_HIGH * 8L + (index & MSR_LOW_END);
        }
        return -1;
    }

    @Override
    public void close() {
        bits.close();
    }
}
