package org.bundlevisor.devices.interrupt;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.LocalInterruptControllers;
import org.bundlevisor.device.MessageInterrupts;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.Rate;
import org.bundlevisor.state.SavedState;

/**
 * The local APICs of all vCPUs and the bus between them. One monitor, this object's, guards them all, so that a message
 * sees every destination register in one state.
 */
final class LocalApics implements Device, LocalInterruptControllers, MessageInterrupts, Snapshot {
    /** Destination of a message that goes to all local APICs. */
    static final int BROADCAST = -1;

    // delivery modes, SDM vol. 3A, 12.6.1 "Interrupt Command Register (ICR)" and table 12-9
    static final int FIXED = 0;
    static final int LOWEST_PRIORITY = 1;
    static final int NMI = 4;
    static final int INIT = 5;
    static final int START_UP = 6;
    static final int EXTERNAL = 7;

    private final LocalApic[] apics;
    /** Who won the last arbitration: among equals, the next one wins. */
    private int lastArbitrated;

    LocalApics(DeviceContext context, Rate tsc, Rate timer, int addressBits, boolean virtualWire) {
        apics = new LocalApic[context.cpuCount()];
        for (int i = 0; i < apics.length; i++) {
            apics[i] = new LocalApic(this, context, i, tsc, timer, addressBits, virtualWire && i == 0);
        }
    }

    @Override
    public LocalInterruptController of(int cpu) {
        return apics[cpu];
    }

    @Override
    public synchronized void send(long address, int data) {
        int destination = (int) (address >>> 12) & 0xFF;
        boolean logical = (address >>> 2 & 1) != 0;
        boolean redirected = (address >>> 3 & 1) != 0;
        boolean level = (data >>> 15 & 1) != 0;
        boolean asserted = (data >>> 14 & 1) != 0;
        int mode = data >>> 8 & 7;
        if (level && !asserted) {
            return;
        }
        dispatch(
                destination == 0xFF ? BROADCAST : destination,
                logical,
                mode == FIXED && redirected ? LOWEST_PRIORITY : mode,
                data & 0xFF,
                level);
    }

    /** Delivers a message to whom it is addressed. The caller holds the monitor. */
    void dispatch(int destination, boolean logical, int mode, int vector, boolean level) {
        if (mode == LOWEST_PRIORITY) {
            arbitrate(destination, logical, vector, level);
            return;
        }
        for (LocalApic apic : apics) {
            if (apic.isAddressed(destination, logical)) {
                apic.receive(mode, vector, level);
            }
        }
    }

    /** Delivers a message to all, perhaps but for one. The caller holds the monitor. */
    void dispatchToAll(LocalApic sender, boolean withSender, int mode, int vector) {
        if (mode == LOWEST_PRIORITY) {
            // the shorthand is a broadcast whose sender does not take part
            arbitrateAmongOthers(sender, vector);
            return;
        }
        for (LocalApic apic : apics) {
            if ((withSender || apic != sender) && apic.isAddressed(BROADCAST, false)) {
                apic.receive(mode, vector, false);
            }
        }
    }

    private void arbitrate(int destination, boolean logical, int vector, boolean level) {
        int winner = -1;
        for (int i = 1; i <= apics.length; i++) {
            int candidate = (lastArbitrated + i) % apics.length;
            LocalApic apic = apics[candidate];
            if (apic.isSoftwareEnabled() && apic.isAddressed(destination, logical)) {
                winner = lower(winner, candidate);
            }
        }
        award(winner, vector, level);
    }

    private void arbitrateAmongOthers(LocalApic sender, int vector) {
        int winner = -1;
        for (int i = 1; i <= apics.length; i++) {
            int candidate = (lastArbitrated + i) % apics.length;
            LocalApic apic = apics[candidate];
            if (apic != sender && apic.isSoftwareEnabled() && apic.isAddressed(BROADCAST, false)) {
                winner = lower(winner, candidate);
            }
        }
        award(winner, vector, false);
    }

    private int lower(int winner, int candidate) {
        return winner < 0 || apics[candidate].processorPriority() < apics[winner].processorPriority()
                ? candidate
                : winner;
    }

    private void award(int winner, int vector, boolean level) {
        if (winner >= 0) {
            lastArbitrated = winner;
            apics[winner].receive(FIXED, vector, level);
        }
    }

    @Override
    public synchronized void reset() {
        lastArbitrated = 0;
        for (LocalApic apic : apics) {
            apic.reset();
        }
    }

    @Override
    public synchronized void close() {
        for (LocalApic apic : apics) {
            apic.close();
        }
    }

    @Override
    public synchronized SavedState save() {
        List<SavedState> states = new ArrayList<>();
        for (LocalApic apic : apics) {
            states.add(apic.save());
        }
        return SavedState.version(1)
                .put("lastArbitrated", lastArbitrated)
                .put("apics", states)
                .build();
    }

    @Override
    public synchronized void restore(SavedState state) {
        List<SavedState> states = state.children("apics");
        if (states.size() > apics.length) {
            throw new IllegalArgumentException(
                    "the saved state is of " + states.size() + " local APICs, the machine has "
                            + apics.length + "; restore it in a machine with as many vCPUs");
        }
        lastArbitrated = (int) Math.floorMod(state.number("lastArbitrated", 0), (long) apics.length);
        for (int i = 0; i < apics.length; i++) {
            apics[i].restore(i < states.size() ? states.get(i) : SavedState.EMPTY);
        }
    }
}
