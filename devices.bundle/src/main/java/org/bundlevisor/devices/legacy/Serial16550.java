package org.bundlevisor.devices.legacy;

import java.util.List;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;
import org.jspecify.annotations.Nullable;

/**
 * The UART PC16550D, also known as NS16550A, with a {@link Console} at the other end of the cable. Section numbers are
 * those of National Semiconductor's data sheet "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs".
 *
 * <p>Sending: unless the port is paced, a character leaves the moment it is written, so that the transmitter is always
 * empty; its interrupt comes as if it had been busy in between. What leaves is handed to the console a line at a time,
 * or after a millisecond.
 *
 * <p>Receiving: the console keeps a character until the receiver has room for it and the guest shows that it listens, by
 * Request To Send or by enabling the receiver's interrupt. So nothing is lost that is typed or piped in before a driver
 * is up. After each FIFO of characters the console rests for a character time, which is when an interrupt handler gets
 * to its end.
 */
final class Serial16550 implements Device, PortIo, Snapshot {
    private static final int FIFO_SIZE = 16;
    private static final long INPUT_CLOCK_HERTZ = 1_843_200;
    private static final long NANOSECONDS_PER_SECOND = 1_000_000_000;

    /** How long output may wait for more of it. */
    private static final long FLUSH_NANOSECONDS = 1_000_000;

    // Interrupt Enable Register, section 8.6.7
    private static final int ENABLE_RECEIVED_DATA = 0x01;
    private static final int ENABLE_TRANSMITTER_EMPTY = 0x02;
    private static final int ENABLE_LINE_STATUS = 0x04;
    private static final int ENABLE_MODEM_STATUS = 0x08;

    // Interrupt Identification Register, section 8.6.6, in the order of priority
    private static final int IDENTIFY_LINE_STATUS = 0x06;
    private static final int IDENTIFY_RECEIVED_DATA = 0x04;
    private static final int IDENTIFY_CHARACTER_TIMEOUT = 0x0C;
    private static final int IDENTIFY_TRANSMITTER_EMPTY = 0x02;
    private static final int IDENTIFY_MODEM_STATUS = 0x00;
    private static final int IDENTIFY_NONE = 0x01;
    private static final int IDENTIFY_FIFOS_ENABLED = 0xC0;

    // FIFO Control Register, section 8.6.5
    private static final int FIFO_ENABLE = 0x01;
    private static final int FIFO_RECEIVER_RESET = 0x02;
    private static final int FIFO_TRANSMITTER_RESET = 0x04;
    private static final int FIFO_STORED = 0xC9;

    // Line Control Register, section 8.6.1
    private static final int LINE_TWO_STOP_BITS = 0x04;
    private static final int LINE_PARITY = 0x08;
    private static final int LINE_SET_BREAK = 0x40;
    private static final int LINE_DIVISOR_LATCH_ACCESS = 0x80;

    // Modem Control Register, section 8.6.8
    private static final int MODEM_DATA_TERMINAL_READY = 0x01;
    private static final int MODEM_REQUEST_TO_SEND = 0x02;
    private static final int MODEM_OUT1 = 0x04;
    private static final int MODEM_OUT2 = 0x08;
    private static final int MODEM_LOOPBACK = 0x10;

    // Line Status Register, section 8.6.4
    private static final int STATUS_DATA_READY = 0x01;
    private static final int STATUS_OVERRUN = 0x02;
    private static final int STATUS_HOLDING_EMPTY = 0x20;
    private static final int STATUS_TRANSMITTER_EMPTY = 0x40;

    // Modem Status Register, section 8.6.9
    private static final int CLEAR_TO_SEND = 0x10;
    private static final int DATA_SET_READY = 0x20;
    private static final int RING_INDICATOR = 0x40;
    private static final int CARRIER_DETECT = 0x80;

    private final Clock clock;
    private final InterruptLine irq;
    private final @Nullable Console console;
    private final boolean paced;
    private final List<IoRegion> regions;
    private final Clock.Timer transmitTimer;
    private final Clock.Timer receiveTimer;
    private final Clock.Timer timeoutTimer;
    private final Clock.Timer flushTimer;

    private int interruptEnable;
    private int fifoControl;
    private int lineControl;
    private int modemControl;
    private int modemInputs;
    private int modemDeltas;
    private int scratch;
    private int divisor = 12;
    private boolean overrun;
    private boolean transmitterEmptyPending;
    private boolean timeoutPending;

