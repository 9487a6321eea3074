package org.bundlevisor.machine.test;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/** Second-level tables that remember what was mapped. */
public final class FakePaging implements SecondLevelPaging {
    private final List<Mapping> mappings = new ArrayList<>();
    private int open;

    /** A call of {@code map}. */
    public record Mapping(long gpa, long hpa, long size, int rights, MemoryType type) {}

    public List<Mapping> mappings() {
        return List.copyOf(mappings);
    }

    /** How many sets of tables have not been closed. */
    public int open() {
        return open;
    }

    @Override
    public SecondLevelTables create(HostMemory memory, int physicalAddressBits) {
        open++;
        return new SecondLevelTables() {
            @Override
            public String format() {
                return EPT;
            }

            @Override
            public long root() {
                return 0;
            }

            @Override
            public void map(long gpa, long hpa, long size, int rights, MemoryType type) {
                mappings.add(new Mapping(gpa, hpa, size, rights, type));
            }

            @Override
            public void unmap(long gpa, long size) {}

            @Override
            public void protect(long gpa, long size, int rights) {}

            @Override
            public void translate(long gpa, int access, Translation result) {}

            @Override
            public void setDirtyLogging(boolean enabled) {}

            @Override
            public void drainDirty(DirtyPageConsumer consumer) {}

            @Override
            public void close() {
                open--;
            }
        };
    }
}
