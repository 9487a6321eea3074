package org.bundlevisor.devices.legacy;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Set;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.bundlevisor.devices.test.Registers;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against Motorola's data sheet of the MC146818. */
class Rtc146818Test {
    private static final long SECOND = 1_000_000_000;
    private static final long MILLISECOND = 1_000_000;

    private static final int SECONDS = 0;
    private static final int MINUTES = 2;
    private static final int HOURS = 4;
    private static final int A = 10;
    private static final int B = 11;
    private static final int C = 12;
    private static final int D = 13;
    private static final int CENTURY = 0x32;

    private final FakeContext context = new FakeContext();
    private final FakeLine irq = context.wire("irq");
    private Registers ports = at("2026-11-22T12:34:56");

    private Registers at(String time) {
        context.clock().setEpochSeconds(LocalDateTime.parse(time).toEpochSecond(ZoneOffset.UTC));
        Device device = new Rtc146818Factory().create(context);
        device.reset();
        return Registers.of(device, "registers");
    }

    private int read(int register) {
        ports.write(0, register);
        return ports.read(1);
    }

    private void write(int register, int value) {
        ports.write(0, register);
        ports.write(1, value);
    }

    /** Time and date in hexadecimal, which is what BCD reads like. */
    private String shown() {
        return "%02x%02x-%02x-%02x %02x:%02x:%02x day %x"
                .formatted(
                        read(CENTURY), read(9), read(8), read(7), read(HOURS), read(MINUTES), read(SECONDS), read(6));
    }

    @Test
    void tellsTheTimeInBcd() {
        // a Sunday
        assertThat(shown()).isEqualTo("2026-11-22 12:34:56 day 1");
        context.clock().advance(4 * SECOND);
        assertThat(shown()).isEqualTo("2026-11-22 12:35:00 day 1");
    }

    @Test
    void tellsTheTimeInBinary() {
        write(B, 0x06);
        assertThat(read(9)).isEqualTo(26);
        assertThat(read(8)).isEqualTo(11);
        assertThat(read(MINUTES)).isEqualTo(34);
        assertThat(read(CENTURY)).isEqualTo(20);
    }

    @ParameterizedTest
    @CsvSource({"00:00, 0x12", "01:00, 0x01", "11:00, 0x11", "12:00, 0x92", "13:00, 0x81", "23:00, 0x91"})
    void tellsTheHourInTwelveHours(String time, String register) {
        ports = at("2026-11-22T" + time + ":00");
        write(B, 0x00);
        assertThat(read(HOURS)).isEqualTo(Integer.decode(register));
    }

    @ParameterizedTest
    @CsvSource({"0x12, 00", "0x01, 01", "0x11, 11", "0x92, 12", "0x81, 13", "0x91, 23"})
    void takesTheHourInTwelveHours(String register, String hour) {
        write(B, 0x80);
        write(HOURS, Integer.decode(register));
        write(B, 0x00);
        write(B, 0x02);
        assertThat(read(HOURS)).isEqualTo(Integer.parseInt(hour, 16));
    }

    @Test
    void turnsTheYear() {
        ports = at("1999-12-31T23:59:59");
        context.clock().advance(SECOND);
        assertThat(shown()).isEqualTo("2000-01-01 00:00:00 day 7");
    }

    @Test
    void knowsLeapYears() {
        ports = at("2028-02-28T23:59:59");
        context.clock().advance(SECOND);
        assertThat(shown()).isEqualTo("2028-02-29 00:00:00 day 3");
    }

    @Test
    void agreesWithTheCalendar() {
        for (LocalDate date = LocalDate.of(1890, 1, 1); date.getYear() < 2110; date = date.plusDays(1)) {
            long days = CalendarTime.days(date.getYear(), date.getMonthValue(), date.getDayOfMonth());
            assertThat(days).isEqualTo(date.toEpochDay());
            long back = CalendarTime.date(days);
            assertThat(CalendarTime.year(back)).isEqualTo(date.getYear());
            assertThat(CalendarTime.month(back)).isEqualTo(date.getMonthValue());
            assertThat(CalendarTime.day(back)).isEqualTo(date.getDayOfMonth());
            assertThat(CalendarTime.weekday(days)).isEqualTo(date.getDayOfWeek().getValue() % 7);
        }
    }