    private final byte[] received = new byte[FIFO_SIZE];
    private int receivedHead;
    private int receivedCount;
    private long lastReceiverActivity;
    private boolean timeoutArmed;
    private boolean receiveArmed;

    /** Whether the console may have input; its own thread sets it, without the monitor, lest its lock and ours deadlock. */
    private volatile boolean inputWaits = true;

    private final byte[] transmit = new byte[FIFO_SIZE];
    private int transmitHead;
    private int transmitCount;
    private boolean shifting;
    private int shiftRegister;
    private long shiftedAt;

    private final byte[] output = new byte[256];
    private int outputCount;
    private boolean flushArmed;
    private boolean closed;

    Serial16550(Clock clock, InterruptLine irq, @Nullable Console console, boolean paced) {
        this.clock = clock;
        this.irq = irq;
        this.console = console;
        this.paced = paced;
        this.regions = List.of(Region.ofBytes("registers", 8, this::read, this::write));
        this.transmitTimer = clock.timer(this::characterSent);
        this.receiveTimer = clock.timer(this::receive);
        this.timeoutTimer = clock.timer(this::checkTimeout);
        this.flushTimer = clock.timer(this::flushDue);
        this.modemInputs = cableInputs();
        if (console != null) {
            console.onInput(this::inputCame);
        }
    }

    @Override
    public List<IoRegion> portRegions() {
        return regions;
    }

    /** Section 8.1, table "Reset Configuration": the divisor and the scratch register keep what they had. */
    @Override
    public synchronized void reset() {
        flush();
        transmitTimer.disarm();
        receiveTimer.disarm();
        timeoutTimer.disarm();
        interruptEnable = 0;
        fifoControl = 0;
        lineControl = 0;
        modemControl = 0;
        modemInputs = cableInputs();
        modemDeltas = 0;
        overrun = false;
        transmitterEmptyPending = false;
        timeoutArmed = false;
        receiveArmed = false;
        lastReceiverActivity = 0;
        shifting = false;
        transmitCount = 0;
        clearReceiver();
        updateLine();
    }

    @Override
    public void close() {
        if (console != null) {
            console.onInput(null);
        }
        synchronized (this) {
            closed = true;
            flush();
            transmitTimer.disarm();
            receiveTimer.disarm();
            timeoutTimer.disarm();
            flushTimer.disarm();
        }
    }

    private synchronized int read(int offset) {
        return switch (offset) {
            case 0 -> divisorAccess() ? divisor & 0xFF : readReceiver();
            case 1 -> divisorAccess() ? divisor >> 8 : interruptEnable;
            case 2 -> readInterruptIdentification();
            case 3 -> lineControl;
            case 4 -> modemControl;
            case 5 -> readLineStatus();
            case 6 -> readModemStatus();
            default -> scratch;
        };
    }

    private synchronized void write(int offset, int value) {
        switch (offset) {
            case 0 -> {
                if (divisorAccess()) {
                    divisor = divisor & 0xFF00 | value;
                    timingChanged();
                } else {
                    writeTransmitter(value);
                }
            }
            case 1 -> {
                if (divisorAccess()) {
                    divisor = divisor & 0xFF | value << 8;
                    timingChanged();
                } else {
                    writeInterruptEnable(value & 0x0F);
                }
            }
            case 2 -> writeFifoControl(value);
            case 3 -> {
                lineControl = value;
                timingChanged();
            }
            case 4 -> writeModemControl(value & 0x1F);
            case 7 -> scratch = value;
            default -> {
                // line status and modem status: section 8.6.4 reserves writes for factory testing
            }
        }
    }

    private boolean divisorAccess() {
        return (lineControl & LINE_DIVISOR_LATCH_ACCESS) != 0;
    }

    private boolean fifosEnabled() {
        return (fifoControl & FIFO_ENABLE) != 0;
    }

    private int capacity() {
        return fifosEnabled() ? FIFO_SIZE : 1;
    }

    // ---- receiver

    private int readReceiver() {
        if (receivedCount == 0) {
            // the buffer register goes on showing the last character
            return received[receivedHead] & 0xFF;
        }
        int value = received[receivedHead] & 0xFF;
        receivedCount--;
        if (receivedCount > 0) {
            receivedHead = (receivedHead + 1) % FIFO_SIZE;
        }
        timeoutPending = false;
        receiverActive();
        updateLine();
        scheduleReceive();
        return value;
    }

