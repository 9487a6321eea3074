package org.bundlevisor.devices.legacy;

import java.util.List;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * Motorola's real-time clock MC146818 with the PC's 128 bytes of battery-backed memory behind an index port and a data
 * port. It starts with the machine's wall-clock time, in UTC.
 *
 * <p>Nothing ticks: time, update-in-progress and the three interrupt flags follow from the clock whenever somebody looks,
 * and a timer is armed only for an interrupt that the guest has enabled.
 *
 * <p>Register names and quotations are those of Motorola's data sheet "MC146818 Real-Time Clock plus RAM".
 */
final class Rtc146818 implements Device, PortIo, Snapshot {
    private static final int SECONDS = 0;
    private static final int SECONDS_ALARM = 1;
    private static final int MINUTES = 2;
    private static final int MINUTES_ALARM = 3;
    private static final int HOURS = 4;
    private static final int HOURS_ALARM = 5;
    private static final int DAY_OF_WEEK = 6;
    private static final int DAY_OF_MONTH = 7;
    private static final int MONTH = 8;
    private static final int YEAR = 9;
    private static final int REGISTER_A = 10;
    private static final int REGISTER_B = 11;
    private static final int REGISTER_C = 12;
    private static final int REGISTER_D = 13;

    /** Where PC firmware keeps the century, and the FADT says so. */
    static final int CENTURY = 0x32;

    private static final int A_UPDATE_IN_PROGRESS = 0x80;
    /** Divider bits 110 and 111 hold the divider chain in reset. */
    private static final int A_DIVIDER_RESET = 0x60;

    private static final int A_RATE = 0x0F;
    /** A 32.768 kHz crystal and 1024 periodic interrupts a second: as firmware leaves it. */
    private static final int A_POWER_UP = 0x26;

    private static final int B_SET = 0x80;
    private static final int B_UPDATE_ENDED_ENABLE = 0x10;
    private static final int B_SQUARE_WAVE_ENABLE = 0x08;
    private static final int B_BINARY = 0x04;
    private static final int B_24_HOURS = 0x02;

    /** Interrupt flags of register C; the enable bits of register B lie in the same places. */
    private static final int INTERRUPT_REQUEST = 0x80;

    private static final int PERIODIC = 0x40;
    private static final int ALARM = 0x20;
    private static final int UPDATE_ENDED = 0x10;

    private static final int D_VALID_RAM_AND_TIME = 0x80;

    private static final int HOURS_PM = 0x80;
    private static final int ALARM_DO_NOT_CARE = 0xC0;

    private static final long NANOSECONDS_PER_SECOND = 1_000_000_000;

    /** An update takes 1984 microseconds with this crystal, and is announced 244 microseconds before. */
    private static final long UPDATE_IN_PROGRESS_NANOSECONDS = 2_228_000;

    private static final long NEVER = Long.MAX_VALUE;

    private final Clock clock;
    private final InterruptLine irq;
    private final Clock.Timer timer;
    private final List<IoRegion> regions;

    /** Battery-backed memory; the time's registers count here only while they may be set, see {@link #setting}. */
    private final byte[] memory;

    private int index;
    private int registerA = A_POWER_UP;
    private int registerB = B_24_HOURS;
    private int flags;

    /** When the divider chain was at zero; updates happen whole seconds later. */
    private long dividerStart;

    /** The time that the clock showed, or would have shown, when the divider was at zero; seconds since 1970. */
    private long secondsAtStart;

    /** How far the day of the week is ahead of the calendar's; the chip counts it apart from the date. */
    private int weekdayShift;

    /** Updates and periods that the flags know of. */
    private long updatesSeen;

    private long periodsSeen;

