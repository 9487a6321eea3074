package org.bundlevisor.devices.interrupt;

import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Region;
import org.bundlevisor.state.SavedState;

/**
 * Two 8259A as a PC's chip set has them: the slave's output is input 2 of the master, and ELCR chooses between edge and level
 * for each input (Intel 82371SB data sheet, "Edge/level control registers").
 */
final class Pic8259 implements Device, PortIo, InterruptInputs, InterruptAcknowledge, Snapshot {
    private static final int CASCADE = 2;

    /** IRQ 0, 1 and 2 are always edge-triggered, and so are 8 and 13. */
    private static final int MASTER_LEVEL_CAPABLE = 0xF8;

    private static final int SLAVE_LEVEL_CAPABLE = 0xDE;

    private final InterruptLine output;
    private final Pic8259Chip master = new Pic8259Chip(true, MASTER_LEVEL_CAPABLE);
    private final Pic8259Chip slave = new Pic8259Chip(false, SLAVE_LEVEL_CAPABLE);
    private final InterruptLine[] inputs = new InterruptLine[16];
    private final List<IoRegion> regions = List.of(
            Region.ofBytes("master", 2, offset -> read(master, offset),
                    (offset, value) -> write(master, offset, value)),
            Region.ofBytes("slave", 2, offset -> read(slave, offset), (offset, value) -> write(slave, offset, value)),
            Region.ofBytes("elcr", 2, this::readTriggerModes, this::writeTriggerModes));

    Pic8259(DeviceContext context) {
        output = context.line("intr");
        for (int i = 0; i < inputs.length; i++) {
            int number = i;
            // nothing but the slave reaches the master's input 2
            inputs[i] = number == CASCADE ? asserted -> {} : asserted -> setInput(number, asserted);
        }
    }

    @Override
    public List<IoRegion> portRegions() {
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
        (number < 8 ? master : slave).setInput(number & 7, asserted);
        propagate();
    }

    @Override
    public synchronized int acknowledge() {
        // INT falls with the first INTA pulse, and rises again when there is more to serve
        lowerOutputOf(master);
        int input = master.acknowledge();
        int vector;
        if (input == CASCADE) {
            lowerOutputOf(slave);
            vector = slave.vector(slave.acknowledge());
        } else {
            vector = master.vector(input);
        }
        propagate();
        return vector;
    }

    private synchronized int read(Pic8259Chip chip, int offset) {
        if (chip.isPolled()) {
            // a poll takes the place of INTA, so that INT falls as well
            lowerOutputOf(chip);
        }
        int value = chip.read(offset);
        propagate();
        return value;
    }

    private synchronized void write(Pic8259Chip chip, int offset, int value) {
        chip.write(offset, value);
        propagate();
    }

    private synchronized int readTriggerModes(int offset) {
        return (offset == 0 ? master : slave).levelTriggered();
    }

    private synchronized void writeTriggerModes(int offset, int value) {
        (offset == 0 ? master : slave).setLevelTriggered(value);
        propagate();
    }

    private void lowerOutputOf(Pic8259Chip chip) {
        if (chip == slave) {
            master.setInput(CASCADE, false);
        } else {
            output.set(false);
        }
    }

    private void propagate() {
        master.setInput(CASCADE, slave.requests());
        output.set(master.requests());
    }

    @Override
    public synchronized void reset() {
        master.reset();
        slave.reset();
        output.set(false);
        propagate();
    }

    @Override
    public synchronized SavedState save() {
        return SavedState.version(1)
                .put("master", master.save())
                .put("slave", slave.save())
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        master.restore(state.child("master"));
        slave.restore(state.child("slave"));
        propagate();
    }
}
