package org.bundlevisor.mmu.ept;

import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;

/**
 * Entries of Intel's extended page tables, SDM vol. 3C, 29.3.2, tables 29-1 to 29-7, with execute-only pages and with
 * accessed and dirty flags enabled. Bits 2:0 grant read, write and execute, which is also how the contract encodes rights.
 */
final class EptFormat implements EntryFormat {
    private static final int MEMORY_TYPE_SHIFT = 3;
    private static final long ACCESSED = 1L << 8;
    private static final long DIRTY = 1L << 9;

    /** The memory types, as a set of bits, that SDM vol. 3C, 29.3.3.1 calls misconfigured: 2, 3 and 7. */
    private static final int RESERVED_MEMORY_TYPES = 1 << 2 | 1 << 3 | 1 << 7;

    @Override
    public String name() {
        return SecondLevelPaging.EPT;
    }

    @Override
    public void checkRights(int rights) {
        if ((rights & ~ALL) != 0 || rights == 0 || (rights & (READ | WRITE)) == WRITE) {
            throw new IllegalArgumentException(
                    "an EPT entry cannot grant the rights 0x%x: expected read, execute or both, and write only together with read"
                            .formatted(rights));
        }
    }

    @Override
    public long table(long address) {
        return address | ALL;
    }

    @Override
    public long page(long address, int level, int rights, MemoryType type) {
        return address | rights | (long) type.encoding() << MEMORY_TYPE_SHIFT | (level > 1 ? LARGE_PAGE : 0);
    }

    @Override
    public boolean isPresent(long entry) {
        return (entry & ALL) != 0;
    }

    /** SDM vol. 3C, 29.3.3.1 "EPT Misconfigurations". */
    @Override
    public boolean isMisconfigured(long entry, int level) {
        if ((entry & (READ | WRITE)) == WRITE) {
            return true;
        }
        if (!isPage(entry, level)) {
            // Bits 6:3 are reserved in an entry that points to a table; in a PML4 entry bit 7 is as well.
            return (entry & (level == 4 ? 0xf8 : 0x78)) != 0;
        }
        int type = (int) (entry >>> MEMORY_TYPE_SHIFT) & 7;
        return (RESERVED_MEMORY_TYPES >>> type & 1) != 0 || (entry & ADDRESS & EntryFormat.offsetMask(level)) != 0;
    }

    @Override
    public long address(long entry, int level) {
        return entry & ADDRESS;
    }

    @Override
    public int rights(long entry) {
        return (int) entry & ALL;
    }

    @Override
    public long withRights(long page, int rights) {
        return page & ~ALL | rights;
    }

    @Override
    public long part(long page, int level, int index) {
        long part = page + index * FourLevelTables.pageSize(level - 1);
        return level == 2 ? part & ~LARGE_PAGE : part;
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
