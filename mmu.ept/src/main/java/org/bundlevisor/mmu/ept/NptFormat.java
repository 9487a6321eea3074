package org.bundlevisor.mmu.ept;

import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;

/**
 * Entries of AMD's nested page tables: the ordinary ones of long mode, APM vol. 2, 5.3.3 and 15.25, walked as user accesses
 * (15.25.5) on a host with EFER.NXE set.
 */
final class NptFormat implements EntryFormat {
    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long USER = 1 << 2;
    private static final int WRITE_THROUGH_SHIFT = 3;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long NO_EXECUTE = 1L << 63;

    /** The highest bit of the index into the PAT lies elsewhere in the entry of a large page, APM vol. 2, 5.4.1. */
    private static final long SMALL_PAGE_PAT = 1 << 7;

    private static final long LARGE_PAGE_PAT = 1 << 12;

    /** Bits 8:7 of a PML4 entry must be zero, APM vol. 2, figure 5-21. */
    private static final long TOP_RESERVED = 0x180;

    /**
     * Where the host's PAT register holds a memory type: nested entries choose from that register, APM vol. 2, 15.25.8. The
     * register is WB, WC, UC-, UC, WB, WP, UC-, WT from PA0 to PA7.
     */
    private static int patIndex(MemoryType type) {
        return switch (type) {
            case WRITE_BACK -> 0;
            case WRITE_COMBINING -> 1;
            case UNCACHEABLE -> 3;
            case WRITE_PROTECTED -> 5;
            case WRITE_THROUGH -> 7;
        };
    }

    @Override
    public String name() {
        return SecondLevelPaging.NPT;
    }

    @Override
    public void checkRights(int rights) {
        if ((rights & ~ALL) != 0 || (rights & READ) == 0) {
            throw new IllegalArgumentException(
                    "an NPT entry cannot grant the rights 0x%x: expected read, and write and execute only together with it"
                            .formatted(rights));
        }
    }

    @Override
    public long table(long address) {
        return address | PRESENT | WRITABLE | USER;
    }

    @Override
    public long page(long address, int level, int rights, MemoryType type) {
        int index = patIndex(type);
        long high = (index & 4) == 0 ? 0 : level == 1 ? SMALL_PAGE_PAT : LARGE_PAGE_PAT;
        long size = level == 1 ? 0 : LARGE_PAGE;
        return withRights(address | (long) (index & 3) << WRITE_THROUGH_SHIFT | high | size, rights);
    }

    @Override
    public boolean isPresent(long entry) {
        return (entry & PRESENT) != 0;
    }

    @Override
    public boolean isMisconfigured(long entry, int level) {
        if (level == 4) {
            return (entry & TOP_RESERVED) != 0;
        }
        return isPage(entry, level) && (entry & ADDRESS & EntryFormat.offsetMask(level) & ~LARGE_PAGE_PAT) != 0;
    }

    @Override
    public long address(long entry, int level) {
        return entry & ADDRESS & (isPage(entry, level) ? ~EntryFormat.offsetMask(level) : ~0L);
    }

    /** A page without the user bit grants the guest nothing, APM vol. 2, 15.25.5. */
    @Override
    public int rights(long entry) {
        if ((entry & USER) == 0) {
            return 0;
        }
        return READ | ((entry & WRITABLE) != 0 ? WRITE : 0) | ((entry & NO_EXECUTE) == 0 ? EXECUTE : 0);
    }

    @Override
    public long withRights(long page, int rights) {
        return page & ~(WRITABLE | NO_EXECUTE)
                | PRESENT
                | USER
                | ((rights & WRITE) != 0 ? WRITABLE : 0)
                | ((rights & EXECUTE) != 0 ? 0 : NO_EXECUTE);
    }

    @Override
    public long part(long page, int level, int index) {
        long distance = index * FourLevelTables.pageSize(level - 1);
        if (level > 2) {
            return page + distance;
        }
        // the PAT bit of a large page lies where the smallest page has an address bit
        long pat = (page & LARGE_PAGE_PAT) != 0 ? SMALL_PAGE_PAT : 0;
        return (page & ~(LARGE_PAGE_PAT | LARGE_PAGE)) + distance | pat;
    }

    @Override
    public long accessedBit() {
        return ACCESSED;
    }

    @Override
    public long dirtyBit() {
        return DIRTY;
    }
}