    @Test
    void standsStillWhileItIsSet() {
        write(B, 0x82);
        context.clock().advance(10 * SECOND);
        assertThat(read(SECONDS)).isEqualTo(0x56);
        assertThat(read(A) & 0x80).isZero();
        write(CENTURY, 0x19);
        write(9, 0x99);
        write(8, 0x12);
        write(7, 0x31);
        write(6, 0x06);
        write(HOURS, 0x23);
        write(MINUTES, 0x59);
        write(SECONDS, 0x58);
        assertThat(shown()).isEqualTo("1999-12-31 23:59:58 day 6");
        write(B, 0x02);
        context.clock().advance(2 * SECOND);
        assertThat(shown()).isEqualTo("2000-01-01 00:00:00 day 7");
    }

    @Test
    void countsTheDayOfTheWeekByItself() {
        write(B, 0x82);
        write(6, 4);
        write(B, 0x02);
        assertThat(read(6)).isEqualTo(4);
        context.clock().advance(4 * 86_400 * SECOND);
        assertThat(read(6)).isEqualTo(1);
    }

    @Test
    void updatesHalfASecondAfterTheDividerIsReleased() {
        context.clock().advance(SECOND / 3);
        write(A, 0x76);
        context.clock().advance(10 * SECOND);
        assertThat(read(SECONDS)).isEqualTo(0x56);
        write(A, 0x26);
        context.clock().advance(SECOND / 2 - 1);
        assertThat(read(SECONDS)).isEqualTo(0x56);
        context.clock().advance(1);
        assertThat(read(SECONDS)).isEqualTo(0x57);
        context.clock().advance(SECOND);
        assertThat(read(SECONDS)).isEqualTo(0x58);
    }

    @Test
    void announcesAnUpdate() {
        context.clock().advance(SECOND - 2_228_001);
        assertThat(read(A)).isEqualTo(0x26);
        context.clock().advance(1);
        assertThat(read(A)).isEqualTo(0xA6);
        assertThat(read(SECONDS)).isEqualTo(0x56);
        context.clock().advance(2_228_000);
        assertThat(read(A)).isEqualTo(0x26);
        assertThat(read(SECONDS)).isEqualTo(0x57);
    }

    @Test
    void flagsTheEndOfAnUpdateAlsoWithoutInterrupt() {
        read(C);
        context.clock().advance(SECOND);
        assertThat(read(C) & 0x90).isEqualTo(0x10);
        assertThat(read(C) & 0x10).as("reading clears it").isZero();
        assertThat(irq.level()).isFalse();
    }

    @Test
    void interruptsAtTheEndOfAnUpdate() {
        read(C);
        write(B, 0x12);
        context.clock().advance(SECOND - 1);
        assertThat(irq.level()).isFalse();
        context.clock().advance(1);
        assertThat(irq.level()).isTrue();
        assertThat(read(C) & 0x90).isEqualTo(0x90);
        assertThat(irq.level()).isFalse();
        context.clock().advance(SECOND);
        assertThat(irq.rises()).isEqualTo(2);
    }

