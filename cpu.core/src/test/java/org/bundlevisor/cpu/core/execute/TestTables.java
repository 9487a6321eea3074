package org.bundlevisor.cpu.core.execute;

import java.util.HashMap;
import java.util.Map;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/** Second-level tables that map guest memory from address 0 on to one range of the host's; pages can lose rights. */
final class TestTables implements SecondLevelTables {
    private final long base;
    private final long size;

    /** Rights by page number, where they are not all. */
    private final Map<Long, Integer> rights = new HashMap<>();

    TestTables(long base, long size) {
        this.base = base;
        this.size = size;
    }

    @Override
    public String format() {
        return "test";
    }

    @Override
    public long root() {
        return 0;
    }

    @Override
    public void map(long gpa, long hpa, long size, int rights, MemoryType type) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void unmap(long gpa, long size) {
        protect(gpa, size, 0);
    }

    @Override
    public void protect(long gpa, long size, int granted) {
        for (long page = gpa >>> 12; page < gpa + size >>> 12; page++) {
            rights.put(page, granted);
        }
    }

    @Override
    public void translate(long gpa, int access, Translation result) {
        int granted = gpa >= 0 && gpa < size && gpa >>> 12 != TestHost.DEVICE >>> 12
                ? rights.getOrDefault(gpa >>> 12, ALL)
                : 0;
        if ((access & ALL & ~granted) == 0) {
            result.setPage(base + gpa, 4096, granted, true);
        } else {
            result.setRefusal(
                    granted == 0 ? Translation.Outcome.NOT_PRESENT : Translation.Outcome.NOT_PERMITTED, granted);
        }
    }

    @Override
    public void setDirtyLogging(boolean enabled) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void drainDirty(DirtyPageConsumer consumer) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void close() {
        rights.clear();
    }
}
