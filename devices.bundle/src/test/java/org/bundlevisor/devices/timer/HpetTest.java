package org.bundlevisor.devices.timer;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.device.IoRegion;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The behaviour that the IA-PC HPET specification 1.0a states. */
class HpetTest {
    private static final int CAPABILITIES = 0x00;
    private static final int CONFIGURATION = 0x10;
    private static final int STATUS = 0x20;
    private static final int COUNTER = 0xF0;

    private static final int ENABLE = 1;
    private static final int LEGACY = 2;

    private static final int LEVEL = 1 << 1;
    private static final int INTERRUPTS = 1 << 2;
    private static final int PERIODIC = 1 << 3;
    private static final int SETS_VALUE = 1 << 6;
    private static final int THIRTY_TWO_BITS = 1 << 8;

    private final FakeContext context = new FakeContext();
    private final Hpet hpet = new Hpet(context);
    private final IoRegion registers = hpet.memoryRegions().getFirst();

    @BeforeEach
    void reset() {
        hpet.reset();
    }

    private long read(int offset) {
        return registers.read(offset, 8);
    }

    private void write(int offset, long value) {
        registers.write(offset, 8, value);
    }

    private static int configuration(int comparator) {
        return 0x100 + 0x20 * comparator;
    }

    private static int value(int comparator) {
        return 0x108 + 0x20 * comparator;
    }

    private void pass(long ticks) {
        context.clock().advance(10 * ticks);
    }

    private FakeLine line(String name) {
        return context.wire(name);
    }

    @Test
    void tellsItsCapabilities() {
        assertThat(read(CAPABILITIES) >>> 32).as("femtoseconds of a tick").isEqualTo(10_000_000);
        assertThat(read(CAPABILITIES) & 0xFFFF_FFFFL).isEqualTo(0x8086_A201L);
        assertThat(registers.read(CAPABILITIES + 4, 4)).isEqualTo(10_000_000);
        for (int n = 0; n < 3; n++) {
            assertThat(read(configuration(n))).isEqualTo(0x00FF_0000_0000_0030L);
            assertThat(read(value(n))).isEqualTo(-1);
        }
    }

    @Test
    void theCounterStandsUntilItIsEnabled() {
        pass(1000);
        assertThat(read(COUNTER)).isZero();
        write(COUNTER, 5);
        write(CONFIGURATION, ENABLE);
        pass(1000);
        assertThat(read(COUNTER)).isEqualTo(1005);
        write(CONFIGURATION, 0);
        pass(1000);
        assertThat(read(COUNTER)).isEqualTo(1005);
    }

    @Test
    void theCounterIsReadAndWrittenByHalves() {
        registers.write(COUNTER, 4, 0xFFFF_FFFEL);
        registers.write(COUNTER + 4, 4, 0x12);
        write(CONFIGURATION, ENABLE);
        pass(3);
        assertThat(registers.read(COUNTER, 4)).isEqualTo(1);
        assertThat(registers.read(COUNTER + 4, 4)).isEqualTo(0x13);
    }

    @Test
    void otherSizesAreNotSupported() {
        registers.write(CONFIGURATION, 1, ENABLE);
        registers.write(CONFIGURATION + 2, 4, -1);
        assertThat(read(CONFIGURATION)).isZero();
        assertThat(registers.read(CAPABILITIES, 2)).isZero();
        assertThat(registers.read(CAPABILITIES + 4, 8)).isZero();
    }

    @Test
    void oneShotMatchesOnce() {
        write(configuration(2), INTERRUPTS | 20 << 9);
        write(value(2), 500);
        write(CONFIGURATION, ENABLE);
        pass(499);
        assertThat(line("gsi20").rises()).isZero();
        pass(1);
        assertThat(line("gsi20").rises()).isEqualTo(1);
        assertThat(read(STATUS)).as("edges leave no status").isZero();
        pass(100_000);
        assertThat(line("gsi20").rises()).isEqualTo(1);
    }

    @Test
    void aComparatorInThePastWaitsForTheCounterToWrap() {
        write(configuration(0), INTERRUPTS | THIRTY_TWO_BITS | 16 << 9);
        write(CONFIGURATION, ENABLE);
        pass(1000);
        write(value(0), 999);
        pass(100_000);
        assertThat(line("gsi16").rises()).isZero();
        context.clock().advanceTo(10 * ((1L << 32) + 999));
        assertThat(line("gsi16").rises()).isEqualTo(1);
    }

    @Test
    void aLevelStaysUntilItsStatusIsCleared() {
        write(configuration(0), LEVEL | INTERRUPTS | 17 << 9);
        write(value(0), 100);
        write(CONFIGURATION, ENABLE);
        pass(150);
        assertThat(line("gsi17").level()).isTrue();
        assertThat(read(STATUS)).isEqualTo(1);
        write(STATUS, 0);
        assertThat(line("gsi17").level()).isTrue();
        write(STATUS, 1);
        assertThat(line("gsi17").level()).isFalse();
        assertThat(read(STATUS)).isZero();
    }

