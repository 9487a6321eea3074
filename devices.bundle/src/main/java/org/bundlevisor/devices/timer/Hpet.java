package org.bundlevisor.devices.timer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * A timer block as the "IA-PC HPET (High Precision Event Timers) Specification", revision 1.0a, describes it, without the
 * optional delivery by messages.
 */
final class Hpet implements Device, MemoryIo, InterruptInputs, Snapshot {
    private static final int COMPARATORS = 3;

    /** Femtoseconds from one tick to the next: 10 ns. */
    private static final long PERIOD = 10_000_000;

    private static final Rate TICKS = new Rate(1, 10);

    /** Comparators call back no more often than this, in ticks: 10 µs. */
    private static final long SHORTEST_INTERVAL = 1000;

    private static final int CAPABILITIES = 0x000;
    private static final int CONFIGURATION = 0x010;
    private static final int STATUS = 0x020;
    private static final int COUNTER = 0x0F0;
    private static final int FIRST_COMPARATOR = 0x100;
    private static final int COMPARATOR_STRIDE = 0x20;
    private static final int COMPARATOR_VALUE = 0x08;

    /** Vendor 8086H, legacy replacement, 64-bit counter, number of the last comparator, revision 1. */
    private static final long CAPABILITIES_VALUE = PERIOD << 32 | 0x8086L << 16 | 1 << 15 | 1 << 13
            | COMPARATORS - 1 << 8 | 1;

    private static final int ENABLED = 1;
    private static final int LEGACY_REPLACEMENT = 1 << 1;

    private static final int FIRST_GLOBAL_INTERRUPT = 16;
    private static final int GLOBAL_INTERRUPTS = 8;

    private final Clock clock;
    private final Clock.Timer callback;
    private final InterruptLine irq0;
    private final InterruptLine irq8;
    private final InterruptLine[] globalInterrupts = new InterruptLine[GLOBAL_INTERRUPTS];
    private final InterruptLine[] inputs = {asserted -> setInput(0, asserted), asserted -> setInput(1, asserted)};
    private final List<IoRegion> regions = List.of(new Region("registers", 4096, this::read, this::write));
    private final HpetComparator[] comparators = new HpetComparator[COMPARATORS];

    private final boolean[] inputLevels = new boolean[2];
    private int configuration;
    /** The main counter at the tick {@code since} of the clock, or for as long as it is halted. */
    private long counter;

    private long since;
    /** The main counter when the comparators were last looked after. */
    private long seen;

    Hpet(DeviceContext context) {
        clock = context.clock();
        callback = clock.timer(this::expire);
        irq0 = context.line("irq0");
        irq8 = context.line("irq8");
        for (int i = 0; i < GLOBAL_INTERRUPTS; i++) {
            globalInterrupts[i] = context.line("gsi" + (FIRST_GLOBAL_INTERRUPT + i));
        }
        Arrays.setAll(comparators, number -> new HpetComparator());
    }

    @Override
    public List<IoRegion> memoryRegions() {
        return regions;
    }

    @Override
    public int inputCount() {
        return inputs.length;
    }

    @Override
    public InterruptLine input(int number) {
        return inputs[number];
    }

    private synchronized void setInput(int number, boolean asserted) {
        inputLevels[number] = asserted;
        drive();
    }

    // ---- the passing of time ------------------------------------------------------------------------------------------

    private boolean isEnabled() {
        return (configuration & ENABLED) != 0;
    }

    private boolean isLegacy() {
        return (configuration & LEGACY_REPLACEMENT) != 0;
    }

    private long mainCounter() {
        return isEnabled() ? counter + TICKS.ticksAt(clock.nanoseconds()) - since : counter;
    }

    /** Lets the comparators catch up with the main counter; answers whether there was a match. */
    private boolean advance() {
        long now = mainCounter();
        boolean matches = false;
        for (HpetComparator comparator : comparators) {
            matches |= comparator.advance(seen, now - seen);
        }
        seen = now;
        if (matches) {
            // the output of the edge before this one is still high: let it fall first
            drive();
            for (HpetComparator comparator : comparators) {
                comparator.raise();
            }
            drive();
        }
        return matches;
    }

    private synchronized void expire() {
        advance();
        schedule();
    }

    /** Asks to be called at the next match that is seen outside. */
    private void schedule() {
        long ticks = Long.MAX_VALUE;
        if (isEnabled()) {
            for (HpetComparator comparator : comparators) {
                ticks = Math.min(ticks, comparator.ticksToSignal(seen, SHORTEST_INTERVAL));
            }
        }
        if (ticks == Long.MAX_VALUE) {
            callback.disarm();
        } else {
            callback.arm(TICKS.timeOf(since + (seen - counter) + ticks));
        }
    }

