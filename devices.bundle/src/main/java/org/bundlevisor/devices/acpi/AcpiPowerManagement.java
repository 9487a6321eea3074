package org.bundlevisor.devices.acpi;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * ACPI fixed hardware, ACPI 4.8 "ACPI Register Model": PM1 event and control registers, power management timer,
 * general-purpose events and the reset register. There is no SMI and no legacy mode: SCI_EN always is set, which is what a
 * FADT without SMI command port promises. The buttons and the RTC alarm are not wired to it.
 */
final class AcpiPowerManagement implements Device, PortIo, InterruptInputs, Snapshot {
    /** ACPI 4.8.2.1: 3.579545 MHz. */
    private static final Rate TIMER_RATE = Rate.hertz(3_579_545);

    // PM1 status and enable registers, ACPI 4.8.3.1
    private static final int TIMER_CARRY = 1 << 0;
    private static final int BUS_MASTER = 1 << 4;
    private static final int GLOBAL_LOCK = 1 << 5;
    /** Its enable bit exists as in chipsets, since systems switch it without asking; its status bit never rises. */
    private static final int REAL_TIME_CLOCK = 1 << 10;

    // PM1 control register, ACPI 4.8.3.2.1
    private static final int SCI_ENABLE = 1 << 0;
    private static final int BUS_MASTER_RELOAD = 1 << 1;
    private static final int SLEEP_TYPE_SHIFT = 10;
    private static final int SLEEP_TYPE_MASK = 7;
    private static final int SLEEP_ENABLE = 1 << 13;
    /** What can be read back: the others are write-only, reserved or fixed. */
    private static final int CONTROL_STORED = BUS_MASTER_RELOAD | SLEEP_TYPE_MASK << SLEEP_TYPE_SHIFT;

    private static final int GENERAL_PURPOSE_EVENTS = 16;

    private final Clock clock;
    private final MachineControl machine;
    private final InterruptLine systemControlInterrupt;
    private final int timerBits;
    private final Clock.Timer carryTimer;
    private final List<IoRegion> regions;
    private final List<InterruptLine> inputs;

    private final EventBlock pm1 = new EventBlock(TIMER_CARRY | BUS_MASTER | GLOBAL_LOCK | REAL_TIME_CLOCK);
    private final EventBlock gpe0 = new EventBlock(0xFFFF);
    private int control;
    private int resetRegister;
    /** Inputs of general-purpose events that are asserted now. */
    private int asserted;

    /** Half periods of the timer that the status bit knows of. */
    private long halfPeriodsSeen;