    @Test
    void statusIsKeptWithoutInterrupts() {
        write(configuration(1), LEVEL | 17 << 9);
        write(value(1), 100);
        write(CONFIGURATION, ENABLE);
        pass(150);
        assertThat(read(STATUS)).isEqualTo(2);
        assertThat(line("gsi17").level()).isFalse();
        write(configuration(1), LEVEL | INTERRUPTS | 17 << 9);
        assertThat(line("gsi17").level()).isTrue();
    }

    @Test
    void periodicModeAccumulates() {
        write(CONFIGURATION, ENABLE);
        write(configuration(0), PERIODIC | SETS_VALUE | INTERRUPTS | 16 << 9);
        write(value(0), 3000);
        write(value(0), 2000);
        assertThat(read(configuration(0)) & SETS_VALUE).isZero();
        assertThat(read(value(0))).isEqualTo(3000);
        pass(3000);
        assertThat(line("gsi16").rises()).isEqualTo(1);
        assertThat(read(value(0))).isEqualTo(5000);
        pass(20_000);
        assertThat(line("gsi16").rises()).isEqualTo(11);
        assertThat(read(value(0))).isEqualTo(25_000);
    }

    @Test
    void oneWriteWithValueSetMakesAccumulatorAndPeriod() {
        write(CONFIGURATION, ENABLE);
        write(configuration(0), PERIODIC | SETS_VALUE | INTERRUPTS | 16 << 9);
        write(value(0), 2000);
        pass(10_000);
        assertThat(line("gsi16").rises()).isEqualTo(5);
    }

    @Test
    void periodicModeAccumulatesUnseen() {
        write(CONFIGURATION, ENABLE);
        write(configuration(0), PERIODIC | SETS_VALUE | THIRTY_TWO_BITS);
        write(value(0), 0xC000_0000L);
        context.clock().advanceTo(10 * 0x1_0000_0000L);
        assertThat(read(value(0))).as("modulo 2³²").isEqualTo(0x8000_0000L);
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void thirtyTwoBitModeComparesTheLowHalf() {
        write(COUNTER, 0x5_0000_0000L);
        write(configuration(2), INTERRUPTS | THIRTY_TWO_BITS | 18 << 9);
        write(value(2), 0x9_0000_0064L);
        assertThat(read(value(2))).isEqualTo(0x64);
        write(CONFIGURATION, ENABLE);
        pass(100);
        assertThat(line("gsi18").rises()).isEqualTo(1);
    }

    @Test
    void anUnsupportedRouteIsNotTaken() {
        write(configuration(0), 19 << 9);
        write(configuration(0), 2 << 9);
        assertThat(read(configuration(0)) >>> 9 & 0x1F).isEqualTo(19);
    }

    @Test
    void theLegacyTimersPassThrough() {
        hpet.input(0).set(true);
        assertThat(line("irq0").level()).isTrue();
        hpet.input(1).set(true);
        assertThat(line("irq8").level()).isTrue();
        hpet.input(0).set(false);
        assertThat(line("irq0").level()).isFalse();
    }

    @Test
    void legacyReplacementTakesTheirPlace() {
        write(configuration(0), INTERRUPTS | PERIODIC | SETS_VALUE | 16 << 9);
        write(value(0), 1000);
        write(configuration(1), INTERRUPTS);
        write(value(1), 1500);
        write(CONFIGURATION, ENABLE | LEGACY);
        hpet.input(0).set(true);
        hpet.input(1).set(true);
        assertThat(line("irq0").level()).isFalse();
        assertThat(line("irq8").level()).isFalse();
        pass(2000);
        assertThat(line("irq0").rises()).isEqualTo(2);
        assertThat(line("irq8").rises()).isEqualTo(1);
        assertThat(line("gsi16").rises()).isZero();

        write(CONFIGURATION, ENABLE);
        assertThat(line("irq0").level()).isTrue();
        hpet.input(0).set(false);
        assertThat(line("irq0").level()).isFalse();
    }

    @Test
    void haltingSilencesTheOutputs() {
        write(configuration(0), LEVEL | INTERRUPTS | 17 << 9);
        write(value(0), 100);
        write(CONFIGURATION, ENABLE);
        pass(100);
        write(CONFIGURATION, 0);
        assertThat(line("gsi17").level()).isFalse();
        assertThat(context.clock().armedTimers()).isZero();
    }

    @Test
    void aTinyPeriodDoesNotCallBackAtEachTick() {
        write(CONFIGURATION, ENABLE);
        write(configuration(0), PERIODIC | SETS_VALUE | INTERRUPTS | 16 << 9);
        write(value(0), 1);
        context.clock().advance(1_000_000);
        assertThat(line("gsi16").rises()).isBetween(50, 100);
    }
}