    /** Takes a character off the wire. */
    private void arrive(int value) {
        if (receivedCount >= capacity()) {
            overrun = true;
            if (!fifosEnabled()) {
                // without FIFO the newer character wins, with FIFO the older ones; section 8.6.4, bit 1
                received[receivedHead] = (byte) value;
            }
        } else {
            if (receivedCount > 0) {
                received[(receivedHead + receivedCount) % FIFO_SIZE] = (byte) value;
            } else {
                receivedHead = (receivedHead + 1) % FIFO_SIZE;
                received[receivedHead] = (byte) value;
            }
            receivedCount++;
        }
        receiverActive();
        updateLine();
    }

    private void clearReceiver() {
        receivedCount = 0;
        receivedHead = 0;
        received[0] = 0;
        timeoutPending = false;
    }

    private int triggerLevel() {
        if (!fifosEnabled()) {
            return 1;
        }
        return switch (fifoControl >> 6) {
            case 0 -> 1;
            case 1 -> 4;
            case 2 -> 8;
            default -> 14;
        };
    }

    /** Starts the character time-out anew: section 8.3, "FIFO Interrupt Mode Operation". */
    private void receiverActive() {
        lastReceiverActivity = clock.nanoseconds();
        armTimeout();
    }

    private void armTimeout() {
        if (!timeoutArmed && awaitsTimeout()) {
            timeoutArmed = true;
            timeoutTimer.arm(lastReceiverActivity + 4 * characterNanoseconds());
        }
    }

    private void timingChanged() {
        timeoutArmed = false;
        armTimeout();
    }

    private boolean awaitsTimeout() {
        return fifosEnabled()
                && receivedCount > 0
                && !timeoutPending
                && (interruptEnable & ENABLE_RECEIVED_DATA) != 0;
    }

    private synchronized void checkTimeout() {
        timeoutArmed = false;
        if (awaitsTimeout() && clock.nanoseconds() - lastReceiverActivity >= 4 * characterNanoseconds()) {
            timeoutPending = true;
            updateLine();
        } else {
            armTimeout();
        }
    }

    /** On the console's thread. */
    private void inputCame() {
        inputWaits = true;
        receiveTimer.arm(clock.nanoseconds());
    }

    private boolean listens() {
        return (modemControl & MODEM_LOOPBACK) == 0
                && ((modemControl & MODEM_REQUEST_TO_SEND) != 0 || (interruptEnable & ENABLE_RECEIVED_DATA) != 0);
    }

    private void scheduleReceive() {
        if (!receiveArmed && console != null && inputWaits && listens() && receivedCount < capacity()) {
            receiveArmed = true;
            receiveTimer.arm(clock.nanoseconds() + characterNanoseconds());
        }
    }

    private synchronized void receive() {
        receiveArmed = false;
        if (console == null || closed || !listens()) {
            return;
        }
        int room = capacity() - receivedCount;
        if (paced) {
            room = Math.min(room, 1);
        }
        // first, so that input which comes while we read is not forgotten
        inputWaits = false;
        while (room > 0) {
            int value = console.read();
            if (value < 0) {
                return;
            }
            arrive(value);
            room--;
        }
        inputWaits = true;
        scheduleReceive();
    }

    // ---- transmitter

    private void writeTransmitter(int value) {
        transmitterEmptyPending = false;
        if (!paced) {
            // down and up again: an edge for an edge-triggered controller
            updateLine();
            send(value);
            transmitterEmptyPending = true;
            updateLine();
            return;
        }
        if (transmitCount < capacity()) {
            transmit[(transmitHead + transmitCount) % FIFO_SIZE] = (byte) value;
            transmitCount++;
        } else if (!fifosEnabled()) {
            transmit[transmitHead] = (byte) value;
        }
        if (!shifting) {
            shiftNext(clock.nanoseconds());
        }
        updateLine();
    }

    private void shiftNext(long now) {
        shifting = true;
        shiftRegister = transmit[transmitHead] & 0xFF;
        shiftedAt = now + characterNanoseconds();
        transmitHead = (transmitHead + 1) % FIFO_SIZE;
        transmitCount--;
        if (transmitCount == 0) {
            transmitterEmptyPending = true;
        }
        transmitTimer.arm(shiftedAt);
    }

    private synchronized void characterSent() {
        if (!shifting || clock.nanoseconds() < shiftedAt) {
            return;
        }
        shifting = false;
        send(shiftRegister);
        if (transmitCount > 0) {
            shiftNext(shiftedAt);
        }
        updateLine();
    }