    /** Sets all lines. */
    private void drive() {
        boolean legacy = isLegacy();
        irq0.set(legacy ? isAsserted(0) : inputLevels[0]);
        irq8.set(legacy ? isAsserted(1) : inputLevels[1]);
        for (int i = 0; i < GLOBAL_INTERRUPTS; i++) {
            boolean asserted = false;
            // the first two comparators have left their routes while they replace the legacy timers
            for (int n = legacy ? 2 : 0; n < COMPARATORS; n++) {
                asserted |= isAsserted(n) && comparators[n].route() == FIRST_GLOBAL_INTERRUPT + i;
            }
            globalInterrupts[i].set(asserted);
        }
    }

    private boolean isAsserted(int number) {
        return isEnabled() && comparators[number].isAsserted();
    }

    // ---- registers ----------------------------------------------------------------------------------------------------

    /** Registers are read and written as a whole or by halves; "accesses that cross a boundary are not supported". */
    private static boolean isSupported(long offset, int size) {
        return size >= 4 && (offset & size - 1) == 0;
    }

    private synchronized long read(long offset, int size) {
        if (!isSupported(offset, size)) {
            return 0;
        }
        if (advance()) {
            schedule();
        }
        long value = readRegister((int) offset & ~7);
        return size == 8 ? value : value >>> 8 * (offset & 4) & 0xFFFF_FFFFL;
    }

    private long readRegister(int register) {
        return switch (register) {
            case CAPABILITIES -> CAPABILITIES_VALUE;
            case CONFIGURATION -> configuration;
            case STATUS -> status();
            case COUNTER -> seen;
            default -> {
                int number = register - FIRST_COMPARATOR >> 5;
                if (register < FIRST_COMPARATOR || number >= COMPARATORS) {
                    yield 0;
                }
                yield switch (register & COMPARATOR_STRIDE - 1) {
                    case 0 -> comparators[number].configuration();
                    case COMPARATOR_VALUE -> comparators[number].value();
                    default -> 0;
                };
            }
        };
    }

    private int status() {
        int status = 0;
        for (int i = 0; i < COMPARATORS; i++) {
            status |= comparators[i].status() ? 1 << i : 0;
        }
        return status;
    }

    private synchronized void write(long offset, int size, long value) {
        if (!isSupported(offset, size)) {
            return;
        }
        advance();
        int shift = 8 * ((int) offset & 4);
        long written = size == 8 ? -1 : 0xFFFF_FFFFL << shift;
        writeRegister((int) offset & ~7, value << shift, written);
        drive();
        schedule();
    }

    /** @param written which bits of the register are written */
    private void writeRegister(int register, long value, long written) {
        switch (register) {
            case CONFIGURATION -> configure((int) (value & written | configuration & ~written));
            case STATUS -> {
                for (int i = 0; i < COMPARATORS; i++) {
                    if ((value & written & 1 << i) != 0) {
                        comparators[i].clearStatus();
                    }
                }
            }
            case COUNTER -> {
                counter = value & written | seen & ~written;
                since = TICKS.ticksAt(clock.nanoseconds());
                seen = counter;
            }
            default -> {
                int number = register - FIRST_COMPARATOR >> 5;
                if (register >= FIRST_COMPARATOR && number < COMPARATORS) {
                    switch (register & COMPARATOR_STRIDE - 1) {
                        case 0 -> comparators[number].configure(value, written);
                        case COMPARATOR_VALUE -> comparators[number].setValue(value, written);
                        default -> {
                            // reserved, or the message address that this block has not
                        }
                    }
                }
            }
        }
    }

    private void configure(int value) {
        int changed = (value ^ configuration) & (ENABLED | LEGACY_REPLACEMENT);
        // the main counter goes on, or stops, with the value that it has now
        counter = seen;
        since = TICKS.ticksAt(clock.nanoseconds());
        configuration ^= changed;
        if (changed != 0) {
            for (HpetComparator comparator : comparators) {
                comparator.lower();
            }
        }
    }

    // ---- reset and snapshot -------------------------------------------------------------------------------------------

    @Override
    public synchronized void reset() {
        configuration = 0;
        counter = 0;
        since = 0;
        seen = 0;
        for (HpetComparator comparator : comparators) {
            comparator.reset();
        }
        callback.disarm();
        drive();
    }

    @Override
    public synchronized void close() {
        callback.disarm();
    }

    @Override
    public synchronized SavedState save() {
        advance();
        List<SavedState> states = new ArrayList<>();
        for (HpetComparator comparator : comparators) {
            states.add(comparator.save());
        }
        return SavedState.version(1)
                .put("configuration", configuration)
                .put("counter", counter)
                .put("since", since)
                .put("seen", seen)
                .put("input0", inputLevels[0])
                .put("input1", inputLevels[1])
                .put("comparators", states)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        configuration = (int) state.number("configuration", 0) & (ENABLED | LEGACY_REPLACEMENT);
        counter = state.number("counter", 0);
        since = state.number("since", 0);
        seen = state.number("seen", counter);
        inputLevels[0] = state.flag("input0", false);
        inputLevels[1] = state.flag("input1", false);
        List<SavedState> states = state.children("comparators");
        for (int i = 0; i < COMPARATORS; i++) {
            comparators[i].restore(i < states.size() ? states.get(i) : SavedState.EMPTY);
        }
        drive();
        schedule();
    }
}
