package org.bundlevisor.mmu.ept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;
import org.bundlevisor.mmu.Translation.Outcome;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every implementation of {@link SecondLevelPaging} promises, in whatever format. */
abstract class SecondLevelPagingContract {
    static final long PAGE = 4096;
    static final long MIB = 1 << 20;
    static final long GIB = 1 << 30;

    /** Where the host memory ends; it is address space only, for nothing but tables is written. */
    static final long HOST_END = 8 * GIB;

    /** Where tables end and mappings may begin. */
    static final long TABLES_END = 64 * MIB;

    private Arena arena;
    FrameAllocator memory;
    SecondLevelTables tables;
    final Translation result = new Translation();

    abstract SecondLevelPaging paging();

    @BeforeEach
    void create() throws HostMemoryExhaustedException {
        arena = Arena.ofShared();
        memory = new FrameAllocator(arena, HOST_END, TABLES_END);
        tables = paging().create(memory, 40);
    }

    @AfterEach
    void close() {
        tables.close();
        assertThat(memory.framesOut()).as("frames still held after close").isZero();
        arena.close();
    }

    @Test
    void everythingIsUnmappedAtFirst() {
        for (long gpa : new long[] {0, PAGE, GIB, (1L << 40) - 1}) {
            tables.translate(gpa, READ, result);
            assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
            assertThat(result.rights()).isZero();
        }
    }

