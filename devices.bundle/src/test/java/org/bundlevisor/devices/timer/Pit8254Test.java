package org.bundlevisor.devices.timer;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.devices.Rate;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The behaviour that the 8254 data sheet (Intel 231164) states; times are ticks of the counters' CLK. */
class Pit8254Test {
    private static final Rate CLK = new Rate(105, 88_000);
    private static final int CONTROL = 3;
    private static final int GATE = 0x01;
    private static final int OUT2 = 0x20;

    private final FakeContext context = new FakeContext();
    private final Pit8254 pit = new Pit8254(context);
    private final FakeLine irq = context.wire("irq");
    private long tick;

    @BeforeEach
    void reset() {
        pit.reset();
    }

    private void write(int offset, int value) {
        pit.portRegions().get(0).write(offset, 1, value);
    }

    private int read(int offset) {
        return (int) pit.portRegions().get(0).read(offset, 1);
    }

    private void writeSpeaker(int value) {
        pit.portRegions().get(1).write(0, 1, value);
    }

    private int readSpeaker() {
        return (int) pit.portRegions().get(1).read(0, 1);
    }

    /** Moves the clock to the first nanosecond of a later tick. */
    private void pass(long ticks) {
        tick += ticks;
        context.clock().advanceTo(CLK.timeOf(tick));
    }

    /** Programs both bytes of a counter. */
    private void program(int counter, int mode, int count) {
        write(CONTROL, counter << 6 | 0x30 | mode << 1);
        count(counter, count);
    }

    private void count(int counter, int count) {
        write(counter, count & 0xFF);
        write(counter, count >>> 8);
    }

    private int latched(int counter) {
        write(CONTROL, counter << 6);
        return read(counter) | read(counter) << 8;
    }

    private int status(int counter) {
        write(CONTROL, 0xE0 | 2 << counter);
        return read(counter);
    }

    private boolean out(int counter) {
        return (status(counter) & 0x80) != 0;
    }

    @Test
    void runsAtATwelfthOfTheColourBurstClock() {
        // 105 / 88 MHz: in 88 ms exactly 105000 ticks
        program(2, 0, 0xFFFF);
        writeSpeaker(GATE);
        context.clock().advanceTo(44_000_000);
        assertThat(latched(2)).isEqualTo(0xFFFF - (52_500 - 1));
    }

    @Test
    void modeZeroRisesOneTickAfterTheCountOfTicks() {
        program(0, 0, 4);
        assertThat(irq.level()).isFalse();
        pass(1);
        assertThat(latched(0)).isEqualTo(4);
        pass(3);
        assertThat(irq.level()).isFalse();
        assertThat(latched(0)).isEqualTo(1);
        pass(1);
        assertThat(irq.level()).isTrue();
        assertThat(latched(0)).isZero();
        pass(1);
        assertThat(latched(0)).as("the counting element goes on").isEqualTo(0xFFFF);
        assertThat(irq.rises()).isEqualTo(1);
    }

    @Test
    void modeZeroStopsAndFallsWithTheFirstByteOfANewCount() {
        program(0, 0, 4);
        pass(10);
        assertThat(irq.level()).isTrue();
        write(0, 8);
        assertThat(irq.level()).isFalse();
        int stopped = latched(0);
        pass(5);
        assertThat(latched(0)).isEqualTo(stopped);
        write(0, 0);
        pass(9);
        assertThat(irq.level()).isTrue();
    }

