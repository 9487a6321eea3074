package org.bundlevisor.machine.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.bundlevisor.machine.test.FakeRegion;
import org.junit.jupiter.api.Test;

class MemoryBusTest {
    private final FakeRegion low = new FakeRegion("low", 4096, 0);
    private final FakeRegion high = new FakeRegion("high", 4096, 0x80);
    private final MemoryBus bus = new MemoryBus(
            List.of(new Placement("h", high, 0xfed0_1000L), new Placement("l", low, 0xfed0_0000L)));

    @Test
    void findsTheRegionWhateverTheOrderOfPlacement() {
        assertThat(bus.read(0xfed0_0008L, 4)).isEqualTo(0x0b0a0908L);
        assertThat(bus.read(0xfed0_1000L, 8)).isEqualTo(0x8786858483828180L);
        bus.write(0xfed0_1ff8L, 8, -1);
        assertThat(high.writes()).containsExactly("8@4088=0xffffffffffffffff");
    }

    @Test
    void nothingReadsAsAllOnes() {
        assertThat(bus.read(0xfecf_ffffL, 1)).isEqualTo(0xff);
        assertThat(bus.read(0xfed0_2000L, 8)).isEqualTo(-1);
        assertThat(bus.read(0, 2)).isEqualTo(0xffff);
        assertThat(bus.read(0xffff_ffff_f000L, 4)).isEqualTo(0xffff_ffffL);
        bus.write(0xfed0_2000L, 8, 0);
        assertThat(high.writes()).isEmpty();
    }

    @Test
    void splitsAcrossRegionsAndTheirEnds() {
        assertThat(bus.read(0xfed0_0ffeL, 4)).isEqualTo(0x8180fffeL);
        assertThat(bus.read(0xfed0_1ffcL, 8)).isEqualTo(0xffffffff_7f7e7d7cL);
        bus.write(0xfed0_0fffL, 2, 0xbbaa);
        assertThat(low.writes()).containsExactly("1@4095=0xaa");
        assertThat(high.writes()).containsExactly("1@0=0xbb");
    }

    @Test
    void refusesOverlapsByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new MemoryBus(
                        List.of(new Placement("l", low, 0x1000), new Placement("h", high, 0x1800))))
                .withMessage(
                        "the registers high of h at 0x1800-0x27ff overlap with low of l at 0x1000-0x1fff: move one of the two");
    }
}