    private void clearTransmitter() {
        if (transmitCount > 0) {
            transmitCount = 0;
            transmitterEmptyPending = true;
        }
    }

    /** Puts a character on the wire: all eight bits of it whatever the word length, since the console knows none. */
    private void send(int value) {
        if ((modemControl & MODEM_LOOPBACK) != 0) {
            arrive(value);
        } else if (console != null && (lineControl & LINE_SET_BREAK) == 0) {
            output[outputCount++] = (byte) value;
            if (value == '\n' || outputCount == output.length) {
                flush();
            } else if (!flushArmed) {
                flushArmed = true;
                flushTimer.arm(clock.nanoseconds() + FLUSH_NANOSECONDS);
            }
        }
    }

    private synchronized void flushDue() {
        flushArmed = false;
        flush();
    }

    private void flush() {
        if (outputCount > 0 && console != null) {
            console.write(output, 0, outputCount);
        }
        outputCount = 0;
    }

    /** Duration of start bit, data, parity and stop bits; section 8.5, "Programmable Baud Generator". */
    private long characterNanoseconds() {
        int bits = 1
                + 5
                + (lineControl & 3)
                + ((lineControl & LINE_PARITY) != 0 ? 1 : 0)
                + ((lineControl & LINE_TWO_STOP_BITS) != 0 ? 2 : 1);
        return bits * 16L * Math.max(divisor, 1) * NANOSECONDS_PER_SECOND / INPUT_CLOCK_HERTZ;
    }

    // ---- control and status

    private void writeInterruptEnable(int value) {
        int enabled = value & ~interruptEnable;
        interruptEnable = value;
        if ((enabled & ENABLE_TRANSMITTER_EMPTY) != 0 && transmitCount == 0) {
            transmitterEmptyPending = true;
        }
        armTimeout();
        updateLine();
        scheduleReceive();
    }

    private void writeFifoControl(int value) {
        boolean toggled = ((fifoControl ^ value) & FIFO_ENABLE) != 0;
        boolean enable = (value & FIFO_ENABLE) != 0;
        if (toggled || enable && (value & FIFO_RECEIVER_RESET) != 0) {
            clearReceiver();
        }
        if (toggled || enable && (value & FIFO_TRANSMITTER_RESET) != 0) {
            clearTransmitter();
        }
        // "bit 0 must be a 1 when other FCR bits are written to or they will not be programmed"
        fifoControl = enable ? value & FIFO_STORED : 0;
        updateLine();
        scheduleReceive();
    }

    private void writeModemControl(int value) {
        modemControl = value;
        int inputs = (value & MODEM_LOOPBACK) != 0 ? loopedInputs(value) : cableInputs();
        int changed = inputs ^ modemInputs;
        // the delta bits lie four below their inputs; for the ring indicator only the trailing edge counts
        modemDeltas |= (changed & ~RING_INDICATOR) >> 4 | (changed & RING_INDICATOR & ~inputs) >> 4;
        modemInputs = inputs;
        updateLine();
        scheduleReceive();
    }

    /** Section 8.6.8, bit 4: the four outputs are connected to the four inputs. */
    private static int loopedInputs(int control) {
        return ((control & MODEM_REQUEST_TO_SEND) != 0 ? CLEAR_TO_SEND : 0)
                | ((control & MODEM_DATA_TERMINAL_READY) != 0 ? DATA_SET_READY : 0)
                | ((control & MODEM_OUT1) != 0 ? RING_INDICATOR : 0)
                | ((control & MODEM_OUT2) != 0 ? CARRIER_DETECT : 0);
    }

    private int cableInputs() {
        return console == null ? 0 : CLEAR_TO_SEND | DATA_SET_READY | CARRIER_DETECT;
    }

    private int interruptIdentification() {
        if ((interruptEnable & ENABLE_LINE_STATUS) != 0 && overrun) {
            return IDENTIFY_LINE_STATUS;
        }
        if ((interruptEnable & ENABLE_RECEIVED_DATA) != 0) {
            if (receivedCount >= triggerLevel()) {
                return IDENTIFY_RECEIVED_DATA;
            }
            if (timeoutPending) {
                return IDENTIFY_CHARACTER_TIMEOUT;
            }
        }
        if ((interruptEnable & ENABLE_TRANSMITTER_EMPTY) != 0 && transmitterEmptyPending) {
            return IDENTIFY_TRANSMITTER_EMPTY;
        }
        if ((interruptEnable & ENABLE_MODEM_STATUS) != 0 && modemDeltas != 0) {
            return IDENTIFY_MODEM_STATUS;
        }
        return IDENTIFY_NONE;
    }

