package org.bundlevisor.mmu.ept;

import org.bundlevisor.mmu.MemoryType;

/**
 * What the bits of a paging-structure entry mean. Levels are counted from the leaves: 1 is a page table (4 KiB pages), 2
 * a page directory (2 MiB), 3 a page-directory-pointer table (1 GiB), 4 the top-level table. Stateless.
 */
interface EntryFormat {
    /** The widest physical address of both architectures: bits 51:12 of an entry hold one. */
    long ADDRESS = 0x000f_ffff_ffff_f000L;

    /** In both formats, above the last level: the entry maps a page. */
    long LARGE_PAGE = 1 << 7;

    /** The bits of an address that lie within a page of the level. */
    static long offsetMask(int level) {
        return FourLevelTables.pageSize(level) - 1;
    }

    /** The format's name, as in {@link org.bundlevisor.mmu.SecondLevelPaging#FORMAT}. */
    String name();

    /** @throws IllegalArgumentException when a page cannot have exactly these rights */
    void checkRights(int rights);

    /** An entry that points to the next lower table and takes no right away. */
    long table(long address);

    /** An entry that maps a page, neither accessed nor dirty. */
    long page(long address, int level, int rights, MemoryType type);

    boolean isPresent(long entry);

    /** Whether a present entry maps a page rather than pointing to a table. */
    default boolean isPage(long entry, int level) {
        return level == 1 || level <= 3 && (entry & LARGE_PAGE) != 0;
    }

    /** Whether a present entry holds what the format forbids, but for addresses beyond the end of host memory. */
    boolean isMisconfigured(long entry, int level);

    /** The host-physical address in a present entry. */
    long address(long entry, int level);

    /** The rights that a present entry grants. */
    int rights(long entry);

    /** A page's entry with its rights replaced. */
    long withRights(long page, int rights);

    /**
     * The entry, one level lower, for a part of a page that is split; it keeps rights, memory type, accessed and dirty.
     *
     * @param level of the page that is split, 2 or 3
     * @param index 0 to 511
     */
    long part(long page, int level, int index);

    /** The bit that says that an entry was used. */
    long accessedBit();

    /** The bit that says that a page was written. */
    long dirtyBit();
}
