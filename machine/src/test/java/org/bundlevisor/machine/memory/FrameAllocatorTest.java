package org.bundlevisor.machine.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.junit.jupiter.api.Test;

class FrameAllocatorTest {
    private static final long SIZE = 1 << 20;

    private final FrameAllocator frames = new FrameAllocator(SIZE);

    @Test
    void givesOutWholeFramesFromTheBottom() throws Exception {
        assertThat(frames.allocate(1, 1)).isEqualTo(new HostRange(0, 4096));
        assertThat(frames.allocate(4097, 4096)).isEqualTo(new HostRange(4096, 8192));
    }

    @Test
    void alignsAndFillsTheGapLater() throws Exception {
        frames.allocate(4096, 4096);
        assertThat(frames.allocate(4096, 0x1_0000)).isEqualTo(new HostRange(0x1_0000, 4096));
        assertThat(frames.allocate(0xf000, 4096)).isEqualTo(new HostRange(0x1000, 0xf000));
    }

    @Test
    void coalescesWithBothNeighbours() throws Exception {
        HostRange low = frames.allocate(SIZE / 4, 4096);
        HostRange middle = frames.allocate(SIZE / 4, 4096);
        HostRange high = frames.allocate(SIZE / 2, 4096);
        frames.free(low);
        frames.free(high);
        frames.free(middle);
        assertThat(frames.allocate(SIZE, 4096)).isEqualTo(new HostRange(0, SIZE));
    }

    @Test
    void neverGivesOutAFrameTwice() throws Exception {
        Random random = new Random(42);
        List<HostRange> taken = new ArrayList<>();
        boolean[] used = new boolean[(int) (SIZE / 4096)];
        for (int step = 0; step < 2000; step++) {
            if (random.nextBoolean() || taken.isEmpty()) {
                HostRange range;
                try {
                    range = frames.allocate(1 + random.nextInt(60_000), 4096L << random.nextInt(4));
                } catch (HostMemoryExhaustedException e) {
                    continue;
                }
                mark(used, range, true);
                taken.add(range);
            } else {
                HostRange range = taken.remove(random.nextInt(taken.size()));
                mark(used, range, false);
                frames.free(range);
            }
        }
        for (HostRange range : taken) {
            frames.free(range);
        }
        assertThat(frames.available()).isEqualTo(SIZE);
    }

    private static void mark(boolean[] used, HostRange range, boolean value) {
        for (long address = range.address(); address < range.end(); address += 4096) {
            assertThat(used[(int) (address / 4096)]).isEqualTo(!value);
            used[(int) (address / 4096)] = value;
        }
    }

    @Test
    void saysWhatIsFreeWhenItIsNotEnough() throws Exception {
        frames.allocate(SIZE / 2, 4096);
        assertThatThrownBy(() -> frames.allocate(SIZE, 4096))
                .isInstanceOf(HostMemoryExhaustedException.class)
                .hasMessageContaining("no free range of 1 MiB");
        assertThatThrownBy(() -> frames.allocate(Long.MAX_VALUE, 4096))
                .isInstanceOf(HostMemoryExhaustedException.class);
    }

    @Test
    void refusesToFreeWhatWasNotGivenOut() throws Exception {
        HostRange range = frames.allocate(8192, 4096);
        assertThatIllegalArgumentException().isThrownBy(() -> frames.free(new HostRange(0, 4096)));
        frames.free(range);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> frames.free(range))
                .withMessageContaining("was not given out");
    }
}
