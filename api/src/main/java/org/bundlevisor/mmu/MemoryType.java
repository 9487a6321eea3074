package org.bundlevisor.mmu;

/** The memory types of the architecture with their encoding, SDM vol. 3A, table 13-2. */
public enum MemoryType {
    UNCACHEABLE(0),
    WRITE_COMBINING(1),
    WRITE_THROUGH(4),
    WRITE_PROTECTED(5),
    WRITE_BACK(6);

    private final int encoding;

    MemoryType(int encoding) {
        this.encoding = encoding;
    }

    /** The encoding that MTRRs, the PAT and EPT entries share. */
    public int encoding() {
        return encoding;
    }
}
