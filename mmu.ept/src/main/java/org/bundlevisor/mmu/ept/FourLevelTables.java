package org.bundlevisor.mmu.ept;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;
import org.bundlevisor.mmu.Translation.Outcome;

/**
 * Four levels of 512-entry tables in host memory, whatever their entries look like.
 *
 * <p>Walks run against changes without a lock. What makes that safe: an entry is one aligned 64-bit word that is read
 * and written whole; a table is filled before the entry that points to it is stored with release semantics; a change that
 * must not lose accessed or dirty bits exchanges the entry atomically; and a table that has fallen out of use keeps its
 * frame until {@link #close}, to serve again for nothing but the range it served before, so that a walk that still holds
 * on to it finds entries of the level that it expects.
 */
final class FourLevelTables implements SecondLevelTables {
    private static final VarHandle ENTRY = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    private static final int TOP_LEVEL = 4;
    private static final int LARGEST_PAGE_LEVEL = 3;
    private static final int ENTRIES = 512;
    private static final int ENTRY_SIZE = 8;

    private final EntryFormat format;
    private final HostMemory memory;
    private final MemorySegment segment;
    private final int physicalAddressBits;
    private final long root;

    /** All frames that hold tables. Guarded by this. */
    private final List<HostRange> frames = new ArrayList<>();

    /** Tables out of use by the address of the entry that pointed to them. Guarded by this. */
    private final Map<Long, Long> retired = new HashMap<>();

    /** Guarded by this. */
    private boolean dirtyLogging;

    FourLevelTables(EntryFormat format, HostMemory memory, int physicalAddressBits)
            throws HostMemoryExhaustedException {
        if (physicalAddressBits < 32 || physicalAddressBits > 48) {
            throw new IllegalArgumentException(
                    "guest-physical addresses of " + physicalAddressBits + " bits: four-level tables serve 32 to 48");
        }
        this.format = format;
        this.memory = memory;
        this.segment = memory.segment();
        this.physicalAddressBits = physicalAddressBits;
        this.root = allocateTable();
    }

    /** Size in bytes of what an entry of the level spans; 4 KiB, 2 MiB, 1 GiB, 512 GiB. */
    static long pageSize(int level) {
        return 1L << 12 + 9 * (level - 1);
    }

    @Override
    public String format() {
        return format.name();
    }

    @Override
    public long root() {
        return root;
    }

    /**
     * The rights that an access needs. The processor's accesses to the guest's paging structures count as writes in both
     * formats: SDM vol. 3C, 29.3.5 (with accessed and dirty flags enabled) and APM vol. 2, 15.25.5.
     */
    private static int required(int access) {
        return (access & TABLE_WALK) != 0 ? READ | WRITE : access & ALL;
    }

    @Override
    public void translate(long gpa, int access, Translation result) {
        if (gpa >>> physicalAddressBits != 0) {
            result.setRefusal(Outcome.NOT_PRESENT, 0);
            return;
        }
        int required = required(access);
        while (!walk(gpa, required, result)) {
            // An entry was changed between its being read and its flags being set: walk what is there now.
            Thread.onSpinWait();
        }
    }

    /** Returns false when an entry changed under the walk. */
    private boolean walk(long gpa, int required, Translation result) {
        long table = root;
        int rights = ALL;
        for (int level = TOP_LEVEL;; level--) {
            long slot = slot(table, gpa, level);
            long entry = (long) ENTRY.getAcquire(segment, slot);
            if (!format.isPresent(entry)) {
                result.setRefusal(Outcome.NOT_PRESENT, 0);
                return true;
            }
            boolean page = format.isPage(entry, level);
            long address = format.address(entry, level);
            long length = page ? pageSize(level) : HostMemory.FRAME_SIZE;
            if (format.isMisconfigured(entry, level) || address > segment.byteSize() - length) {
                result.setRefusal(Outcome.MISCONFIGURED, 0);
                return true;
            }
            rights &= format.rights(entry);
            if (page) {
                return finish(gpa, required, rights, level, slot, entry, result);
            }
            if (!setFlags(slot, entry, format.accessedBit())) {
                return false;
            }
            table = address;
        }
    }

