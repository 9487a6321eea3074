package org.bundlevisor.machine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.bundlevisor.machine.memory.MemoryMap.Block;
import org.bundlevisor.machine.memory.MemoryMap.Entry;
import org.bundlevisor.machine.memory.MemoryMap.Kind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MemoryMapTest {
    private static final long GIB = 1L << 30;

    @Test
    void reportsAPcWithLittleMemory() {
        assertThat(new MemoryMap(GIB / 2).entries())
                .containsExactly(
                        new Entry(0, 0x9_fc00, Kind.USABLE),
                        new Entry(0x9_fc00, 0x400, Kind.RESERVED),
                        new Entry(0xe_0000, 0x2_0000, Kind.RESERVED),
                        new Entry(0x10_0000, GIB / 2 - 0x10_0000, Kind.USABLE));
    }

    @Test
    void continuesAboveFourGibibytes() {
        MemoryMap map = new MemoryMap(5 * GIB);
        assertThat(map.lowEnd()).isEqualTo(3 * GIB);
        assertThat(map.entries()).contains(new Entry(4 * GIB, 2 * GIB, Kind.USABLE));
        assertThat(map.blocks())
                .containsExactly(
                        new Block(0, 0, 0xa_0000),
                        new Block(0xe_0000, 0xe_0000, 3 * GIB - 0xe_0000),
                        new Block(4 * GIB, 3 * GIB, 2 * GIB));
        assertThat(new MemoryMap(3 * GIB).blocks()).hasSize(2);
    }

    @Test
    void findsOffsetsOnlyOfWholeRangesInRam() {
        MemoryMap map = new MemoryMap(4 * GIB);
        assertThat(map.offset(0, 0xa_0000)).isZero();
        assertThat(map.offset(0, 0xa_0001)).isEqualTo(-1);
        assertThat(map.offset(0xa_0000, 1)).isEqualTo(-1);
        assertThat(map.offset(0xd_ffff, 2)).isEqualTo(-1);
        assertThat(map.offset(0xe_0000, 3 * GIB - 0xe_0000)).isEqualTo(0xe_0000);
        assertThat(map.offset(3 * GIB - 1, 2)).isEqualTo(-1);
        assertThat(map.offset(3 * GIB, 1)).isEqualTo(-1);
        assertThat(map.offset(0xfee0_0000L, 1)).isEqualTo(-1);
        assertThat(map.offset(4 * GIB, GIB)).isEqualTo(3 * GIB);
        assertThat(map.offset(4 * GIB, GIB + 1)).isEqualTo(-1);
        assertThat(map.offset(-1, 1)).isEqualTo(-1);
        assertThat(map.offset(Long.MAX_VALUE, 1)).isEqualTo(-1);
        assertThat(map.offset(Long.MIN_VALUE, 1)).isEqualTo(-1);
        assertThat(new MemoryMap(GIB).offset(4 * GIB, 1)).isEqualTo(-1);
    }

    @ParameterizedTest
    @ValueSource(longs = {0, -1, 4096, (4L << 20) + 1, 1L << 40})
    void refusesWhatNoPcHas(long size) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryMap(size))
                .withMessage("a memory of " + size
                        + " bytes is not possible (expected a multiple of 4 KiB from 4 MiB to 512 GiB, for example 512M)");
    }
}