    @Test
    void anAddressWiderThanTheGuestHasIsNotPresent() throws Exception {
        tables.map(0, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
        tables.translate(1L << 40, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
        tables.translate(-1L << 48, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
    }

    @Test
    void aPageTranslatesToTheVeryByte() throws Exception {
        tables.map(0x5000, TABLES_END + 0x3000, PAGE, ALL, MemoryType.WRITE_BACK);
        assertPage(0x5123, READ, TABLES_END + 0x3123, PAGE);
        assertThat(result.rights()).isEqualTo(ALL);
        tables.translate(0x4fff, READ, result);
        assertThat(result.isPage()).isFalse();
        tables.translate(0x6000, READ, result);
        assertThat(result.isPage()).isFalse();
    }

    @Test
    void theLargestPagesThatAlignmentAllowsAreUsed() throws Exception {
        tables.map(GIB - 2 * MIB - PAGE, 2 * GIB - 2 * MIB - PAGE, GIB + 4 * MIB + 2 * PAGE, ALL,
                MemoryType.WRITE_BACK);
        assertPage(GIB - 2 * MIB - 1, READ, 2 * GIB - 2 * MIB - 1, PAGE);
        assertPage(GIB - 1, READ, 2 * GIB - 1, 2 * MIB);
        assertPage(GIB + 0x12345678, READ, 2 * GIB + 0x12345678, GIB);
        assertPage(2 * GIB + 5, READ, 3 * GIB + 5, 2 * MIB);
        assertPage(2 * GIB + 2 * MIB + 5, READ, 3 * GIB + 2 * MIB + 5, PAGE);
        tables.map(0, TABLES_END + PAGE, 4 * MIB, ALL, MemoryType.WRITE_BACK);
        assertPage(2 * MIB, READ, TABLES_END + PAGE + 2 * MIB, PAGE);
    }

    @Test
    void onlyGrantedRightsAreGiven() throws Exception {
        tables.map(0, TABLES_END, PAGE, READ, MemoryType.WRITE_BACK);
        tables.map(PAGE, TABLES_END, PAGE, READ | WRITE, MemoryType.WRITE_BACK);
        tables.map(2 * PAGE, TABLES_END, PAGE, READ | EXECUTE, MemoryType.WRITE_BACK);
        assertPage(0, READ, TABLES_END, PAGE);
        assertRefused(0, WRITE, READ);
        assertRefused(0, EXECUTE, READ);
        assertPage(PAGE, WRITE, TABLES_END, PAGE);
        assertRefused(PAGE, EXECUTE, READ | WRITE);
        assertPage(2 * PAGE, EXECUTE, TABLES_END, PAGE);
        assertRefused(2 * PAGE, WRITE, READ | EXECUTE);
    }

    @Test
    void aPageIsDirtyOnceItWasWritten() throws Exception {
        tables.map(0, TABLES_END, 4 * MIB, ALL, MemoryType.WRITE_BACK);
        assertPage(0, READ, TABLES_END, 2 * MIB);
        assertThat(result.dirty()).isFalse();
        assertPage(PAGE, EXECUTE, TABLES_END + PAGE, 2 * MIB);
        assertThat(result.dirty()).isFalse();
        assertPage(PAGE, WRITE, TABLES_END + PAGE, 2 * MIB);
        assertThat(result.dirty()).isTrue();
        assertPage(0, READ, TABLES_END, 2 * MIB);
        assertThat(result.dirty()).isTrue();
        assertPage(2 * MIB, READ, TABLES_END + 2 * MIB, 2 * MIB);
        assertThat(result.dirty()).isFalse();
    }

    @Test
    void aRefusedWriteLeavesThePageClean() throws Exception {
        tables.map(0, TABLES_END, PAGE, READ, MemoryType.WRITE_BACK);
        assertRefused(0, WRITE, READ);
        tables.protect(0, PAGE, READ | WRITE);
        assertPage(0, READ, TABLES_END, PAGE);
        assertThat(result.dirty()).isFalse();
    }

    @Test
    void aWalkOfTheGuestsTablesNeedsWritePermission() throws Exception {
        tables.map(0, TABLES_END, PAGE, READ, MemoryType.WRITE_BACK);
        tables.map(PAGE, TABLES_END, PAGE, READ | WRITE, MemoryType.WRITE_BACK);
        assertRefused(0, READ | TABLE_WALK, READ);
        assertRefused(0, WRITE | TABLE_WALK, READ);
        assertPage(PAGE, READ | TABLE_WALK, TABLES_END, PAGE);
        assertThat(result.dirty()).isTrue();
    }

    @Test
    void unmappingAPartSplitsLargePages() throws Exception {
        tables.map(0, GIB, GIB, ALL, MemoryType.WRITE_BACK);
        tables.unmap(6 * MIB + PAGE, PAGE);
        tables.translate(6 * MIB + PAGE + 7, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
        assertPage(6 * MIB, WRITE, GIB + 6 * MIB, PAGE);
        assertPage(6 * MIB + 2 * PAGE, WRITE, GIB + 6 * MIB + 2 * PAGE, PAGE);
        assertPage(8 * MIB, WRITE, GIB + 8 * MIB, 2 * MIB);
        assertPage(GIB - 1, WRITE, 2 * GIB - 1, 2 * MIB);
    }

    @Test
    void aSplitKeepsThePagesDirty() throws Exception {
        tables.map(0, TABLES_END, 4 * MIB, ALL, MemoryType.WRITE_BACK);
        tables.translate(0x1234, WRITE, result);
        tables.unmap(PAGE, PAGE);
        tables.unmap(2 * MIB + PAGE, PAGE);
        assertPage(8 * PAGE, READ, TABLES_END + 8 * PAGE, PAGE);
        assertThat(result.dirty()).isTrue();
        assertPage(2 * MIB + 8 * PAGE, READ, TABLES_END + 2 * MIB + 8 * PAGE, PAGE);
        assertThat(result.dirty()).isFalse();
    }

    @Test
    void protectingChangesWhatIsMappedAndNothingElse() throws Exception {
        tables.map(0, TABLES_END, 2 * MIB, ALL, MemoryType.WRITE_BACK);
        tables.protect(MIB, 4 * MIB, READ | EXECUTE);
        assertPage(MIB - 1, WRITE, TABLES_END + MIB - 1, PAGE);
        assertRefused(MIB, WRITE, READ | EXECUTE);
        assertPage(2 * MIB - 1, EXECUTE, TABLES_END + 2 * MIB - 1, PAGE);
        tables.translate(2 * MIB, READ, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PRESENT);
        tables.protect(0, 2 * MIB, ALL);
        assertPage(MIB, WRITE, TABLES_END + MIB, PAGE);
    }

    @Test
    void mappingReplacesWhatWasThere() throws Exception {
        tables.map(0, TABLES_END, 2 * MIB, ALL, MemoryType.WRITE_BACK);
        tables.map(PAGE, GIB, PAGE, READ, MemoryType.WRITE_BACK);
        assertPage(PAGE, READ, GIB, PAGE);
        assertPage(0, WRITE, TABLES_END, PAGE);
        tables.map(0, 4 * MIB, 2 * MIB, ALL, MemoryType.WRITE_BACK);
        assertPage(PAGE, WRITE, 4 * MIB + PAGE, 2 * MIB);
    }

    @Test
    void changingTheSameRangeAgainAndAgainTakesNoMoreMemory() throws Exception {
        for (int round = 0; round < 3; round++) {
            tables.map(0, GIB, GIB, ALL, MemoryType.WRITE_BACK);
            tables.unmap(PAGE, PAGE);
            tables.unmap(4 * MIB + PAGE, PAGE);
        }
        int frames = memory.framesOut();
        for (int round = 0; round < 100; round++) {
            tables.map(0, GIB, GIB, ALL, MemoryType.WRITE_BACK);
            tables.unmap(4 * MIB + PAGE, PAGE);
            assertPage(PAGE, READ, GIB + PAGE, 2 * MIB);
            tables.unmap(PAGE, PAGE);
            assertPage(4 * MIB, READ, GIB + 4 * MIB, PAGE);
        }
        assertThat(memory.framesOut()).isEqualTo(frames);
    }

    @Test
    void dirtyLoggingReportsEachWrittenPageOnce() throws Exception {
        tables.map(0, TABLES_END, 4 * MIB, ALL, MemoryType.WRITE_BACK);
        tables.translate(0, WRITE, result);
        tables.setDirtyLogging(true);
        assertThat(drain()).isEmpty();
        tables.map(8 * MIB, GIB, 2 * MIB, ALL, MemoryType.WRITE_BACK);
        tables.translate(8 * MIB + 3 * PAGE, WRITE, result);
        tables.translate(3 * MIB + 1, WRITE, result);
        tables.translate(3 * MIB + 2, WRITE, result);
        tables.translate(5 * PAGE, READ, result);
        assertThat(result.dirty()).isFalse();
        assertThat(drain()).containsExactly(3 * MIB, 8 * MIB + 3 * PAGE);
        assertThat(drain()).isEmpty();
        tables.translate(3 * MIB, READ, result);
        assertThat(result.dirty()).isFalse();
        tables.setDirtyLogging(false);
        tables.translate(0, WRITE, result);
        assertThat(drain()).isEmpty();
    }

    @Test
    void wrongArgumentsAreNamed() {
        assertThatThrownBy(() -> tables.map(1, 0, PAGE, ALL, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tables.map(0, 1, PAGE, ALL, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tables.map(0, 0, 0, ALL, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tables.map((1L << 40) - PAGE, 0, 2 * PAGE, ALL, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tables.map(0, HOST_END - PAGE, 2 * PAGE, ALL, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> tables.map(0, 0, PAGE, 0, MemoryType.WRITE_BACK))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> paging().create(memory, 52)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void noRoomForATableIsSaid() {
        assertThatThrownBy(() -> {
            for (long gpa = 0;; gpa += 2 * MIB) {
                tables.map(gpa, TABLES_END, PAGE, ALL, MemoryType.WRITE_BACK);
            }
        })
                .isInstanceOf(HostMemoryExhaustedException.class);
        assertPage(0, READ, TABLES_END, PAGE);
    }

    /** Random changes against a plain map from guest page to host page and rights. */
    @Test
    void randomChangesLeaveExactlyWhatTheyShould() throws Exception {
        long seed = 20250117;
        Random random = new Random(seed);
        TreeMap<Long, long[]> model = new TreeMap<>();
        int[] expressible = {READ, READ | WRITE, READ | EXECUTE, ALL};
        long window = 8 * MIB;
        for (int step = 0; step < 400; step++) {
            long unit = random.nextInt(3) == 0 ? 2 * MIB : PAGE;
            long gpa = random.nextLong(window / unit) * unit;
            long size = Math.min(window - gpa, (1 + random.nextLong(unit == PAGE ? 700 : 3)) * unit);
            int rights = expressible[random.nextInt(expressible.length)];
            switch (random.nextInt(4)) {
                case 0, 1 -> {
                    long hpa = TABLES_END + random.nextLong(256 * MIB / unit) * unit;
                    tables.map(gpa, hpa, size, rights, MemoryType.WRITE_BACK);
                    for (long at = 0; at < size; at += PAGE) {
                        model.put(gpa + at, new long[] {hpa + at, rights});
                    }
                }
                case 2 -> {
                    tables.unmap(gpa, size);
                    model.subMap(gpa, gpa + size).clear();
                }
                default -> {
                    tables.protect(gpa, size, rights);
                    model.subMap(gpa, gpa + size).values().forEach(page -> page[1] = rights);
                }
            }
            for (int probe = 0; probe < 200; probe++) {
                long at = random.nextLong(window);
                int access = new int[] {READ, WRITE, EXECUTE}[random.nextInt(3)];
                tables.translate(at, access, result);
                long[] page = model.get(at & -PAGE);
                String where = "seed %d step %d gpa 0x%x access %d".formatted(seed, step, at, access);
                if (page == null) {
                    assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PRESENT);
                } else if ((page[1] & access) == 0) {
                    assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PERMITTED);
                    assertThat(result.rights()).as(where).isEqualTo((int) page[1]);
                } else {
                    assertThat(result.outcome()).as(where).isEqualTo(Outcome.PAGE);
                    assertThat(result.hostPhysical()).as(where).isEqualTo(page[0] + at % PAGE);
                    assertThat(result.rights()).as(where).isEqualTo((int) page[1]);
                }
            }
        }
    }

    /**
     * A range is mapped to one of two places, in large and small pages by turns, while another thread walks it: it must
     * see the one or the other, and every page it makes dirty must be reported.
     */
    @Test
    void walksSeeOldOrNewWhileTheTablesChange() throws Exception {
        long one = 2 * GIB;
        long other = 3 * GIB;
        tables.map(0, one, 4 * MIB, ALL, MemoryType.WRITE_BACK);
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong wrong = new AtomicLong();
        AtomicLong walks = new AtomicLong();
        Thread walker = Thread.ofPlatform().start(() -> {
            Translation mine = new Translation();
            Random random = new Random(7);
            while (!stop.get() || walks.get() < 1000) {
                long gpa = random.nextLong(4 * MIB);
                tables.translate(gpa, random.nextBoolean() ? WRITE : READ, mine);
                if (!mine.isPage() || mine.hostPhysical() != one + gpa && mine.hostPhysical() != other + gpa) {
                    wrong.incrementAndGet();
                }
                walks.incrementAndGet();
            }
        });
        for (int round = 0; round < 200; round++) {
            long place = round % 2 == 0 ? other : one;
            tables.map(0, place, 4 * MIB, ALL, MemoryType.WRITE_BACK);
            tables.protect(MIB, PAGE, READ | WRITE);
            tables.setDirtyLogging(round % 3 == 0);
        }
        stop.set(true);
        walker.join();
        assertThat(wrong.get()).isZero();
    }

    final void assertPage(long gpa, int access, long hostPhysical, long size) {
        tables.translate(gpa, access, result);
        assertThat(result.outcome()).isEqualTo(Outcome.PAGE);
        assertThat(result.hostPhysical()).isEqualTo(hostPhysical);
        assertThat(result.pageSize()).isEqualTo(size);
    }

    final void assertRefused(long gpa, int access, int rights) {
        tables.translate(gpa, access, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PERMITTED);
        assertThat(result.rights()).isEqualTo(rights);
        assertThat(result.hostPhysical()).isZero();
    }

    final long entry(long table, int index) {
        return memory.segment().get(ValueLayout.JAVA_LONG, table + index * 8L);
    }

    final void setEntry(long table, int index, long value) {
        memory.segment().set(ValueLayout.JAVA_LONG, table + index * 8L, value);
    }

    private List<Long> drain() {
        List<Long> pages = new ArrayList<>();
        tables.drainDirty(pages::add);
        return pages;
    }
}
