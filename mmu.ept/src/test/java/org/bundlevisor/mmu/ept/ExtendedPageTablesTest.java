package org.bundlevisor.mmu.ept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.contract.SecondLevelPagingContract;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.Translation.Outcome;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** EPT entries bit by bit, SDM vol. 3C, 29.3. */
class ExtendedPageTablesTest extends SecondLevelPagingContract {
    private static final long ADDRESS = 0x000f_ffff_ffff_f000L;

    ExtendedPageTablesTest() throws HostMemoryExhaustedException {
        super(new ExtendedPageTables());
    }

    @Override
    protected int[] expressibleRights() {
        return new int[] {READ, READ | WRITE, READ | EXECUTE, ALL, EXECUTE};
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

    @Override
    protected @Nullable Page walk(long gpa) {
        long pml4e = entry(tables.root(), (int) (gpa >> 39 & 511));
        if ((pml4e & 7) == 0) {
            return null;
        }
        long pdpte = entry(pml4e & ADDRESS, (int) (gpa >> 30 & 511));
        if ((pdpte & 7) == 0) {
            return null;
        }
        if ((pdpte & 0x80) != 0) {
            return new Page(pdpte & 0xf_ffff_c000_0000L | gpa & GIB - 1, GIB, (int) (pml4e & pdpte & 7));
        }
        long pde = entry(pdpte & ADDRESS, (int) (gpa >> 21 & 511));
        if ((pde & 7) == 0) {
            return null;
        }
        if ((pde & 0x80) != 0) {
            return new Page(pde & 0xf_ffff_ffe0_0000L | gpa & 2 * MIB - 1, 2 * MIB, (int) (pml4e & pdpte & pde & 7));
        }
        long pte = entry(pde & ADDRESS, (int) (gpa >> 12 & 511));
        if ((pte & 7) == 0) {
            return null;
        }
        return new Page(pte & ADDRESS | gpa & PAGE - 1, PAGE, (int) (pml4e & pdpte & pde & pte & 7));
    }
}
