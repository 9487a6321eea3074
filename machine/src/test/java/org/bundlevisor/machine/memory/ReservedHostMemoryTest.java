package org.bundlevisor.machine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.bundlevisor.memory.HostRange;
import org.junit.jupiter.api.Test;

class ReservedHostMemoryTest {
    @Test
    void anAnonymousMappingIsZeroFilledAgainAfterFree() throws Exception {
        ReservedHostMemory memory = new ReservedHostMemory(64L << 20);
        keepsItsContract(memory);
        memory.close();
    }

    @Test
    void aSparseFileIsZeroFilledAgainAfterFree() throws Exception {
        ReservedHostMemory memory = new ReservedHostMemory(new SparseFileMapping(64L << 20));
        keepsItsContract(memory);
        memory.close();
    }

    private static void keepsItsContract(ReservedHostMemory memory) throws Exception {
        HostRange range = memory.allocate(1 << 20, 4096);
        var bytes = memory.segment().asSlice(range.address(), range.size());
        assertAllZero(bytes);
        bytes.fill((byte) 0x5a);
        memory.free(range);
        HostRange again = memory.allocate(1 << 20, 4096);
        assertThat(again).isEqualTo(range);
        assertAllZero(bytes);
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> memory.segment().get(ValueLayout.JAVA_BYTE, memory.segment().byteSize()));
    }

    private static void assertAllZero(MemorySegment bytes) {
        assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
    }

    @Test
    void leavesForeignBytesAloneWhenAFreeIsRefused() throws Exception {
        ReservedHostMemory memory = new ReservedHostMemory(1 << 20);
        HostRange range = memory.allocate(8192, 4096);
        memory.segment().set(ValueLayout.JAVA_BYTE, range.address(), (byte) 1);
        assertThatIllegalArgumentException().isThrownBy(() -> memory.free(new HostRange(range.address(), 4096)));
        assertThat(memory.segment().get(ValueLayout.JAVA_BYTE, range.address())).isEqualTo((byte) 1);
        memory.close();
    }

    @Test
    void reservesMoreThanTheHostHas() throws IOException {
        long size = 1L << 40;
        AnonymousMapping.create(size).ifPresent(mapping -> {
            mapping.segment().set(ValueLayout.JAVA_BYTE, size - 1, (byte) 7);
            assertThat(mapping.segment().get(ValueLayout.JAVA_BYTE, size - 1)).isEqualTo((byte) 7);
            mapping.close();
        });
    }
}