    private boolean finish(
            long gpa, int required, int rights, int level, long slot, long entry, Translation result) {
        if ((required & ~rights) != 0) {
            result.setRefusal(Outcome.NOT_PERMITTED, rights);
            return true;
        }
        long flags = format.accessedBit() | ((required & WRITE) != 0 ? format.dirtyBit() : 0);
        if (!setFlags(slot, entry, flags)) {
            return false;
        }
        long size = pageSize(level);
        boolean dirty = ((entry | flags) & format.dirtyBit()) != 0;
        result.setPage(format.address(entry, level) | gpa & size - 1, size, rights, dirty);
        return true;
    }

    private boolean setFlags(long slot, long entry, long flags) {
        return (entry & flags) == flags || ENTRY.compareAndSet(segment, slot, entry, entry | flags);
    }

    @Override
    public synchronized void map(long gpa, long hpa, long size, int rights, MemoryType type)
            throws HostMemoryExhaustedException {
        checkRange(gpa, size);
        format.checkRights(rights);
        if ((hpa & HostMemory.FRAME_SIZE - 1) != 0 || hpa < 0 || hpa > segment.byteSize() - size) {
            throw new IllegalArgumentException(
                    "host-physical 0x%x + 0x%x: expected whole frames below 0x%x, the end of host memory"
                            .formatted(hpa, size, segment.byteSize()));
        }
        map(root, TOP_LEVEL, gpa, gpa + size, hpa - gpa, rights, type);
    }

    /** Maps [from, to), which lies within one table of the level. */
    private void map(long table, int level, long from, long to, long distance, int rights, MemoryType type)
            throws HostMemoryExhaustedException {
        long span = pageSize(level);
        int largest = dirtyLogging ? 1 : LARGEST_PAGE_LEVEL;
        for (long gpa = from, next; gpa < to; gpa = next) {
            next = Math.min((gpa & -span) + span, to);
            long slot = slot(table, gpa, level);
            boolean whole = next - gpa == span && (distance & span - 1) == 0;
            if (whole && level <= largest) {
                replace(slot, level, format.page(gpa + distance, level, rights, type));
            } else {
                map(descend(slot, level), level - 1, gpa, next, distance, rights, type);
            }
        }
    }

    @Override
    public synchronized void unmap(long gpa, long size) throws HostMemoryExhaustedException {
        checkRange(gpa, size);
        change(root, TOP_LEVEL, gpa, gpa + size, 0);
    }

    @Override
    public synchronized void protect(long gpa, long size, int rights) throws HostMemoryExhaustedException {
        checkRange(gpa, size);
        format.checkRights(rights);
        change(root, TOP_LEVEL, gpa, gpa + size, rights);
    }

    /** Gives the pages in [from, to), which lies within one table of the level, new rights; 0 removes them. */
    private void change(long table, int level, long from, long to, int rights) throws HostMemoryExhaustedException {
        long span = pageSize(level);
        for (long gpa = from, next; gpa < to; gpa = next) {
            next = Math.min((gpa & -span) + span, to);
            long slot = slot(table, gpa, level);
            long entry = (long) ENTRY.getAcquire(segment, slot);
            if (!format.isPresent(entry)) {
                continue;
            }
            if (!format.isPage(entry, level)) {
                change(format.address(entry, level), level - 1, gpa, next, rights);
            } else if (next - gpa < span) {
                change(descend(slot, level), level - 1, gpa, next, rights);
            } else if (rights == 0) {
                ENTRY.setRelease(segment, slot, 0L);
            } else {
                while (!ENTRY.compareAndSet(segment, slot, entry, format.withRights(entry, rights))) {
                    entry = (long) ENTRY.getAcquire(segment, slot);
                }
            }
        }
    }