    /** @param timerBits 24 or 32 */
    AcpiPowerManagement(Clock clock, MachineControl machine, InterruptLine systemControlInterrupt, int timerBits) {
        this.clock = clock;
        this.machine = machine;
        this.systemControlInterrupt = systemControlInterrupt;
        this.timerBits = timerBits;
        this.carryTimer = clock.timer(this::carry);
        this.halfPeriodsSeen = halfPeriods();
        this.regions = List.of(
                new Region(PowerManagement.PM1_EVENT, EventBlock.LENGTH, this::readPm1Event, this::writePm1Event),
                Region.ofBytes(PowerManagement.PM1_CONTROL, 2, this::readControl, this::writeControl),
                new Region(PowerManagement.PM_TIMER, 4, this::readTimer, (offset, size, value) -> {}),
                new Region(PowerManagement.GPE0, EventBlock.LENGTH, this::readGpe0, this::writeGpe0),
                Region.ofBytes(PowerManagement.RESET, 1, offset -> readReset(), (offset, value) -> writeReset(value)));
        List<InterruptLine> lines = new ArrayList<>();
        for (int number = 0; number < GENERAL_PURPOSE_EVENTS; number++) {
            int bit = 1 << number;
            lines.add(level -> setInput(bit, level));
        }
        this.inputs = List.copyOf(lines);
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    @Override
    public int inputCount() {
        return GENERAL_PURPOSE_EVENTS;
    }

    @Override
    public InterruptLine input(int number) {
        return inputs.get(number);
    }

    @Override
    public synchronized void reset() {
        halfPeriodsSeen = halfPeriods();
        pm1.restore(0, 0);
        gpe0.restore(asserted, 0);
        control = 0;
        resetRegister = 0;
        update();
    }

    @Override
    public synchronized void close() {
        carryTimer.disarm();
    }

    // ---- events

    private synchronized long readPm1Event(long offset, int size) {
        catchUp();
        return pm1.read(offset, size);
    }

    private synchronized void writePm1Event(long offset, int size, long value) {
        catchUp();
        pm1.write(offset, size, value);
        update();
    }

    private synchronized long readGpe0(long offset, int size) {
        return gpe0.read(offset, size);
    }

    private synchronized void writeGpe0(long offset, int size, long value) {
        gpe0.write(offset, size, value);
        // an input is a level: what is still there happens again
        gpe0.raise(asserted);
        update();
    }

    private synchronized void setInput(int bit, boolean level) {
        asserted = level ? asserted | bit : asserted & ~bit;
        gpe0.raise(asserted);
        update();
    }

    /** Sets the line, and the timer if the guest waits for its carry. */
    private void update() {
        systemControlInterrupt.set(pm1.pending() || gpe0.pending());
        if (pm1.awaits(TIMER_CARRY)) {
            carryTimer.arm(TIMER_RATE.timeOf(halfPeriodsSeen + 1 << timerBits - 1));
        } else {
            carryTimer.disarm();
        }
    }

    // ---- timer

    /** No monitor: the timer has no state but the clock. */
    private long readTimer(long offset, int size) {
        long count = TIMER_RATE.ticksAt(clock.nanoseconds()) & (1L << timerBits) - 1;
        return count >>> 8 * offset & (1L << 8 * size) - 1;
    }

    /** The timer's most significant bit changes once in a half period: ACPI 4.8.3.3. */
    private long halfPeriods() {
        return TIMER_RATE.ticksAt(clock.nanoseconds()) >>> timerBits - 1;
    }

    private void catchUp() {
        long halfPeriods = halfPeriods();
        if (halfPeriods != halfPeriodsSeen) {
            halfPeriodsSeen = halfPeriods;
            pm1.raise(TIMER_CARRY);
        }
    }

    private synchronized void carry() {
        catchUp();
        update();
    }

    // ---- control

    private synchronized int readControl(int offset) {
        return (control | SCI_ENABLE) >> 8 * offset & 0xFF;
    }

    private synchronized void writeControl(int offset, int value) {
        int written = 0xFF << 8 * offset;
        int bits = value << 8 * offset;
        control = (control & ~written | bits) & CONTROL_STORED;
        // the tables offer no other sleeping state than soft off
        if ((bits & SLEEP_ENABLE) != 0
                && (control >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == PowerManagement.SLEEP_TYPE_S5) {
            machine.powerOff();
        }
    }

    private synchronized int readReset() {
        return resetRegister;
    }

    private synchronized void writeReset(int value) {
        if ((value & ~resetRegister & PowerManagement.RESET_TRIGGER) != 0) {
            machine.reset();
        }
        resetRegister = value & PowerManagement.RESET_VALUE;
    }

    // ---- saved state

    @Override
    public synchronized SavedState save() {
        catchUp();
        return SavedState.version(1)
                .put("pm1 status", pm1.status())
                .put("pm1 enable", pm1.enable())
                .put("pm1 control", control)
                .put("gpe0 status", gpe0.status())
                .put("gpe0 enable", gpe0.enable())
                .put("gpe0 inputs", asserted)
                .put("reset register", resetRegister)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        halfPeriodsSeen = halfPeriods();
        asserted = (int) state.number("gpe0 inputs", 0) & 0xFFFF;
        pm1.restore(state.number("pm1 status", 0), state.number("pm1 enable", 0));
        gpe0.restore(state.number("gpe0 status", asserted), state.number("gpe0 enable", 0));
        control = (int) state.number("pm1 control", 0) & CONTROL_STORED;
        resetRegister = (int) state.number("reset register", 0) & PowerManagement.RESET_VALUE;
        update();
    }
}
