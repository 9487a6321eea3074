package org.bundlevisor.devices.interrupt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.MessageInterrupts;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * The I/O APIC of Intel's 82093AA data sheet (290566), in the later version 20H, which adds the EOI register of the ICH.
 *
 * <p>Wires tell whether a signal is asserted, not its voltage. The polarity of an entry is therefore kept for who reads it
 * back, and has no further effect.
 */
final class IoApic implements Device, MemoryIo, InterruptInputs, EndOfInterrupt, Snapshot {
    private static final int INPUTS = 24;

    private static final int SELECT = 0x00;
    private static final int WINDOW = 0x10;
    private static final int END_OF_INTERRUPT = 0x40;

    private static final int IDENTIFIER_REGISTER = 0x00;
    private static final int VERSION_REGISTER = 0x01;
    private static final int ARBITRATION_REGISTER = 0x02;
    private static final int REDIRECTION_TABLE = 0x10;

    /** Highest redirection entry in bits 23:16, version in bits 7:0. */
    private static final int VERSION = INPUTS - 1 << 16 | 0x20;

    /** Vector, delivery mode, destination mode; bits 12 and 14 are read-only; polarity, trigger mode, mask. */
    private static final int WRITABLE = 0x0001_AFFF;

    private static final int DELIVERY_MODE = 0x700;
    private static final int LOWEST_PRIORITY = 0x100;
    private static final int LOGICAL = 1 << 11;
    private static final int REMOTE_IRR = 1 << 14;
    private static final int LEVEL = 1 << 15;
    private static final int MASKED = 1 << 16;

    /** In an interrupt message, bit 14 says that a level is asserted. */
    private static final int ASSERTED = 1 << 14;

    private final MessageInterrupts messages;
    private final int initialIdentifier;
    private final InterruptLine[] inputs = new InterruptLine[INPUTS];
    private final List<IoRegion> regions = List.of(new Region("registers", 4096, this::read, this::write));

    private int select;
    private int identifier;
    /** The wires' levels, a bit for each. */
    private int levels;
    /** Bits 31:0 of each redirection entry. */
    private final int[] control = new int[INPUTS];
    /** Bits 63:56 of each redirection entry: the destination. */
    private final int[] destination = new int[INPUTS];

    IoApic(DeviceContext context, int identifier) {
        messages = context.messages();
        initialIdentifier = identifier;
        for (int i = 0; i < INPUTS; i++) {
            int number = i;
            inputs[i] = asserted -> setInput(number, asserted);
        }
        reset();
    }

    @Override
    public List<IoRegion> memoryRegions() {
        return regions;
    }

    @Override
    public int inputCount() {
        return INPUTS;
    }

    @Override
    public InterruptLine input(int number) {
        return inputs[number];
    }

    private synchronized void setInput(int number, boolean asserted) {
        int bit = 1 << number;
        boolean rises = asserted && (levels & bit) == 0;
        levels = asserted ? levels | bit : levels & ~bit;
        if (isLevelTriggered(number)) {
            requestLevel(number);
        } else if (rises && (control[number] & MASKED) == 0) {
            // "edge-sensitive interrupts signaled on a masked interrupt pin are ignored (i.e., not delivered or held pending)"
            send(number);
        }
    }

    /** The trigger mode means something for the fixed and lowest-priority modes only; all others take edges. */
    private boolean isLevelTriggered(int number) {
        return (control[number] & LEVEL) != 0 && (control[number] & DELIVERY_MODE) <= LOWEST_PRIORITY;
    }

    private void requestLevel(int number) {
        boolean asserted = (levels >>> number & 1) != 0;
        if (asserted && (control[number] & (MASKED | REMOTE_IRR)) == 0) {
            control[number] |= REMOTE_IRR;
            send(number);
        }
    }

    private void send(int number) {
        int entry = control[number];
        long address = 0xFEE0_0000L | (long) destination[number] << 12 | ((entry & LOGICAL) != 0 ? 1 << 2 : 0);
        int trigger = isLevelTriggered(number) ? LEVEL | ASSERTED : ASSERTED;
        messages.send(address, entry & (DELIVERY_MODE | 0xFF) | trigger);
    }

    @Override
    public synchronized void endOfInterrupt(int vector) {
        for (int i = 0; i < INPUTS; i++) {
            if ((control[i] & REMOTE_IRR) != 0 && (control[i] & 0xFF) == vector) {
                control[i] &= ~REMOTE_IRR;
                requestLevel(i);
            }
        }
    }

    /** IOREGSEL takes any size, the window 32-bit accesses only, as the data sheet asks for. */
    private synchronized long read(long offset, int size) {
        if (offset == SELECT) {
            return select;
        }
        return offset == WINDOW && size == 4 ? Integer.toUnsignedLong(readRegister()) : 0;
    }

    private int readRegister() {
        switch (select) {
            case IDENTIFIER_REGISTER, ARBITRATION_REGISTER -> {
                return identifier << 24;
            }
            case VERSION_REGISTER -> {
                return VERSION;
            }
            default -> {
                int entry = select - REDIRECTION_TABLE >> 1;
                if (select < REDIRECTION_TABLE || entry >= INPUTS) {
                    return 0;
                }
                return (select & 1) == 0 ? control[entry] : destination[entry] << 24;
            }
        }
    }

    private synchronized void write(long offset, int size, long value) {
        if (offset == SELECT) {
            select = (int) value & 0xFF;
        } else if (offset == WINDOW && size == 4) {
            writeRegister((int) value);
        } else if (offset == END_OF_INTERRUPT && size == 4) {
            endOfInterrupt((int) value & 0xFF);
        }
    }

    private void writeRegister(int value) {
        int entry = select - REDIRECTION_TABLE >> 1;
        if (select == IDENTIFIER_REGISTER) {
            identifier = value >>> 24 & 0xF;
        } else if (select >= REDIRECTION_TABLE && entry < INPUTS) {
            if ((select & 1) != 0) {
                destination[entry] = value >>> 24;
            } else {
                writeControl(entry, value);
            }
        }
    }

    private void writeControl(int entry, int value) {
        control[entry] = value & WRITABLE | control[entry] & REMOTE_IRR;
        if (isLevelTriggered(entry)) {
            requestLevel(entry);
        } else {
            // remote IRR is undefined for edges; system software clears it by switching to edge and back
            control[entry] &= ~REMOTE_IRR;
        }
    }

    @Override
    public synchronized void reset() {
        select = 0;
        identifier = initialIdentifier;
        Arrays.fill(control, MASKED);
        Arrays.fill(destination, 0);
    }

    @Override
    public synchronized SavedState save() {
        List<SavedState> entries = new ArrayList<>();
        for (int i = 0; i < INPUTS; i++) {
            entries.add(SavedState.version(1)
                    .put("control", control[i])
                    .put("destination", destination[i])
                    .build());
        }
        return SavedState.version(1)
                .put("select", select)
                .put("identifier", identifier)
                .put("levels", levels)
                .put("entries", entries)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        select = (int) state.number("select", 0) & 0xFF;
        identifier = (int) state.number("identifier", initialIdentifier) & 0xF;
        levels = (int) state.number("levels", 0) & (1 << INPUTS) - 1;
        List<SavedState> entries = state.children("entries");
        for (int i = 0; i < INPUTS; i++) {
            SavedState entry = i < entries.size() ? entries.get(i) : SavedState.EMPTY;
            control[i] = (int) entry.number("control", MASKED) & (WRITABLE | REMOTE_IRR);
            destination[i] = (int) entry.number("destination", 0) & 0xFF;
        }
    }
}
