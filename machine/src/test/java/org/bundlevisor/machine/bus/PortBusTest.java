package org.bundlevisor.machine.bus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.bundlevisor.machine.test.FakeRegion;
import org.junit.jupiter.api.Test;

class PortBusTest {
    private final FakeRegion four = new FakeRegion("four", 4, 0x10);
    private final FakeRegion one = new FakeRegion("one", 1, 0x80);
    private final FakeRegion last = new FakeRegion("last", 1, 0x90);
    private final PortBus bus = new PortBus(List.of(
            new Placement("a", four, 0x100), new Placement("b", one, 0x104), new Placement("c", last, 0xffff)));

    @Test
    void aDeviceSeesOffsetsIntoItsOwnRegion() {
        assertThat(bus.read(0x102, 1)).isEqualTo(0x12);
        assertThat(bus.read(0x100, 4)).isEqualTo(0x13121110);
        bus.write(0x102, 2, 0xabcd);
        assertThat(four.writes()).containsExactly("2@2=0xabcd");
    }

    @Test
    void nothingReadsAsAllOnesAndSwallowsWrites() {
        assertThat(bus.read(0x200, 1)).isEqualTo(0xff);
        assertThat(bus.read(0x200, 2)).isEqualTo(0xffff);
        assertThat(bus.read(0x200, 4)).isEqualTo(-1);
        assertThat(bus.read(0, 1)).isEqualTo(0xff);
        bus.write(0x200, 4, 1);
        assertThat(four.writes()).isEmpty();
    }

    @Test
    void splitsWhatARegionDoesNotHold() {
        assertThat(bus.read(0x103, 4)).isEqualTo(0xffff8013);
        bus.write(0x102, 4, 0x44332211);
        assertThat(four.writes()).containsExactly("1@2=0x11", "1@3=0x22");
        assertThat(one.writes()).containsExactly("1@0=0x33");
        assertThat(bus.read(0xff, 2)).isEqualTo(0x10ff);
    }

    @Test
    void endsAtTheLastPort() {
        assertThat(bus.read(0xffff, 4)).isEqualTo(0xffffff90);
        bus.write(0xffff, 2, 0x1122);
        assertThat(last.writes()).containsExactly("1@0=0x22");
    }

    @Test
    void masksWhatIsWrittenToTheSizeOfTheAccess() {
        bus.write(0x104, 1, 0xffff_ff42);
        assertThat(one.writes()).containsExactly("1@0=0x42");
    }

    @Test
    void refusesOverlapsByName() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PortBus(List.of(new Placement("a", four, 0x60), new Placement("b", one, 0x63))))
                .withMessage(
                        "the ports one of b at 0x63-0x63 overlap with four of a at 0x60-0x63: move one of the two");
    }

    @Test
    void refusesPortsThatDoNotExist() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new PortBus(List.of(new Placement("a", four, 0xfffd))))
                .withMessageContaining("four of a at 0xfffd-0x10000 do not exist");
    }
}
