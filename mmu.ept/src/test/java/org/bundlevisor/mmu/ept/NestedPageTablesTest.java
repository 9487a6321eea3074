package org.bundlevisor.mmu.ept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.contract.SecondLevelPagingContract;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.Translation.Outcome;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NPT entries bit by bit, APM vol. 2, 5.3.3 "4-Level Paging" and 15.25 "Nested Paging". */
class NestedPageTablesTest extends SecondLevelPagingContract {
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;
    private static final long NO_EXECUTE = 1L << 63;

    NestedPageTablesTest() throws HostMemoryExhaustedException {
        super(new NestedPageTables());
    }

    @Test
    void theFormatIsNamed() {
        assertThat(tables.format()).isEqualTo("npt");
    }

    @Test
    void pagesAreTheUsersAndNoExecuteIsTheInverseOfExecute() throws Exception {
        tables.map(0x7000, TABLES_END, PAGE, READ, MemoryType.WRITE_BACK);
        tables.map(0x8000, TABLES_END, PAGE, READ | WRITE, MemoryType.WRITE_BACK);
        tables.map(0x9000, TABLES_END, PAGE, READ | EXECUTE, MemoryType.WRITE_BACK);
        tables.map(0xa000, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        assertThat(entry(pageTable(), 7)).isEqualTo(TABLES_END | 5 | NO_EXECUTE);
        assertThat(entry(pageTable(), 8)).isEqualTo(TABLES_END | 7 | NO_EXECUTE);
        assertThat(entry(pageTable(), 9)).isEqualTo(TABLES_END | 5);
        assertThat(entry(pageTable(), 10)).isEqualTo(TABLES_END | 7);
        assertThat(entry(tables.root(), 0) & ~ADDRESS).isEqualTo(7);
    }

    /** PWT is bit 3, PCD bit 4, PAT bit 7, or bit 12 of a large page; the host's PAT is WB, WC, UC-, UC, WB, WP, UC-, WT. */
    @ParameterizedTest
    @CsvSource({"WRITE_BACK, 0, 0", "WRITE_COMBINING, 8, 8", "UNCACHEABLE, 0x18, 0x18", "WRITE_PROTECTED, 0x88, 0x1008",
        "WRITE_THROUGH, 0x98, 0x1018"})
    void memoryTypesAreIndexesIntoThePat(MemoryType type, int small, int large) throws Exception {
        tables.map(0x7000, TABLES_END, PAGE, ALL, type);
        assertThat(entry(pageTable(), 7)).isEqualTo(TABLES_END | 7 | small);
        tables.map(GIB, GIB, GIB + 2 * MIB, ALL, type);
        long pointers = tableBelow(tables.root(), 0);
        assertThat(entry(pointers, 1)).isEqualTo(GIB | 0x87 | large);
        assertThat(entry(tableBelow(pointers, 2), 0)).isEqualTo(2 * GIB | 0x87 | large);
        tables.unmap(2 * GIB, PAGE);
        assertThat(entry(tableBelow(tableBelow(pointers, 2), 0), 3)).isEqualTo(2 * GIB + 3 * PAGE | 7 | small);
        tables.unmap(GIB, PAGE);
        assertThat(entry(tableBelow(pointers, 1), 5)).isEqualTo(GIB + 10 * MIB | 0x87 | large);
    }

    @Test
    void accessedIsBit5AndDirtyBit6() throws Exception {
        tables.map(0, TABLES_END, 2 * PAGE, ALL, MemoryType.WRITE_BACK);
        tables.translate(0, READ, result);
        assertThat(entry(pageTable(), 0) >> 5 & 3).isEqualTo(1);
        assertThat(entry(pageTable(), 1) >> 5 & 3).isEqualTo(0);
        assertThat(entry(tables.root(), 0) >> 5 & 3).isEqualTo(1);
        tables.translate(0, READ | TABLE_WALK, result);
        assertThat(entry(pageTable(), 0) >> 5 & 3).isEqualTo(3);
        assertThat(entry(tables.root(), 0) >> 5 & 3).isEqualTo(1);
    }

    @Test
    void rightsAreAndedOverTheLevels() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        setEntry(tables.root(), 0, entry(tables.root(), 0) & ~2L);
        assertRefused(0, WRITE, READ | EXECUTE);
        long pointers = tableBelow(tables.root(), 0);
        setEntry(pointers, 0, entry(pointers, 0) | NO_EXECUTE);
        assertRefused(0, EXECUTE, READ);
        assertPage(0, READ, TABLES_END, PAGE);
    }

    /** APM vol. 2, 15.25.5: nested walks are made as the user's. */
    @Test
    void aSupervisorPageGrantsTheGuestNothing() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        setEntry(pageTable(), 0, entry(pageTable(), 0) & ~4L);
        assertRefused(0, READ, 0);
        assertRefused(0, READ | TABLE_WALK, 0);
    }

    @ParameterizedTest
    @ValueSource(ints = {WRITE, WRITE | EXECUTE, EXECUTE, 0, 8 | READ})
    void rightsThatNptCannotExpressAreRefused(int rights) {
        assertThatThrownBy(() -> tables.map(0, TABLES_END, PAGE, rights, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("NPT");
    }

    @Test
    void reservedBitsAreMisconfigurations() throws Exception {
        misconfigure(4, -1, 1 << 7);
        misconfigure(4, -1, 1 << 8);
        for (int bit = 13; bit <= 20; bit++) {
            misconfigure(2, ~ADDRESS, 0x80 | GIB | 1L << bit);
        }
        for (int bit = 13; bit <= 29; bit++) {
            misconfigure(3, ~ADDRESS, 0x80 | GIB | 1L << bit);
        }
    }

    @Test
    void addressesBeyondHostMemoryAreMisconfigurations() throws Exception {
        misconfigure(1, ~ADDRESS, HOST_END);
        misconfigure(2, ~ADDRESS, HOST_END);
        misconfigure(3, ~ADDRESS, 0x80 | HOST_END);
    }

    @Test
    void anEntryThatIsNotPresentMayHoldAnything() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        setEntry(tables.root(), 0, ~1L);
        tables.translate(0, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
    }

    @Override
    protected @Nullable Page walk(long gpa) {
        long table = tables.root();
        boolean write = true;
        boolean execute = true;
        for (int shift = 39;; shift -= 9) {
            long entry = entry(table, (int) (gpa >> shift & 511));
            if ((entry & 1) == 0) {
                return null;
            }
            write &= (entry & 2) != 0;
            execute &= entry >= 0;
            if (shift == 12 || (entry & 0x80) != 0) {
                long size = 1L << shift;
                int rights = READ | (write ? WRITE : 0) | (execute ? EXECUTE : 0);
                return new Page(entry & ADDRESS & -size | gpa & size - 1, size, rights);
            }
            table = entry & ADDRESS;
        }
    }

    private long pageTable() {
        return tableBelow(tableBelow(tableBelow(tables.root(), 0), 0), 0);
    }
}
