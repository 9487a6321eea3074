package org.bundlevisor.devices.timer;

import java.util.List;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * The 8254 programmable interval timer (Intel 231164) in a PC: counter 0 interrupts, counter 1 once asked for memory refresh,
 * counter 2 makes the speaker's tone. Port 61H holds the gate of counter 2 and shows its output.
 *
 * <p>On the line {@code irq}, the falling edge of a periodic output is sent together with the rising one, which spares half
 * of the call-backs; only rising edges mean something to an interrupt controller.
 */
final class Pit8254 implements Device, PortIo, Snapshot {
    /** 14.31818 MHz ÷ 12, which is 105/88 MHz. */
    private static final Rate INPUT = new Rate(105, 88_000);

    private static final int CONTROL = 3;

    /** Port 61H: gate of counter 2, speaker data, and two enable bits that are only kept. */
    private static final int SPEAKER_WRITABLE = 0x0F;

    private static final int SPEAKER_GATE = 0x01;
    private static final int SPEAKER_REFRESH = 0x10;
    private static final int SPEAKER_OUTPUT = 0x20;

    /** Ticks between two requests for memory refresh, 15 µs, each of which toggles a bit of port 61H. */
    private static final int REFRESH_TICKS = 18;

    /** The line calls back no more often than this, in ticks: about 10 µs. */
    private static final long SHORTEST_INTERVAL = 12;

    private final Clock clock;
    private final InterruptLine line;
    private final Clock.Timer callback;
    private final Pit8254Counter[] counters = {new Pit8254Counter(), new Pit8254Counter(), new Pit8254Counter()};
    private final List<IoRegion> regions = List.of(
            Region.ofBytes("counters", 4, this::read, this::write),
            Region.ofBytes("speaker", 1, offset -> readSpeaker(), (offset, value) -> writeSpeaker(value)));

    private int speaker;

    Pit8254(DeviceContext context) {
        clock = context.clock();
        line = context.line("irq");
        callback = clock.timer(this::expire);
        reset();
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    private long now() {
        return INPUT.ticksAt(clock.nanoseconds());
    }

    private synchronized int read(int offset) {
        if (offset == CONTROL) {
            // "no-operation: 3-state"
            return 0xFF;
        }
        Pit8254Counter counter = counters[offset];
        counter.advance(now());
        return counter.read();
    }

    private synchronized void write(int offset, int value) {
        long now = now();
        for (Pit8254Counter counter : counters) {
            counter.advance(now);
        }
        if (offset != CONTROL) {
            counters[offset].write(value);
        } else if (value >>> 6 == 3) {
            readBack(value);
        } else {
            counters[value >>> 6].control(value & 0x3F);
        }
        signal();
    }

    /** The read-back command: bit 5 spares the count, bit 4 the status; bits 3:1 choose the counters. */
    private void readBack(int command) {
        for (int i = 0; i < counters.length; i++) {
            if ((command >>> i + 1 & 1) != 0) {
                if ((command & 0x20) == 0) {
                    counters[i].latchCount();
                }
                if ((command & 0x10) == 0) {
                    counters[i].latchStatus();
                }
            }
        }
    }

    private synchronized int readSpeaker() {
        long now = now();
        counters[2].advance(now);
        int refresh = (now / REFRESH_TICKS & 1) != 0 ? SPEAKER_REFRESH : 0;
        return speaker | refresh | (counters[2].output() ? SPEAKER_OUTPUT : 0);
    }

    private synchronized void writeSpeaker(int value) {
        speaker = value & SPEAKER_WRITABLE;
        counters[2].advance(now());
        counters[2].setGate((speaker & SPEAKER_GATE) != 0);
    }

    private synchronized void expire() {
        counters[0].advance(now());
        signal();
    }

    /** Sends what counter 0 has done to its output, and asks to be called when it will do more. */
    private void signal() {
        Pit8254Counter counter = counters[0];
        if (counter.takeRise()) {
            line.set(false);
            line.set(true);
        }
        if (!counter.isPeriodic()) {
            line.set(counter.output());
        }
        long ticks = counter.ticksToRise(SHORTEST_INTERVAL);
        if (ticks < 0) {
            callback.disarm();
        } else {
            callback.arm(INPUT.timeOf(counter.time() + ticks));
        }
    }

    @Override
    public synchronized void reset() {
        speaker = 0;
        long now = now();
        for (int i = 0; i < counters.length; i++) {
            counters[i].reset(now, i != 2);
        }
        line.set(false);
        callback.disarm();
    }

    @Override
    public synchronized void close() {
        callback.disarm();
    }

    @Override
    public synchronized SavedState save() {
        long now = now();
        SavedState.Builder state = SavedState.version(1).put("speaker", speaker);
        for (int i = 0; i < counters.length; i++) {
            counters[i].advance(now);
            state.put("counter" + i, counters[i].save());
        }
        return state.build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        speaker = (int) state.number("speaker", 0) & SPEAKER_WRITABLE;
        for (int i = 0; i < counters.length; i++) {
            counters[i].reset(now(), i != 2);
            counters[i].restore(state.child("counter" + i));
        }
        line.set(counters[0].isPeriodic() || counters[0].output());
        signal();
    }
}
