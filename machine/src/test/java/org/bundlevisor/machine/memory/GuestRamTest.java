package org.bundlevisor.machine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.machine.test.FakePaging;
import org.bundlevisor.machine.test.FakePaging.Mapping;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class GuestRamTest {
    private static final long GIB = 1L << 30;

    private ReservedHostMemory host;
    private GuestRam ram;

    @BeforeEach
    void reserve() throws Exception {
        host = new ReservedHostMemory(8 * GIB);
        host.allocate(4096, 4096);
        ram = new GuestRam(host, new MemoryMap(4 * GIB));
    }

    @AfterEach
    void release() {
        host.close();
    }

    @Test
    void mapsEachBlockToWhatItsOwnBytesAre() throws Exception {
        FakePaging paging = new FakePaging();
        ram.mapInto(paging.create(host, 40));
        for (Mapping mapping : paging.mappings()) {
            assertThat(mapping.rights()).isEqualTo(SecondLevelTables.ALL);
            assertThat(mapping.type()).isEqualTo(MemoryType.WRITE_BACK);
            ram.putInt(mapping.gpa(), 0x1234_5678);
            assertThat(host.segment().get(ValueLayout.JAVA_INT, mapping.hpa())).isEqualTo(0x1234_5678);
            ram.put(mapping.gpa() + mapping.size() - 1, (byte) 0x77);
            assertThat(host.segment().get(ValueLayout.JAVA_BYTE, mapping.hpa() + mapping.size() - 1))
                    .isEqualTo((byte) 0x77);
        }
        assertThat(paging.mappings()).hasSize(3);
    }

    @Test
    void alignsSoThatTheLargestPagesFit() throws Exception {
        FakePaging paging = new FakePaging();
        ram.mapInto(paging.create(host, 40));
        assertThat(paging.mappings()).allMatch(mapping -> (mapping.gpa() - mapping.hpa()) % GIB == 0);
    }

    @Test
    void busMastersTransferAllOrNothing() {
        MemorySegment eight = MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
        assertThat(ram.write(0x9_fff8, eight)).isTrue();
        assertThat(ram.write(0x9_fffc, eight)).isFalse();
        MemorySegment back = MemorySegment.ofArray(new byte[8]);
        assertThat(ram.read(0x9_fff8, back)).isTrue();
        assertThat(back.mismatch(eight)).isEqualTo(-1);
        assertThat(ram.read(0xfee0_0000L, back)).isFalse();
        assertThat(ram.read(-8, back)).isFalse();
        assertThat(ram.write(5 * GIB - 8, eight)).isTrue();
        assertThat(ram.write(5 * GIB - 7, eight)).isFalse();
    }

    @Test
    void tellsWhatBusMastersHaveWritten() {
        List<String> written = new ArrayList<>();
        ram.onWrite((gpa, size) -> written.add("%x+%x".formatted(gpa, size)));
        ram.write(0x1000, MemorySegment.ofArray(new byte[16]));
        ram.write(0xb_0000, MemorySegment.ofArray(new byte[16]));
        assertThat(written).containsExactly("1000+10");
    }

    @Test
    void givesItsFramesBack() throws Exception {
        ram.close();
        assertThat(host.allocate(7 * GIB, GIB).address()).isEqualTo(GIB);
    }

    @Test
    void loadersStayInRam() {
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> ram.putInt(0xa_0000, 1));
        assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> ram.clear(3 * GIB - 1, 2));
    }
}