    @Test
    void endsUpdateInterruptsWhenItIsSet() {
        write(B, 0x12);
        write(B, 0x92);
        assertThat(read(B)).isEqualTo(0x82);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 3906250", "2, 7812500", "3, 122071", "4, 244141", "5, 488282", "6, 976563", "7, 1953125", "8, 3906250",
        "9, 7812500", "10, 15625000", "11, 31250000", "12, 62500000", "13, 125000000", "14, 250000000", "15, 500000000"
    })
    void interruptsPeriodically(int rate, long period) {
        write(A, 0x20 | rate);
        read(C);
        write(B, 0x42);
        context.clock().advance(period - 1);
        assertThat(irq.level()).isFalse();
        context.clock().advance(1);
        assertThat(irq.level()).isTrue();
        assertThat(read(C) & 0xC0).isEqualTo(0xC0);
    }

    @Test
    void keepsTheRateOverManyPeriods() {
        write(A, 0x26);
        write(B, 0x42);
        for (int step = 0; step < 20_000; step++) {
            context.clock().advance(MILLISECOND / 10);
            if (irq.level()) {
                read(C);
            }
        }
        assertThat(irq.rises()).isEqualTo(2 * 1024);
    }

    @Test
    void hasNoPeriodAtRateZero() {
        write(A, 0x20);
        read(C);
        write(B, 0x42);
        context.clock().advance(3 * SECOND);
        assertThat(read(C) & 0x40).isZero();
        assertThat(irq.level()).isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        // alarm registers for hours, minutes and seconds; seconds from 12:34:56 until it matches
        "0x12, 0x35, 0x10, 14",
        "0x12, 0x34, 0x56, 86400",
        "0xFF, 0xFF, 0xFF, 1",
        "0xFF, 0xFF, 0x00, 4",
        "0xFF, 0x00, 0x00, 1504",
        "0x00, 0x00, 0x00, 41104",
        "0xC0, 0x34, 0x57, 1"
    })
    void interruptsAtTheAlarm(String hours, String minutes, String seconds, long after) {
        write(5, Integer.decode(hours));
        write(3, Integer.decode(minutes));
        write(1, Integer.decode(seconds));
        write(B, 0x22);
        context.clock().advance(after * SECOND - 1);
        assertThat(irq.level()).isFalse();
        context.clock().advance(1);
        assertThat(irq.level()).isTrue();
        assertThat(read(C) & 0xA0).isEqualTo(0xA0);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3, 5})
    void neverMeetsAnAlarmThatIsNoTime(int register) {
        write(5, 0xFF);
        write(3, 0xFF);
        write(1, 0xFF);
        write(register, 0x99);
        read(C);
        write(B, 0x22);
        context.clock().advance(2 * 86_400 * SECOND);
        assertThat(read(C) & 0x20).isZero();
    }

    @Test
    void leavesTimeAndMemoryAloneOnReset() {
        context.clock().advance(SECOND);
        Device device = new Rtc146818Factory().create(context);
        ports = Registers.of(device, "registers");
        write(0x40, 0x77);
        write(B, 0x7A);
        context.clock().advance(SECOND);
        device.reset();
        assertThat(read(B)).isEqualTo(0x02);
        assertThat(read(C)).isZero();
        assertThat(read(0x40)).isEqualTo(0x77);
        assertThat(shown()).isEqualTo("2026-11-22 12:34:58 day 1");
        assertThat(irq.level()).isFalse();
    }

    @Test
    void hasAGoodBattery() {
        assertThat(read(D)).isEqualTo(0x80);
        write(D, 0);
        assertThat(read(D)).isEqualTo(0x80);
    }

    @Test
    void ignoresTheMaskOfTheNonMaskableInterruptAndHidesTheIndex() {
        ports.write(0, 0x80 | D);
        assertThat(ports.read(1)).isEqualTo(0x80);
        assertThat(ports.read(0)).isEqualTo(0xFF);
    }

    @Test
    void notesTheMemoryAsFirmwareWould() {
        FakeContext large = new FakeContext(4).with("memory.below4g", 3L << 30).with("memory.above4g", 5L << 30);
        ports = Registers.of(new Rtc146818Factory().create(large), "registers");
        assertThat(read(0x15) | read(0x16) << 8).as("base, KiB").isEqualTo(640);
        assertThat(read(0x17) | read(0x18) << 8).as("extended, KiB").isEqualTo(0xFFFF);
        assertThat(read(0x30) | read(0x31) << 8).isEqualTo(0xFFFF);
        assertThat(read(0x34) | read(0x35) << 8).as("above 16 MiB, 64 KiB").isEqualTo((3 * 1024 - 16) * 16);
        assertThat(read(0x5B) | read(0x5C) << 8 | read(0x5D) << 16).isEqualTo(5 * 1024 * 16);
        assertThat(read(0x5F)).isEqualTo(3);
        int sum = 0;
        for (int register = 0x10; register < 0x2E; register++) {
            sum += read(register);
        }
        assertThat(read(0x2E) << 8 | read(0x2F)).isEqualTo(sum);

        FakeContext small = new FakeContext().with("memory.below4g", "0x800000");
        ports = Registers.of(new Rtc146818Factory().create(small), "registers");
        assertThat(read(0x17) | read(0x18) << 8).isEqualTo(7 * 1024);
        assertThat(read(0x34) | read(0x35) << 8).isZero();
    }

    @Nested
    class Contract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new Rtc146818Factory();
        }

        @Override
        protected Set<String> keptOverReset() {
            return Set.of(
                    "seconds", "divider nanoseconds", "weekday shift", "memory", "register A", "register B");
        }
    }
}