    @Override
    public synchronized void setDirtyLogging(boolean enabled) throws HostMemoryExhaustedException {
        if (enabled) {
            splitAll(root, TOP_LEVEL);
            takeDirty(root, TOP_LEVEL, 0, gpa -> {});
        }
        dirtyLogging = enabled;
    }

    /** Dirty flags are as fine as pages are: leaves nothing larger than 4 KiB. */
    private void splitAll(long table, int level) throws HostMemoryExhaustedException {
        for (int index = 0; level > 1 && index < ENTRIES; index++) {
            long slot = table + index * ENTRY_SIZE;
            if (format.isPresent((long) ENTRY.getAcquire(segment, slot))) {
                splitAll(descend(slot, level), level - 1);
            }
        }
    }

    @Override
    public synchronized void drainDirty(DirtyPageConsumer consumer) {
        if (dirtyLogging) {
            takeDirty(root, TOP_LEVEL, 0, consumer);
        }
    }

    private void takeDirty(long table, int level, long base, DirtyPageConsumer consumer) {
        for (int index = 0; index < ENTRIES; index++) {
            long slot = table + index * ENTRY_SIZE;
            long gpa = base + index * pageSize(level);
            long entry = (long) ENTRY.getAcquire(segment, slot);
            if (!format.isPresent(entry)) {
                continue;
            }
            if (!format.isPage(entry, level)) {
                takeDirty(format.address(entry, level), level - 1, gpa, consumer);
            } else if ((entry & format.dirtyBit()) != 0) {
                ENTRY.getAndBitwiseAnd(segment, slot, ~format.dirtyBit());
                consumer.accept(gpa);
            }
        }
    }

    /** The table below an entry, which is made or split out of a larger page if need be. */
    private long descend(long slot, int level) throws HostMemoryExhaustedException {
        long entry = (long) ENTRY.getAcquire(segment, slot);
        if (format.isPresent(entry) && !format.isPage(entry, level)) {
            return format.address(entry, level);
        }
        Long known = retired.remove(slot);
        long table = known != null ? known : allocateTable();
        fill(table, level, entry);
        // A walk may set the page's flags in the meantime; the parts must have them too.
        while (!ENTRY.compareAndSet(segment, slot, entry, format.table(table))) {
            entry = (long) ENTRY.getAcquire(segment, slot);
            fill(table, level, entry);
        }
        return table;
    }

    private void fill(long table, int level, long entry) {
        boolean present = format.isPresent(entry);
        for (int index = 0; index < ENTRIES; index++) {
            replace(table + index * ENTRY_SIZE, level - 1, present ? format.part(entry, level, index) : 0);
        }
    }

    /** Stores an entry and retires the table that the old one pointed to. */
    private void replace(long slot, int level, long entry) {
        long old = (long) ENTRY.getAndSet(segment, slot, entry);
        if (format.isPresent(old) && !format.isPage(old, level)) {
            retired.put(slot, format.address(old, level));
        }
    }

    private long allocateTable() throws HostMemoryExhaustedException {
        HostRange frame = memory.allocate(HostMemory.FRAME_SIZE, HostMemory.FRAME_SIZE);
        frames.add(frame);
        return frame.address();
    }

    private static long slot(long table, long gpa, int level) {
        return table + (gpa >>> 12 + 9 * (level - 1) & ENTRIES - 1) * ENTRY_SIZE;
    }

    private void checkRange(long gpa, long size) {
        if (((gpa | size) & HostMemory.FRAME_SIZE - 1) != 0
                || gpa < 0
                || size <= 0
                || gpa > (1L << physicalAddressBits) - size) {
            throw new IllegalArgumentException(
                    "guest-physical 0x%x + 0x%x: expected whole pages of 4 KiB within %d address bits"
                            .formatted(gpa, size, physicalAddressBits));
        }
    }

    @Override
    public synchronized void close() {
        frames.forEach(memory::free);
        frames.clear();
        retired.clear();
    }
}
