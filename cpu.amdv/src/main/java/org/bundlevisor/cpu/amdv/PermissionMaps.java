package org.bundlevisor.cpu.amdv;

import org.bundlevisor.cpu.core.PermissionBits;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/**
 * The I/O permission map and the MSR permission map of a partition in host memory, APM vol. 2, 15.10.1 and 15.11. All ports
 * are intercepted, and all MSRs but those that are nobody's business but the guest's. Filled once, then read by all vCPUs.
 */
final class PermissionMaps implements AutoCloseable {
    /** 64 Kbits, and three more for accesses that begin at the last port. */
    static final long IOPM_SIZE = 12 << 10;

    static final long MSRPM_SIZE = 8 << 10;

    /** MSRs in each of the three vectors of 2 KiB, two bits each: read, write. */
    private static final int VECTOR = 0x2000;

    private static final int[] VECTOR_BASES = {0, 0xc000_0000, 0xc001_0000};

    private final PermissionBits ports;
    private final PermissionBits msrs;

    PermissionMaps(HostMemory memory) throws HostMemoryExhaustedException {
        ports = new PermissionBits(memory, IOPM_SIZE);
        try {
            msrs = new PermissionBits(memory, MSRPM_SIZE);
        } catch (HostMemoryExhaustedException e) {
            ports.close();
            throw e;
        }
        for (int index : PermissionBits.guestOwnedMsrs()) {
            msrs.clear(msrBit(index, false));
            msrs.clear(msrBit(index, true));
        }
    }

    /** Host-physical address of the I/O permission map. */
    long iopm() {
        return ports.address();
    }

    /** Host-physical address of the MSR permission map. */
    long msrpm() {
        return msrs.address();
    }

    /** Whether an access to the port is intercepted. */
    boolean port(int port) {
        return ports.isSet(port);
    }

    /** Whether RDMSR or WRMSR is intercepted; it is for all MSRs that the map does not cover. */
    boolean msr(int index, boolean write) {
        long bit = msrBit(index, write);
        return bit < 0 || msrs.isSet(bit);
    }

    private static long msrBit(int index, boolean write) {
        for (int vector = 0; vector < VECTOR_BASES.length; vector++) {
            int number = index - VECTOR_BASES[vector];
            if (number >= 0 && number < VECTOR) {
                return 2L * (vector * VECTOR + number) + (write ? 1 : 0);
            }
        }
        return -1;
    }

    @Override
    public void close() {
        ports.close();
        msrs.close();
    }
}