    @Test
    void modeZeroHoldsItsCountWhileTheGateIsLow() {
        writeSpeaker(GATE);
        program(2, 0, 10);
        pass(4);
        writeSpeaker(0);
        assertThat(latched(2)).isEqualTo(7);
        pass(100);
        assertThat(latched(2)).isEqualTo(7);
        assertThat(out(2)).isFalse();
        writeSpeaker(GATE);
        pass(6);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeZeroLoadsACountThatIsWrittenWhileTheGateIsLow() {
        program(2, 0, 10);
        pass(50);
        assertThat(latched(2)).isEqualTo(10);
        assertThat(status(2) & 0x40).as("null count").isZero();
        writeSpeaker(GATE);
        pass(10);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeOneMakesOnePulseForEachTrigger() {
        program(2, 1, 5);
        assertThat(out(2)).isTrue();
        pass(20);
        assertThat(out(2)).isTrue();
        writeSpeaker(GATE);
        pass(1);
        assertThat(out(2)).isFalse();
        pass(4);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();

        writeSpeaker(0);
        writeSpeaker(GATE);
        pass(3);
        writeSpeaker(0);
        writeSpeaker(GATE);
        pass(5);
        assertThat(out(2)).as("a second trigger makes the pulse longer").isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeOneTakesANewCountOverWithTheNextTrigger() {
        program(2, 1, 5);
        writeSpeaker(GATE);
        pass(2);
        count(2, 50);
        assertThat(status(2) & 0x40).isNotZero();
        pass(4);
        assertThat(out(2)).isTrue();
        writeSpeaker(0);
        writeSpeaker(GATE);
        pass(50);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeTwoIsLowForTheLastTickOfEachPeriod() {
        program(0, 2, 100);
        int before = irq.rises();
        pass(100);
        assertThat(latched(0)).isEqualTo(1);
        assertThat(out(0)).isFalse();
        pass(1);
        assertThat(latched(0)).isEqualTo(100);
        assertThat(out(0)).isTrue();
        assertThat(irq.rises()).isEqualTo(before + 1);
        pass(1000);
        assertThat(irq.rises()).isEqualTo(before + 11);
    }

    @Test
    void modeTwoTakesANewCountOverAtTheEndOfThePeriod() {
        program(0, 2, 100);
        pass(51);
        count(0, 30);
        assertThat(latched(0)).isEqualTo(50);
        assertThat(status(0) & 0x40).isNotZero();
        pass(50);
        assertThat(latched(0)).isEqualTo(30);
        assertThat(status(0) & 0x40).isZero();
        int before = irq.rises();
        pass(30);
        assertThat(irq.rises()).isEqualTo(before + 1);
    }

    @Test
    void modeTwoStartsAgainWithTheGate() {
        writeSpeaker(GATE);
        program(2, 2, 100);
        pass(100);
        assertThat(out(2)).isFalse();
        writeSpeaker(0);
        assertThat(out(2)).as("a low gate raises OUT at once").isTrue();
        pass(500);
        assertThat(latched(2)).isEqualTo(1);
        writeSpeaker(GATE);
        pass(1);
        assertThat(latched(2)).isEqualTo(100);
    }

    @Test
    void modeThreeIsASquareWaveThatCountsByTwo() {
        writeSpeaker(GATE);
        program(2, 3, 10);
        pass(1);
        assertThat(latched(2)).isEqualTo(10);
        pass(4);
        assertThat(latched(2)).isEqualTo(2);
        assertThat(readSpeaker() & OUT2).isNotZero();
        pass(1);
        assertThat(latched(2)).isEqualTo(10);
        assertThat(readSpeaker() & OUT2).isZero();
        pass(5);
        assertThat(readSpeaker() & OUT2).isNotZero();
    }

    @Test
    void modeThreeWithAnOddCountIsHighForOneTickMore() {
        writeSpeaker(GATE);
        program(2, 3, 7);
        pass(1);
        assertThat(latched(2)).isEqualTo(6);
        pass(3);
        assertThat(latched(2)).isZero();
        assertThat(out(2)).isTrue();
        pass(1);
        assertThat(latched(2)).isEqualTo(6);
        assertThat(out(2)).isFalse();
        pass(2);
        assertThat(latched(2)).isEqualTo(2);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeThreeInterruptsOncePerPeriod() {
        program(0, 3, 11_932);
        int before = irq.rises();
        pass(1 + 11_932 * 50L);
        assertThat(irq.rises()).isEqualTo(before + 50);
    }

    @Test
    void modeThreeTakesANewCountOverAtTheEndOfTheHalf() {
        writeSpeaker(GATE);
        program(2, 3, 100);
        pass(11);
        count(2, 20);
        pass(40);
        assertThat(out(2)).isFalse();
        assertThat(latched(2)).isEqualTo(20);
        pass(10);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeFourStrobesOnceAfterTheCount() {
        writeSpeaker(GATE);
        program(2, 4, 6);
        assertThat(out(2)).isTrue();
        pass(6);
        assertThat(out(2)).isTrue();
        pass(1);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
        pass(0x10000);
        assertThat(out(2)).isTrue();
    }

    @Test
    void modeFourInterruptsAtTheEndOfItsStrobe() {
        program(0, 4, 6);
        int before = irq.rises();
        pass(7);
        assertThat(irq.rises()).isEqualTo(before);
        pass(1);
        assertThat(irq.rises()).isEqualTo(before + 1);
        pass(100_000);
        assertThat(irq.rises()).isEqualTo(before + 1);
    }

    @Test
    void modeFiveStrobesAfterATrigger() {
        program(2, 5, 6);
        pass(50);
        assertThat(out(2)).isTrue();
        writeSpeaker(GATE);
        pass(6);
        assertThat(out(2)).isTrue();
        pass(1);
        assertThat(out(2)).isFalse();
        pass(1);
        assertThat(out(2)).isTrue();
    }

    @Test
    void aCountOfZeroIsTheLongest() {
        program(0, 0, 0);
        pass(0x10000);
        assertThat(irq.level()).isFalse();
        pass(1);
        assertThat(irq.level()).isTrue();
    }

    @Test
    void countsInBinaryCodedDecimal() {
        writeSpeaker(GATE);
        write(CONTROL, 0xB1);
        count(2, 0x1000);
        pass(2);
        assertThat(latched(2)).isEqualTo(0x0999);
        pass(999);
        assertThat(latched(2)).isZero();
        pass(1);
        assertThat(latched(2)).isEqualTo(0x9999);
    }

    @Test
    void writesAndReadsSingleBytes() {
        writeSpeaker(GATE);
        write(CONTROL, 0x90);
        write(2, 0x42);
        pass(3);
        assertThat(read(2)).isEqualTo(0x40);
        assertThat(read(2)).isEqualTo(0x40);

        write(CONTROL, 0xA0);
        write(2, 0x42);
        pass(1);
        assertThat(read(2)).isEqualTo(0x42);
        pass(1);
        assertThat(read(2)).isEqualTo(0x41);
    }

    @Test
    void aLatchedCountStaysUntilItIsRead() {
        program(0, 2, 1000);
        pass(11);
        write(CONTROL, 0x00);
        pass(10);
        write(CONTROL, 0x00);
        assertThat(read(0) | read(0) << 8).isEqualTo(990);
        assertThat(read(0) | read(0) << 8).isEqualTo(980);
    }

    @Test
    void readBackLatchesStatusBeforeCount() {
        program(0, 2, 1000);
        pass(11);
        write(CONTROL, 0xC2);
        assertThat(read(0)).isEqualTo(0x80 | 0x34);
        assertThat(read(0) | read(0) << 8).isEqualTo(990);
    }

    @Test
    void readBackShowsTheControlWordAndNullCount() {
        write(CONTROL, 0x7E);
        assertThat(status(1)).as("mode 7 is mode 3, and is shown as it was written").isEqualTo(0x80 | 0x40 | 0x3E);
        count(1, 100);
        assertThat(status(1) & 0x40).isNotZero();
        pass(1);
        assertThat(status(1) & 0x40).isZero();
    }

    @Test
    void theControlRegisterCannotBeRead() {
        assertThat(read(CONTROL)).isEqualTo(0xFF);
    }

    @Test
    void portSixtyOneKeepsFourBitsAndTogglesWithRefresh() {
        writeSpeaker(0xFF);
        assertThat(readSpeaker() & 0x0F).isEqualTo(0x0F);
        assertThat(readSpeaker() & 0xC0).isZero();
        boolean first = (readSpeaker() & 0x10) != 0;
        pass(18);
        assertThat((readSpeaker() & 0x10) != 0).isNotEqualTo(first);
        pass(18);
        assertThat((readSpeaker() & 0x10) != 0).isEqualTo(first);
    }

    @Test
    void aTinyPeriodDoesNotCallBackAtEachTick() {
        program(0, 2, 2);
        int before = irq.rises();
        context.clock().advance(1_000_000);
        assertThat(irq.rises() - before).isBetween(50, 100);
    }
}
