package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/**
 * Remembers recent answers of the second-level tables by guest-physical page, so that the guest's page walks seldom call
 * into the paging bundle. Direct-mapped; belongs to one vCPU's thread.
 */
final class SecondLevelCache {
    private static final int ENTRIES = 1024;

    private final SecondLevelTables tables;
    private final Translation answer = new Translation();

    /** Guest-physical page number + 1, so that zero means empty. */
    private final long[] tags = new long[ENTRIES];

    private final long[] hostPages = new long[ENTRIES];

    /** Rights that need no further walk: WRITE only with the dirty bit set, nothing that has not been accessed. */
    private final byte[] rights = new byte[ENTRIES];

    SecondLevelCache(SecondLevelTables tables) {
        this.tables = tables;
    }

    /**
     * The host-physical address for an access, or -1 when the tables refuse it; {@link #answer()} then says why.
     *
     * @param access as in {@link SecondLevelTables#translate}
     */
    long translate(long gpa, int access) {
        long page = gpa >>> 12;
        int slot = (int) page & ENTRIES - 1;
        int right = access & SecondLevelTables.ALL;
        if (tags[slot] == page + 1 && (rights[slot] & right) == right) {
            return hostPages[slot] + (gpa & 0xFFF);
        }
        tables.translate(gpa, access, answer);
        if (!answer.isPage()) {
            return -1;
        }
        tags[slot] = page + 1;
        hostPages[slot] = answer.hostPhysical() & ~0xFFFL;
        int granted = answer.rights();
        rights[slot] = (byte) (answer.dirty() ? granted : granted & ~SecondLevelTables.WRITE);
        return answer.hostPhysical();
    }

    /** Whether a write to the page that was translated last needs no further walk. */
    boolean writable(long gpa) {
        long page = gpa >>> 12;
        int slot = (int) page & ENTRIES - 1;
        return tags[slot] == page + 1 && (rights[slot] & SecondLevelTables.WRITE) != 0;
    }

    /** Whether instruction fetches from the page that was translated last are permitted. */
    boolean executable(long gpa) {
        long page = gpa >>> 12;
        int slot = (int) page & ENTRIES - 1;
        return tags[slot] == page + 1 && (rights[slot] & SecondLevelTables.EXECUTE) != 0;
    }

    /** The tables' last answer, for a refusal. */
    Translation answer() {
        return answer;
    }

    void flush() {
        Arrays.fill(tags, 0);
    }
}