    private int readInterruptIdentification() {
        int source = interruptIdentification();
        if (source == IDENTIFY_TRANSMITTER_EMPTY) {
            transmitterEmptyPending = false;
            updateLine();
        }
        return source | (fifosEnabled() ? IDENTIFY_FIFOS_ENABLED : 0);
    }

    private int readLineStatus() {
        int status = (receivedCount > 0 ? STATUS_DATA_READY : 0)
                | (overrun ? STATUS_OVERRUN : 0)
                | (transmitCount == 0 ? STATUS_HOLDING_EMPTY : 0)
                | (transmitCount == 0 && !shifting ? STATUS_TRANSMITTER_EMPTY : 0);
        if (overrun) {
            overrun = false;
            updateLine();
        }
        return status;
    }

    private int readModemStatus() {
        int status = modemInputs | modemDeltas;
        if (modemDeltas != 0) {
            modemDeltas = 0;
            updateLine();
        }
        return status;
    }

    private void updateLine() {
        irq.set(interruptIdentification() != IDENTIFY_NONE);
    }

    // ---- saved state

    @Override
    public synchronized SavedState save() {
        flush();
        long now = clock.nanoseconds();
        return SavedState.version(1)
                .put("interrupt enable", interruptEnable)
                .put("fifo control", fifoControl)
                .put("line control", lineControl)
                .put("modem control", modemControl)
                .put("modem inputs", modemInputs)
                .put("modem deltas", modemDeltas)
                .put("scratch", scratch)
                .put("divisor", divisor)
                .put("overrun", overrun)
                .put("transmitter empty pending", transmitterEmptyPending)
                .put("timeout pending", timeoutPending)
                .put("received", linear(received, receivedHead, receivedCount))
                .put("receive buffer", received[receivedHead] & 0xFF)
                .put("idle nanoseconds", receivedCount > 0 ? now - lastReceiverActivity : 0)
                .put("transmit", linear(transmit, transmitHead, transmitCount))
                .put("shifting", shifting)
                .put("shift register", shifting ? shiftRegister : 0)
                .put("shift nanoseconds", shifting ? shiftedAt - now : 0)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        transmitTimer.disarm();
        receiveTimer.disarm();
        timeoutTimer.disarm();
        long now = clock.nanoseconds();
        interruptEnable = (int) state.number("interrupt enable", 0) & 0x0F;
        fifoControl = (int) state.number("fifo control", 0) & FIFO_STORED;
        lineControl = (int) state.number("line control", 0) & 0xFF;
        modemControl = (int) state.number("modem control", 0) & 0x1F;
        modemInputs = (int) state.number("modem inputs", cableInputs()) & 0xF0;
        modemDeltas = (int) state.number("modem deltas", 0) & 0x0F;
        scratch = (int) state.number("scratch", 0) & 0xFF;
        divisor = (int) state.number("divisor", 12) & 0xFFFF;
        overrun = state.flag("overrun", false);
        transmitterEmptyPending = state.flag("transmitter empty pending", false);
        timeoutPending = state.flag("timeout pending", false);
        receivedHead = 0;
        receivedCount = fill(received, state.bytes("received"));
        if (receivedCount == 0) {
            received[0] = (byte) state.number("receive buffer", 0);
        }
        lastReceiverActivity = now - state.number("idle nanoseconds", 0);
        transmitHead = 0;
        transmitCount = fill(transmit, state.bytes("transmit"));
        shifting = state.flag("shifting", false);
        shiftRegister = (int) state.number("shift register", 0) & 0xFF;
        shiftedAt = now + state.number("shift nanoseconds", 0);
        timeoutArmed = false;
        receiveArmed = false;
        inputWaits = true;
        if (shifting) {
            transmitTimer.arm(shiftedAt);
        }
        armTimeout();
        updateLine();
        scheduleReceive();
    }

    private static byte[] linear(byte[] ring, int head, int count) {
        byte[] bytes = new byte[count];
        for (int index = 0; index < count; index++) {
            bytes[index] = ring[(head + index) % ring.length];
        }
        return bytes;
    }

    private static int fill(byte[] ring, byte[] bytes) {
        int count = Math.min(ring.length, bytes.length);
        System.arraycopy(bytes, 0, ring, 0, count);
        return count;
    }
}
