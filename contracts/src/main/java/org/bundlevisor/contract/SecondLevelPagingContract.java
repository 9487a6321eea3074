package org.bundlevisor.contract;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.USER;
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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every implementation of {@link SecondLevelPaging} promises, in whatever format. */
public abstract class SecondLevelPagingContract {
    protected static final long PAGE = 4096;
    protected static final long MIB = 1 << 20;
    protected static final long GIB = 1 << 30;

    /** Where the host memory ends; it is address space only, for nothing but tables is written. */
    protected static final long HOST_END = 8 * GIB;

    /** Where tables end and mappings may begin. */
    protected static final long TABLES_END = 64 * MIB;

    protected final Translation result = new Translation();
    private final Arena arena = Arena.ofShared();
    private final FrameAllocator memory = new FrameAllocator(arena, HOST_END, TABLES_END);
    private final SecondLevelPaging paging;
    protected final SecondLevelTables tables;

    protected SecondLevelPagingContract(SecondLevelPaging paging) throws HostMemoryExhaustedException {
        this.paging = paging;
        this.tables = paging.create(memory, 40);
    }

    /** The rights that a page can have, but for none; all formats have these four. */
    protected int[] expressibleRights() {
        return new int[] {READ, READ | WRITE, READ | EXECUTE, ALL};
    }

    /**
     * Walks the tables as the manual says, for a test of {@link SecondLevelTables#translate}; without effect on flags.
     *
     * @return null where nothing is mapped
     */
    protected abstract @Nullable Page walk(long gpa);

    /** A page that a walk found: host-physical address of the byte, size of the page, rights. */
    public record Page(long hostPhysical, long size, int rights) {}

    @AfterEach
    final void close() {
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

    @ParameterizedTest
    @EnumSource
    void everyMemoryTypeCanBeMapped(MemoryType type) throws Exception {
        tables.map(0, GIB, 2 * GIB, ALL, type);
        tables.unmap(5 * MIB, PAGE);
        assertPage(7, WRITE, GIB + 7, 2 * MIB);
        assertPage(4 * MIB + 8, READ, GIB + 4 * MIB + 8, PAGE);
        assertPage(2 * GIB - 1, EXECUTE, 3 * GIB - 1, GIB);
    }

    @Test
    void whoseAccessItIsMakesNoDifference() throws Exception {
        tables.map(0, TABLES_END, PAGE, READ | EXECUTE, MemoryType.WRITE_BACK);
        assertPage(0, READ | USER, TABLES_END, PAGE);
        assertPage(0, EXECUTE | USER, TABLES_END, PAGE);
        assertRefused(0, WRITE | USER, READ | EXECUTE);
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
        assertThatThrownBy(() -> paging.create(memory, 52)).isInstanceOf(IllegalArgumentException.class);
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
        int[] expressible = expressibleRights();
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

    /** Against a walker written by hand from the manual, over random mappings of all sizes. */
    @Test
    void walksAgreeWithTheManual() throws Exception {
        long seed = 42;
        Random random = new Random(seed);
        int[] rights = expressibleRights();
        MemoryType[] types = MemoryType.values();
        for (int n = 0; n < 300; n++) {
            long unit = new long[] {PAGE, PAGE, 2 * MIB, GIB}[random.nextInt(4)];
            long gpa = random.nextLong(16 * GIB / unit) * unit;
            long hpa = random.nextLong((HOST_END - 3 * unit) / unit) * unit;
            tables.map(gpa, hpa, unit * (1 + random.nextInt(3)), rights[random.nextInt(rights.length)],
                    types[random.nextInt(5)]);
        }
        int pages = 0;
        for (int n = 0; n < 100_000; n++) {
            long gpa = random.nextLong(18 * GIB);
            int access = new int[] {READ, WRITE, EXECUTE, READ | TABLE_WALK, WRITE | TABLE_WALK}[random.nextInt(5)];
            Page expected = walk(gpa);
            tables.translate(gpa, access, result);
            String where = "seed %d gpa 0x%x access %d".formatted(seed, gpa, access);
            int required = access > ALL ? READ | WRITE : access;
            if (expected == null) {
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PRESENT);
            } else if ((expected.rights() & required) != required) {
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.NOT_PERMITTED);
                assertThat(result.rights()).as(where).isEqualTo(expected.rights());
            } else {
                pages++;
                assertThat(result.outcome()).as(where).isEqualTo(Outcome.PAGE);
                assertThat(result.hostPhysical()).as(where).isEqualTo(expected.hostPhysical());
                assertThat(result.pageSize()).as(where).isEqualTo(expected.size());
                assertThat(result.rights()).as(where).isEqualTo(expected.rights());
            }
        }
        assertThat(pages).isGreaterThan(10_000);
    }

    /** Spoils the entry of the level that leads to guest-physical 0, looks, and puts it right again. */
    protected final void misconfigure(int level, long keep, long set) throws Exception {
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

    protected final void assertPage(long gpa, int access, long hostPhysical, long size) {
        tables.translate(gpa, access, result);
        assertThat(result.outcome()).isEqualTo(Outcome.PAGE);
        assertThat(result.hostPhysical()).isEqualTo(hostPhysical);
        assertThat(result.pageSize()).isEqualTo(size);
    }

    protected final void assertRefused(long gpa, int access, int rights) {
        tables.translate(gpa, access, result);
        assertThat(result.outcome()).isEqualTo(Outcome.NOT_PERMITTED);
        assertThat(result.rights()).isEqualTo(rights);
        assertThat(result.hostPhysical()).isZero();
    }

    protected final long entry(long table, int index) {
        return memory.segment().get(ValueLayout.JAVA_LONG, table + index * 8L);
    }

    protected final void setEntry(long table, int index, long value) {
        memory.segment().set(ValueLayout.JAVA_LONG, table + index * 8L, value);
    }

    /** Both formats have the address in bits 51:12. */
    protected final long tableBelow(long table, int index) {
        return entry(table, index) & 0x000f_ffff_ffff_f000L;
    }

    private List<Long> drain() {
        List<Long> pages = new ArrayList<>();
        tables.drainDirty(pages::add);
        return pages;
    }
}
