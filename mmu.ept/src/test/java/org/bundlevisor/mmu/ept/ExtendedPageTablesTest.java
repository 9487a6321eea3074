package org.bundlevisor.mmu.ept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import java.util.Random;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.Translation.Outcome;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** EPT entries bit by bit, SDM vol. 3C, 29.3. */
class ExtendedPageTablesTest extends SecondLevelPagingContract {
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    @Override
    SecondLevelPaging paging() {
        return new ExtendedPageTables();
    }

    @Test
    void theFormatIsNamed() {
        assertThat(tables.format()).isEqualTo("ept");
    }

    @ParameterizedTest
    @EnumSource
    void aPageTableEntryHoldsRightsTypeAndAddress(MemoryType type) throws Exception {
        tables.map(0x7000, TABLES_END + 0x9000, PAGE, READ | EXECUTE, type);
        long pageTable = tableBelow(tableBelow(tableBelow(tables.root(), 0), 0), 0);
        assertThat(entry(pageTable, 7)).isEqualTo(TABLES_END + 0x9000 | (long) type.encoding() << 3 | 5);
    }

    @Test
    void largePagesHaveBit7() throws Exception {
        tables.map(0, GIB, GIB + 2 * MIB, ALL, MemoryType.WRITE_BACK);
        long pointers = tableBelow(tables.root(), 0);
        assertThat(entry(pointers, 0)).isEqualTo(GIB | 1 << 7 | 6 << 3 | 7);
        assertThat(entry(tableBelow(pointers, 1), 0)).isEqualTo(2 * GIB | 1 << 7 | 6 << 3 | 7);
    }

    @Test
    void entriesThatPointToTablesTakeNothingAwayAndAreClean() throws Exception {
        tables.map(0x7000, TABLES_END, PAGE, READ, MemoryType.WRITE_BACK);
        assertThat(entry(tables.root(), 0) & ~ADDRESS).isEqualTo(7);
    }

    @Test
    void accessedIsBit8AndDirtyBit9() throws Exception {
        tables.map(0, TABLES_END, 2 * PAGE, ALL, MemoryType.WRITE_BACK);
        long pageTable = tableBelow(tableBelow(tableBelow(tables.root(), 0), 0), 0);
        tables.translate(0, READ, result);
        assertThat(entry(pageTable, 0) >> 8 & 3).isEqualTo(1);
        assertThat(entry(pageTable, 1) >> 8 & 3).isEqualTo(0);
        assertThat(entry(tables.root(), 0) >> 8 & 3).isEqualTo(1);
        tables.translate(0, WRITE, result);
        assertThat(entry(pageTable, 0) >> 8 & 3).isEqualTo(3);
        assertThat(entry(tables.root(), 0) >> 8 & 3).isEqualTo(1);
    }

