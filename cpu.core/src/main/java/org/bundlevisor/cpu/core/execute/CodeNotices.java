package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;

/**
 * Messages to a vCPU about memory that holds decoded code. Written by any thread, taken by the vCPU's own; seldom used, so
 * a monitor will do.
 */
final class CodeNotices {
    /** Pairs of address and size; a size of 0 means that the frame at the address was decoded by another vCPU. */
    private long[] pairs = new long[16];

    private int used;

    synchronized void wrote(long hostPhysical, long size) {
        add(hostPhysical, size);
    }

    synchronized void decoded(long frame) {
        add(frame << 12, 0);
    }

    private void add(long address, long size) {
        if (used == pairs.length) {
            pairs = Arrays.copyOf(pairs, used * 2);
        }
        pairs[used++] = address;
        pairs[used++] = size;
    }

    /** All messages since the last call, oldest first. */
    synchronized long[] take() {
        long[] taken = Arrays.copyOf(pairs, used);
        used = 0;
        return taken;
    }
}
