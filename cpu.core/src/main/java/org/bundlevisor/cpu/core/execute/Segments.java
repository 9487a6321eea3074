package org.bundlevisor.cpu.core.execute;

/** Segment registers: checks of accesses, loading, and descriptors in memory. SDM vol. 3A, chapters 3 and 6. */
final class Segments {
    private Segments() {}

    /**
     * Checks an access against the type and the limit of its segment, SDM vol. 3A, 6.3 and 6.4; raises #GP(0), or #SS(0) for
     * the stack segment.
     */
    static void check(Cpu cpu, int segment, long offset, int size, boolean write) {
        int attributes = cpu.segmentAttributes[segment];
        boolean code = (attributes & 8) != 0;
        boolean writable = !code && (attributes & 2) != 0;
        boolean readable = !code || (attributes & 2) != 0;
        boolean usable = (attributes & 1 << 16) == 0 || cpu.realMode();
        long limit = cpu.segmentLimit[segment] & 0xFFFF_FFFFL;
        long last = offset + size - 1;
        boolean expandDown = !code && (attributes & 4) != 0;
        boolean inside;
        if (expandDown) {
            long top = (attributes & 1 << 14) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
            inside = offset > limit && last <= top;
        } else {
            inside = last <= limit;
        }
        boolean allowed = write ? writable : readable;
        if (!usable || !inside || !allowed && cpu.protectedMode()) {
            throw cpu.raise(segment == Cpu.SS ? Vectors.STACK_FAULT : Vectors.GENERAL_PROTECTION, 0);
        }
    }
}