    @Test
    void rightsAreAndedOverTheLevels() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        setEntry(tables.root(), 0, entry(tables.root(), 0) & ~(long) WRITE);
        assertRefused(0, WRITE, READ | EXECUTE);
        long pointers = tableBelow(tables.root(), 0);
        setEntry(pointers, 0, entry(pointers, 0) & ~(long) EXECUTE);
        assertRefused(0, EXECUTE, READ);
        assertPage(0, READ, TABLES_END, PAGE);
    }

    @Test
    void executeOnlyPagesAreSupported() throws Exception {
        tables.map(0, TABLES_END, PAGE, EXECUTE, MemoryType.WRITE_BACK);
        assertPage(0, EXECUTE, TABLES_END, PAGE);
        assertRefused(0, READ, EXECUTE);
    }

    @ParameterizedTest
    @ValueSource(ints = {WRITE, WRITE | EXECUTE, 0, 8})
    void rightsThatEptCannotExpressAreRefused(int rights) {
        assertThatThrownBy(() -> tables.map(0, TABLES_END, PAGE, rights, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("EPT");
    }

    @Test
    void writeWithoutReadIsAMisconfigurationAtEveryLevel() throws Exception {
        for (int level = 4; level >= 1; level--) {
            misconfigure(level, ~7L, WRITE);
            misconfigure(level, ~7L, WRITE | EXECUTE);
        }
    }

    @Test
    void reservedBitsInEntriesThatPointToTablesAreMisconfigurations() throws Exception {
        for (int bit = 3; bit <= 7; bit++) {
            misconfigure(4, -1, 1L << bit);
        }
        for (int bit = 3; bit <= 6; bit++) {
            misconfigure(3, -1, 1L << bit);
            misconfigure(2, -1, 1L << bit);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {2, 3, 7})
    void reservedMemoryTypesAreMisconfigurations(long type) throws Exception {
        misconfigure(1, ~0x38L, type << 3);
    }

    @Test
    void reservedAddressBitsAreMisconfigurations() throws Exception {
        misconfigure(1, ~ADDRESS, HOST_END);
        misconfigure(2, ~ADDRESS, HOST_END);
        misconfigure(2, ~ADDRESS, 1 << 7 | 6 << 3 | GIB | PAGE);
        misconfigure(3, ~ADDRESS, 1 << 7 | 6 << 3 | GIB | 2 * MIB);
        misconfigure(3, ~ADDRESS, 1 << 7 | 6 << 3 | HOST_END);
    }

    @Test
    void anEntryWithoutRightsIsNotPresentWhateverElseItHolds() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        setEntry(tables.root(), 0, 0xf8 | entry(tables.root(), 0) & ~7L);
        tables.translate(0, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
    }

    /** Against a walker written by hand from the manual, over random mappings of all sizes. */
    @Test
    void walksAgreeWithTheManual() throws Exception {
        long seed = 42;
        Random random = new Random(seed);
        int[] rights = {READ, READ | WRITE, READ | EXECUTE, ALL, EXECUTE};
        MemoryType[] types = MemoryType.values();
        for (int n = 0; n < 300; n++) {
            long unit = new long[] {PAGE, PAGE, 2 * MIB, GIB}[random.nextInt(4)];
            long gpa = random.nextLong(16 * GIB / unit) * unit;
            long hpa = random.nextLong((HOST_END - 3 * unit) / unit) * unit;
            tables.map(gpa, hpa, unit * (1 + random.nextInt(3)), rights[random.nextInt(5)], types[random.nextInt(5)]);
        }
        int pages = 0;
        for (int n = 0; n < 100_000; n++) {
            long gpa = random.nextLong(18 * GIB);
            int access = new int[] {READ, WRITE, EXECUTE, READ | TABLE_WALK, WRITE | TABLE_WALK}[random.nextInt(5)];
            long[] expected = walk(gpa);
            tables.translate(gpa, access, result);
            String where = "seed %d gpa 0x%x access %d".formatted(seed, gpa, access);
            int required = access > ALL ? READ | WRITE : access;
            if (expected[0] < 0) {
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PRESENT);
            } else if ((expected[2] & required) != required) {
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PERMITTED);
                assertThat(result.rights()).as(where).isEqualTo((int) expected[2]);
            } else {
                pages++;
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.PAGE);
                assertThat(result.hostPhysical()).as(where).isEqualTo(expected[0]);
                assertThat(result.pageSize()).as(where).isEqualTo(expected[1]);
                assertThat(result.rights()).as(where).isEqualTo((int) expected[2]);
            }
        }
        assertThat(pages).isGreaterThan(10_000);
    }

    /** Returns host-physical address (or -1), page size and rights. */
    private long[] walk(long gpa) {
        long pml4e = entry(tables.root(), (int) (gpa >> 39 & 511));
        if ((pml4e & 7) == 0) {
            return new long[] {-1, 0, 0};
        }
        long pdpte = entry(pml4e & ADDRESS, (int) (gpa >> 30 & 511));
        if ((pdpte & 7) == 0) {
            return new long[] {-1, 0, 0};
        }
        if ((pdpte & 0x80) != 0) {
            return new long[] {pdpte & 0xf_ffff_c000_0000L | gpa & GIB - 1, GIB, pml4e & pdpte & 7};
        }
        long pde = entry(pdpte & ADDRESS, (int) (gpa >> 21 & 511));
        if ((pde & 7) == 0) {
            return new long[] {-1, 0, 0};
        }
        if ((pde & 0x80) != 0) {
            return new long[] {pde & 0xf_ffff_ffe0_0000L | gpa & 2 * MIB - 1, 2 * MIB, pml4e & pdpte & pde & 7};
        }
        long pte = entry(pde & ADDRESS, (int) (gpa >> 12 & 511));
        if ((pte & 7) == 0) {
            return new long[] {-1, 0, 0};
        }
        return new long[] {pte & ADDRESS | gpa & PAGE - 1, PAGE, pml4e & pdpte & pde & pte & 7};
    }

    /** Spoils the entry of the level that leads to guest-physical 0, looks, and puts it right again. */
    private void misconfigure(int level, long keep, long set) throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        long table = tables.root();
        for (int above = 4; above > level; above--) {
            table = tableBelow(table, 0);
        }
        long good = entry(table, 0);
        setEntry(table, 0, good & keep | set);
        tables.translate(0, EXECUTE, result);
        assertThat(result.outcome()).as("level %d, %x set", level, set).isEqualTo(Outcome.MISCONFIGURED);
        setEntry(table, 0, good);
        assertPage(0, EXECUTE, TABLES_END, PAGE);
    }

    private long tableBelow(long table, int index) {
        return entry(table, index) & ADDRESS;
    }
}