    /** @param memory initial contents, 128 bytes, which the device takes over */
    Rtc146818(Clock clock, InterruptLine irq, byte[] memory) {
        this.clock = clock;
        this.irq = irq;
        this.memory = memory;
        this.regions = List.of(Region.ofBytes("registers", 2, this::read, this::write));
        this.secondsAtStart = clock.epochSeconds();
        this.timer = clock.timer(this::timerExpired);
        noteProgress(clock.nanoseconds());
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    /** The RESET pin "does not affect the clock, calendar, or RAM functions". */
    @Override
    public synchronized void reset() {
        catchUp(clock.nanoseconds());
        index = 0;
        registerB &= ~(PERIODIC | ALARM | UPDATE_ENDED | B_SQUARE_WAVE_ENABLE);
        flags = 0;
        update();
    }

    @Override
    public synchronized void close() {
        timer.disarm();
    }

    private synchronized int read(int offset) {
        // the index port can only be written
        return offset == 0 ? 0xFF : readRegister(index);
    }

    private synchronized void write(int offset, int value) {
        if (offset == 0) {
            // bit 7 is the PC's NMI mask, which belongs to another chip
            index = value & 0x7F;
        } else {
            writeRegister(index, value);
        }
    }

    private int readRegister(int register) {
        long now = clock.nanoseconds();
        return switch (register) {
            case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY ->
                    setting() ? memory[register] & 0xFF : timeRegister(register, seconds(now));
            case REGISTER_A -> registerA | (updateInProgress(now) ? A_UPDATE_IN_PROGRESS : 0);
            case REGISTER_B -> registerB;
            case REGISTER_C -> readFlags(now);
            case REGISTER_D -> D_VALID_RAM_AND_TIME;
            default -> memory[register] & 0xFF;
        };
    }

    private void writeRegister(int register, int value) {
        long now = clock.nanoseconds();
        catchUp(now);
        switch (register) {
            case SECONDS, MINUTES, HOURS, DAY_OF_WEEK, DAY_OF_MONTH, MONTH, YEAR, CENTURY -> {
                if (setting()) {
                    memory[register] = (byte) value;
                } else {
                    showTime(now);
                    memory[register] = (byte) value;
                    takeTime(now);
                }
            }
            case REGISTER_A -> writeRegisterA(value & ~A_UPDATE_IN_PROGRESS, now);
            case REGISTER_B -> writeRegisterB(value, now);
            case REGISTER_C, REGISTER_D -> {
                // read-only
            }
            default -> memory[register] = (byte) value;
        }
        update();
    }

    private void writeRegisterA(int value, long now) {
        boolean wasHeld = held();
        long seconds = seconds(now);
        registerA = value;
        if (held() && !wasHeld) {
            secondsAtStart = seconds;
        } else if (wasHeld && !held()) {
            // "when the divider is removed from reset the first update cycle begins one-half second later"
            dividerStart = now - NANOSECONDS_PER_SECOND / 2;
        }
        noteProgress(now);
    }

    private void writeRegisterB(int value, long now) {
        boolean wasSetting = setting();
        if ((value & B_SET) != 0 && !wasSetting) {
            showTime(now);
        }
        registerB = value;
        if (setting()) {
            // "UIE is cleared by the SET bit going high"
            registerB &= wasSetting ? ~0 : ~B_UPDATE_ENDED_ENABLE;
        } else if (wasSetting) {
            takeTime(now);
        }
    }

    private int readFlags(long now) {
        catchUp(now);
        int value = flags | (interruptRequested() ? INTERRUPT_REQUEST : 0);
        flags = 0;
        update();
        return value;
    }

    private boolean setting() {
        return (registerB & B_SET) != 0;
    }

    /** Whether the divider chain is held in reset, and with it the time. */
    private boolean held() {
        return (registerA & A_DIVIDER_RESET) == A_DIVIDER_RESET;
    }

    // ---- time

    private long divider(long now) {
        return held() ? 0 : now - dividerStart;
    }

    private long updates(long now) {
        return Math.floorDiv(divider(now), NANOSECONDS_PER_SECOND);
    }

    private long seconds(long now) {
        return secondsAtStart + updates(now);
    }

    private boolean updateInProgress(long now) {
        return !setting()
                && !held()
                && Math.floorMod(divider(now), NANOSECONDS_PER_SECOND) >= NANOSECONDS_PER_SECOND
                        - UPDATE_IN_PROGRESS_NANOSECONDS;
    }

    /** Copies the time into the registers, where the guest sets it. */
    private void showTime(long now) {
        long seconds = seconds(now);
        for (int register = SECONDS; register <= YEAR; register++) {
            if (register > HOURS_ALARM || register % 2 == 0) {
                memory[register] = (byte) timeRegister(register, seconds);
            }
        }
        memory[CENTURY] = (byte) timeRegister(CENTURY, seconds);
    }

    /** Takes the time from the registers; the divider goes on as it is. */
    private void takeTime(long now) {
        long days = CalendarTime.days(
                decode(memory[CENTURY]) * 100L + decode(memory[YEAR]), decode(memory[MONTH]),
                decode(memory[DAY_OF_MONTH]));
        long seconds = days * CalendarTime.SECONDS_PER_DAY
                + decodeHours(memory[HOURS] & 0xFF) * 3600L
                + decode(memory[MINUTES]) * 60L
                + decode(memory[SECONDS]);
        secondsAtStart = seconds - updates(now);
        long dayNow = Math.floorDiv(seconds, CalendarTime.SECONDS_PER_DAY);
        weekdayShift = Math.floorMod(decode(memory[DAY_OF_WEEK]) - 1 - CalendarTime.weekday(dayNow), 7);
    }

    private int timeRegister(int register, long seconds) {
        long days = Math.floorDiv(seconds, CalendarTime.SECONDS_PER_DAY);
        int secondOfDay = (int) Math.floorMod(seconds, CalendarTime.SECONDS_PER_DAY);
        return switch (register) {
            case SECONDS -> encode(secondOfDay % 60);
            case MINUTES -> encode(secondOfDay / 60 % 60);
            case HOURS -> encodeHours(secondOfDay / 3600);
            case DAY_OF_WEEK -> encode((CalendarTime.weekday(days) + weekdayShift) % 7 + 1);
            case DAY_OF_MONTH -> encode(CalendarTime.day(CalendarTime.date(days)));
            case MONTH -> encode(CalendarTime.month(CalendarTime.date(days)));
            case YEAR -> encode(Math.floorMod(CalendarTime.year(CalendarTime.date(days)), 100));
            default -> encode(Math.floorMod(Math.floorDiv(CalendarTime.year(CalendarTime.date(days)), 100), 100));
        };
    }

    private int encode(int value) {
        return (registerB & B_BINARY) != 0 ? value : value / 10 << 4 | value % 10;
    }

    private int decode(int register) {
        int value = register & 0xFF;
        return (registerB & B_BINARY) != 0 ? value : (value >> 4) * 10 + (value & 0x0F);
    }

    private int encodeHours(int hours) {
        if ((registerB & B_24_HOURS) != 0) {
            return encode(hours);
        }
        return encode(hours % 12 == 0 ? 12 : hours % 12) | (hours >= 12 ? HOURS_PM : 0);
    }

    private int decodeHours(int register) {
        if ((registerB & B_24_HOURS) != 0) {
            return decode(register);
        }
        return decode(register & ~HOURS_PM) % 12 + ((register & HOURS_PM) != 0 ? 12 : 0);
    }

    // ---- interrupts

    /** Sets the flags for all that has happened since they were last looked at. */
    private void catchUp(long now) {
        long updates = updates(now);
        if (updates != updatesSeen) {
            if (!setting()) {
                flags |= UPDATE_ENDED;
                if (nextAlarm(secondsAtStart + updatesSeen) <= secondsAtStart + updates) {
                    flags |= ALARM;
                }
            }
            updatesSeen = updates;
        }
        long periods = periods(now);
        if (periods != periodsSeen) {
            flags |= PERIODIC;
            periodsSeen = periods;
        }
    }

    private void noteProgress(long now) {
        updatesSeen = updates(now);
        periodsSeen = periods(now);
    }

    /** Binary logarithm of the periodic interrupt's period in crystal cycles, or -1 when there is none: table 5. */
    private int periodShift() {
        int rate = registerA & A_RATE;
        return switch (rate) {
            case 0 -> -1;
            case 1, 2 -> rate + 6;
            default -> rate - 1;
        };
    }

    private long periods(long now) {
        int shift = periodShift();
        if (shift < 0 || held()) {
            return 0;
        }
        long divider = divider(now);
        long cycles = Math.floorDiv(divider, NANOSECONDS_PER_SECOND) * 32_768
                + Math.floorMod(divider, NANOSECONDS_PER_SECOND) * 32_768 / NANOSECONDS_PER_SECOND;
        return cycles >> shift;
    }

    private long nextPeriod() {
        int shift = periodShift();
        if (shift < 0 || held()) {
            return NEVER;
        }
        long cycles = periodsSeen + 1 << shift;
        return dividerStart
                + (cycles >> 15) * NANOSECONDS_PER_SECOND
                + Math.ceilDiv((cycles & 0x7FFF) * NANOSECONDS_PER_SECOND, 32_768);
    }

    /** The first second after the given one at which the alarm matches, or {@link #NEVER}. */
    private long nextAlarm(long after) {
        int second = memory[SECONDS_ALARM] & 0xFF;
        int minute = memory[MINUTES_ALARM] & 0xFF;
        int hour = memory[HOURS_ALARM] & 0xFF;
        // -1: "don't care", two ones on top
        int atSecond = second >= ALARM_DO_NOT_CARE ? -1 : decode(second);
        int atMinute = minute >= ALARM_DO_NOT_CARE ? -1 : decode(minute);
        int atHour = hour >= ALARM_DO_NOT_CARE ? -1 : decodeHours(hour);
        if (atSecond >= 60 || atMinute >= 60 || atHour >= 24) {
            return NEVER;
        }
        long time = after + 1;
        while (true) {
            int secondOfDay = (int) Math.floorMod(time, CalendarTime.SECONDS_PER_DAY);
            if (atHour >= 0 && secondOfDay / 3600 != atHour) {
                time += 3600 - secondOfDay % 3600;
            } else if (atMinute >= 0 && secondOfDay / 60 % 60 != atMinute) {
                time += 60 - secondOfDay % 60;
            } else if (atSecond >= 0 && secondOfDay % 60 != atSecond) {
                time++;
            } else {
                return time;
            }
        }
    }

    private boolean interruptRequested() {
        return (flags & registerB & (PERIODIC | ALARM | UPDATE_ENDED)) != 0;
    }

    /** Sets the line, and the timer for the next flag that would raise it. */
    private void update() {
        irq.set(interruptRequested());
        int awaited = registerB & ~flags;
        long due = NEVER;
        if ((awaited & PERIODIC) != 0) {
            due = nextPeriod();
        }
        if (!setting() && !held()) {
            if ((awaited & UPDATE_ENDED) != 0) {
                due = Math.min(due, dividerStart + (updatesSeen + 1) * NANOSECONDS_PER_SECOND);
            }
            if ((awaited & ALARM) != 0) {
                long alarm = nextAlarm(secondsAtStart + updatesSeen);
                if (alarm != NEVER) {
                    due = Math.min(due, dividerStart + (alarm - secondsAtStart) * NANOSECONDS_PER_SECOND);
                }
            }
        }
        if (due == NEVER) {
            timer.disarm();
        } else {
            timer.arm(due);
        }
    }

    private synchronized void timerExpired() {
        catchUp(clock.nanoseconds());
        update();
    }

    // ---- saved state

    @Override
    public synchronized SavedState save() {
        long now = clock.nanoseconds();
        catchUp(now);
        return SavedState.version(1)
                .put("index", index)
                .put("register A", registerA)
                .put("register B", registerB)
                .put("flags", flags)
                .put("seconds", seconds(now))
                .put("divider nanoseconds", Math.floorMod(divider(now), NANOSECONDS_PER_SECOND))
                .put("weekday shift", weekdayShift)
                .put("memory", memory)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        long now = clock.nanoseconds();
        index = (int) state.number("index", 0) & 0x7F;
        registerA = (int) state.number("register A", A_POWER_UP) & 0x7F;
        registerB = (int) state.number("register B", B_24_HOURS) & 0xFF;
        flags = (int) state.number("flags", 0) & (PERIODIC | ALARM | UPDATE_ENDED);
        byte[] bytes = state.bytes("memory");
        System.arraycopy(bytes, 0, memory, 0, Math.min(bytes.length, memory.length));
        weekdayShift = (int) Math.floorMod(state.number("weekday shift", 0), 7L);
        dividerStart = now - Math.floorMod(state.number("divider nanoseconds", 0), NANOSECONDS_PER_SECOND);
        secondsAtStart = state.number("seconds", clock.epochSeconds() + Math.floorDiv(now, NANOSECONDS_PER_SECOND));
        noteProgress(now);
        update();
    }
}
