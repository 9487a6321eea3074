package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;

/**
 * Messages to a vCPU about memory that holds decoded code. Written by any thread, taken by the vCPU's own; seldom used, so
 * a monitor will do.
 */
final class CodeNotices {
    /** In the place of a size: the frame at the address was decoded by another vCPU. */
    static final long DECODED = 0;

    /** In the place of a size: another vCPU, when it learnt of the decoding, may have written to the frame already. */
    static final long DOUBTED = -1;

    /** Pairs of address and size. */
    private long[] pairs = new long[16];

    private int used;

    synchronized void wrote(long hostPhysical, long size) {
        add(hostPhysical, size);
    }

    synchronized void decoded(long frame) {
        add(frame << 12, DECODED);
    }

    synchronized void doubted(long frame) {
        add(frame << 12, DOUBTED);
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
