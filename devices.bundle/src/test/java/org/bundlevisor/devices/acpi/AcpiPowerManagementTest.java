package org.bundlevisor.devices.acpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.bundlevisor.devices.test.Registers;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Against ACPI 4.8, "ACPI Register Model". */
class AcpiPowerManagementTest {
    private static final long SECOND = 1_000_000_000;

    private static final int TIMER_CARRY = 0x0001;

    private final FakeContext context = new FakeContext();
    private final FakeLine sci = context.wire("sci");
    private Device device = create();

    private Device create() {
        Device made = new AcpiPowerManagementFactory().create(context);
        made.reset();
        return made;
    }

    private IoRegion region(String name) {
        return Registers.of(device, name).region();
    }

    private int status() {
        return (int) region("pm1-event").read(0, 2);
    }

    private void clear(int bits) {
        region("pm1-event").write(0, 2, bits);
    }

    private void enable(int bits) {
        region("pm1-event").write(2, 2, bits);
    }

    @Test
    void countsAtTheRightRate() {
        assertThat(region("pm-timer").read(0, 4)).isZero();
        context.clock().advance(SECOND);
        assertThat(region("pm-timer").read(0, 4)).isEqualTo(3_579_545);
        context.clock().advanceTo(1000 * SECOND);
        assertThat(region("pm-timer").read(0, 4)).isEqualTo(3_579_545_000L);
        assertThat(region("pm-timer").read(1, 1)).isEqualTo(3_579_545_000L >> 8 & 0xFF);
        context.clock().advanceTo(2000 * SECOND);
        assertThat(region("pm-timer").read(0, 4)).as("32 bits").isEqualTo(7_159_090_000L - (1L << 32));
    }

    @Test
    void ignoresWritesToTheTimer() {
        context.clock().advance(SECOND);
        region("pm-timer").write(0, 4, 0);
        assertThat(region("pm-timer").read(0, 4)).isEqualTo(3_579_545);
    }

    @Test
    void wrapsAt24BitsIfAskedTo() {
        context.with("timer.bits", 24);
        device = create();
        context.clock().advance(5 * SECOND);
        assertThat(region("pm-timer").read(0, 4)).isEqualTo(17_897_725 - (1 << 24));
    }

    @Test
    void refusesAnotherWidth() {
        assertThatThrownBy(() -> new AcpiPowerManagementFactory().create(new FakeContext().with("timer.bits", 28)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("timer.bits is 28 (expected 24 or 32)");
    }

    @Test
    void notesEachChangeOfTheTopBit() {
        context.with("timer.bits", 24);
        device = create();
        // bit 23 changes after 2^23 ticks: 2.3434844 s
        context.clock().advanceTo(2_343_484_000L);
        assertThat(status()).isZero();
        context.clock().advanceTo(2_343_485_000L);
        assertThat(status()).isEqualTo(TIMER_CARRY);
        clear(TIMER_CARRY);
        assertThat(status()).isZero();
        context.clock().advanceTo(4_686_969_000L);
        assertThat(status()).as("falling edge").isEqualTo(TIMER_CARRY);
        assertThat(sci.rises()).isZero();
    }

    @Test
    void interruptsForTheTimerIfEnabled() {
        enable(TIMER_CARRY);
        // bit 31 changes after 2^31 ticks: just under 600 s
        context.clock().advance(599 * SECOND);
        assertThat(sci.level()).isFalse();
        context.clock().advance(SECOND);
        assertThat(sci.level()).isTrue();
        clear(TIMER_CARRY);
        assertThat(sci.level()).isFalse();
        context.clock().advance(600 * SECOND);
        assertThat(sci.rises()).isEqualTo(2);
        enable(0);
        assertThat(sci.level()).isFalse();
        assertThat(status()).isEqualTo(TIMER_CARRY);
    }

    @Test
    void takesEventRegistersInAnySize() {
        region("pm1-event").write(0, 4, 0x0021_0000L);
        assertThat(region("pm1-event").read(2, 2)).isEqualTo(0x21);
        assertThat(region("pm1-event").read(0, 4)).isEqualTo(0x0021_0000L);
        region("pm1-event").write(2, 1, 0x01);
        assertThat(region("pm1-event").read(2, 1)).isEqualTo(0x01);
        enable(0xFFFF);
        assertThat(region("pm1-event").read(2, 2)).as("timer, bus master, global lock and clock").isEqualTo(0x431);
    }

    @Test
    void isInAcpiModeFromTheStart() {
        assertThat(region("pm1-control").read(0, 2)).isEqualTo(0x0001);
        region("pm1-control").write(0, 2, 0);
        assertThat(region("pm1-control").read(0, 2)).isEqualTo(0x0001);
    }

    @Test
    void turnsOffInStateS5() {
        region("pm1-control").write(0, 2, 0);
        assertThat(context.requests()).isEmpty();
        region("pm1-control").write(0, 2, 1 << 13);
        assertThat(context.requests()).containsExactly("powerOff");
        assertThat(region("pm1-control").read(0, 2)).as("SLP_EN is write-only").isEqualTo(1);
    }

    @Test
    void staysAwakeInOtherStates() {
        for (int type : new int[] {1, 2, 3, 4, 5, 6, 7}) {
            region("pm1-control").write(0, 2, type << 10 | 1 << 13);
        }
        assertThat(context.requests()).isEmpty();
    }

    @Test
    void resetsTheMachineWhenTheResetValueIsWritten() {
        region("reset").write(0, 1, 0x02);
        assertThat(context.requests()).isEmpty();
        region("reset").write(0, 1, 0x06);
        assertThat(context.requests()).containsExactly("reset");
        device.reset();
        assertThat(region("reset").read(0, 1)).isZero();
    }

    @Test
    void raisesGeneralPurposeEvents() {
        InterruptInputs inputs = (InterruptInputs) device;
        region("gpe0").write(2, 2, 1 << 9);
        inputs.input(3).set(true);
        assertThat(sci.level()).as("not enabled").isFalse();
        inputs.input(9).set(true);
        assertThat(sci.level()).isTrue();
        assertThat(region("gpe0").read(1, 1)).isEqualTo(0x02);
        region("gpe0").write(0, 2, 1 << 9);
        assertThat(sci.level()).as("the input is a level").isTrue();
        inputs.input(9).set(false);
        assertThat(region("gpe0").read(0, 2)).isEqualTo(1 << 9 | 1 << 3);
        region("gpe0").write(0, 2, 1 << 9);
        assertThat(sci.level()).isFalse();
    }

    @Nested
    class Contract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new AcpiPowerManagementFactory();
        }

        @Override
        protected FakeContext context() {
            return new FakeContext().with("timer.bits", 24);
        }

        @Override
        protected Set<String> keptOverReset() {
            return Set.of("gpe0 inputs", "gpe0 status");
        }
    }
}
