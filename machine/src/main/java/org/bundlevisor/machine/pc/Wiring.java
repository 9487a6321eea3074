package org.bundlevisor.machine.pc;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.CpuSignals;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.FirmwareTables;
import org.bundlevisor.device.GuestMemory;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.LocalInterruptControllers;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.device.MachineLayout.PlacedLine;
import org.bundlevisor.device.MachineLayout.PlacedRegion;
import org.bundlevisor.device.MachineLayout.Space;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.MessageInterrupts;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.machine.bus.MemoryBus;
import org.bundlevisor.machine.bus.Placement;
import org.bundlevisor.machine.bus.PortBus;
import org.bundlevisor.machine.memory.MemoryMap;
import org.jspecify.annotations.Nullable;

/**
 * The devices of one machine and the wires between them. While the devices are made, the wires exist but lead nowhere;
 * {@link #connect} lets them lead to where the board wants them, and only then does anything run.
 */
final class Wiring implements MessageInterrupts, EndOfInterrupt {
    /** The I/O APIC's input for the timer interrupt: input 0 is where the 8259 pair was connected on the first boards. */
    private static final int TIMER_INPUT = 2;

    private static final String PIC = "pic";
    private static final String IOAPIC = "ioapic";

    private final Board board;
    private final Clock clock;
    private final GuestMemory memory;
    private final MachineControl machine;
    private final List<? extends CpuSignals> cpus;
    private final Map<String, Device> devices = new LinkedHashMap<>();
    private final Map<String, SlotContext> contexts = new LinkedHashMap<>();
    private final Map<InterruptLine, SharedInput> inputs = new HashMap<>();
    private final List<PlacedLine> placedLines = new ArrayList<>();

    private EndOfInterrupt[] endOfInterruptListeners = {};
    private @Nullable LocalInterruptControllers controllers;
    private @Nullable MessageInterrupts messageReceiver;

    Wiring(Board board, Clock clock, GuestMemory memory, MachineControl machine, List<? extends CpuSignals> cpus) {
        this.board = board;
        this.clock = clock;
        this.memory = memory;
        this.machine = machine;
        this.cpus = List.copyOf(cpus);
    }

    /**
     * Makes all devices.
     *
     * @param factories by kind of device
     * @param consoleResources what a slot with a console gets
     * @throws IllegalArgumentException in one sentence, when a device refuses
     */
    void makeDevices(Map<String, DeviceFactory> factories, Map<Class<?>, Object> consoleResources) {
        for (Slot slot : board.slots()) {
            SlotContext context = new SlotContext(slot, this, slot.usesConsole() ? consoleResources : Map.of());
            DeviceFactory factory = factories.get(slot.kind());
            if (factory == null) {
                throw new IllegalArgumentException("no device " + slot.kind() + " was chosen for " + slot.name());
            }
            Device device = factory.create(context);
            contexts.put(slot.name(), context);
            devices.put(slot.name(), device);
            if (device instanceof LocalInterruptControllers local) {
                controllers = local;
            }
            if (device instanceof MessageInterrupts receiver) {
                messageReceiver = receiver;
            }
        }
        endOfInterruptListeners = devices.values().stream()
                .filter(EndOfInterrupt.class::isInstance)
                .map(EndOfInterrupt.class::cast)
                .toArray(EndOfInterrupt[]::new);
    }

    /** Lets the lines lead to where the board wants them. @throws IllegalArgumentException when there is no such place */
    void connect() {
        for (Slot slot : board.slots()) {
            slot.lines().forEach((line, destination) -> connect(slot, line, destination));
        }
    }

    private void connect(Slot slot, String line, Slot.Destination destination) {
        OutputLine output = context(slot).output(line);
        switch (destination) {
            case Slot.Destination.Isa(int interrupt) -> {
                output.connect(List.of(
                        input(slot, PIC, interrupt), input(slot, IOAPIC, interrupt == 0 ? TIMER_INPUT : interrupt)));
                placedLines.add(new PlacedLine(slot.kind(), slot.name(), line, interrupt));
            }
            case Slot.Destination.Global(int interrupt) -> {
                output.connect(List.of(input(slot, IOAPIC, interrupt)));
                placedLines.add(new PlacedLine(slot.kind(), slot.name(), line, interrupt));
            }
            case Slot.Destination.Through(String target, int number, int interrupt) -> {
                output.connect(List.of(input(slot, target, number)));
                placedLines.add(new PlacedLine(slot.kind(), slot.name(), line, interrupt));
            }
            case Slot.Destination.LocalPins(int pin) -> {
                List<InterruptLine> pins = new ArrayList<>();
                for (LocalInterruptController controller : localControllers()) {
                    pins.add(join(controller.localInterrupt(pin)));
                }
                output.connect(pins);
            }
        }
    }

    private InterruptLine input(Slot from, String target, int number) {
        if (!(devices.get(target) instanceof InterruptInputs device) || number >= device.inputCount()) {
            throw new IllegalArgumentException(
                    "a line of " + from.name() + " leads to input " + number + " of " + target
                            + ", which has none: change the board");
        }
        return join(device.input(number));
    }

    private InterruptLine join(InterruptLine input) {
        return inputs.computeIfAbsent(input, SharedInput::new).join();
    }

    private SlotContext context(Slot slot) {
        SlotContext context = contexts.get(slot.name());
        if (context == null) {
            throw new IllegalStateException(slot.name() + " has not been made");
        }
        return context;
    }

    /** The local APIC of each vCPU. */
    LocalInterruptController[] localControllers() {
        LocalInterruptControllers local = controllers;
        if (local == null) {
            throw new IllegalArgumentException("the board has no local interrupt controllers: add a device apic");
        }
        LocalInterruptController[] result = new LocalInterruptController[cpus.size()];
        for (int index = 0; index < result.length; index++) {
            result[index] = local.of(index);
        }
        return result;
    }

    /** The I/O port bus with all port regions in place. */
    PortBus portBus() {
        List<Placement> placements = new ArrayList<>();
        forEachPort((slot, region, port) -> placements.add(new Placement(slot.name(), region, port)));
        return new PortBus(placements);
    }

    /** The memory bus with all memory regions in place, but for what each vCPU has for itself. */
    MemoryBus memoryBus() {
        List<Placement> placements = new ArrayList<>();
        forEachRegister((slot, region, address) -> {
            if (devices.get(slot.name()) != controllers) {
                placements.add(new Placement(slot.name(), region, address));
            }
        });
        return new MemoryBus(placements);
    }

    /** What the firmware tables tell of. */
    MachineLayout layout() {
        List<PlacedRegion> regions = new ArrayList<>();
        forEachPort((slot, region, port) -> regions.add(
                new PlacedRegion(slot.kind(), slot.name(), region.name(), Space.PORT, port, region.length())));
        forEachRegister((slot, region, address) -> regions.add(
                new PlacedRegion(slot.kind(), slot.name(), region.name(), Space.MEMORY, address, region.length())));
        return new MachineLayout(cpus.size(), MemoryMap.FIRMWARE, MemoryMap.FIRMWARE_SIZE, regions, placedLines);
    }

    /** Writes the firmware tables. @return guest-physical address of the root pointer, 0 when there are no tables */
    long installTables() {
        long root = 0;
        for (Device device : devices.values()) {
            if (device instanceof FirmwareTables tables) {
                root = tables.install(layout(), memory);
            }
        }
        return root;
    }

    /** Resets all devices. */
    void reset() {
        devices.values().forEach(Device::reset);
    }

    /** Closes all devices. */
    void close() {
        devices.values().forEach(Device::close);
    }

    /** A region in its place. */
    private interface PlaceVisitor {
        void visit(Slot slot, IoRegion region, long address);
    }

    private void forEachPort(PlaceVisitor visitor) {
        for (Slot slot : board.slots()) {
            List<IoRegion> regions = devices.get(slot.name()) instanceof PortIo io ? io.portRegions() : List.of();
            slot.ports().forEach((name, port) -> visitor.visit(slot, find(slot, regions, name), port));
        }
    }

    private void forEachRegister(PlaceVisitor visitor) {
        for (Slot slot : board.slots()) {
            Device device = devices.get(slot.name());
            List<IoRegion> regions = device instanceof MemoryIo io
                    ? io.memoryRegions()
                    : device instanceof LocalInterruptControllers local ? List.of(local.of(0).registers()) : List.of();
            slot.memory().forEach((name, address) -> visitor.visit(slot, find(slot, regions, name), address));
        }
    }

    private static IoRegion find(Slot slot, List<IoRegion> regions, String name) {
        return regions.stream()
                .filter(region -> region.name().equals(name))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("the device " + slot.kind() + " has no register block "
                        + name + " (found: " + String.join(", ", regions.stream().map(IoRegion::name).toList())
                        + "): use a version of it that fits the board"));
    }

    Clock clock() {
        return clock;
    }

    GuestMemory memory() {
        return memory;
    }

    MachineControl machine() {
        return machine;
    }

    int cpuCount() {
        return cpus.size();
    }

    CpuSignals cpu(int index) {
        return cpus.get(index);
    }

    Optional<InterruptAcknowledge> externalController() {
        return devices.values().stream()
                .filter(InterruptAcknowledge.class::isInstance)
                .map(InterruptAcknowledge.class::cast)
                .findFirst();
    }

    @Override
    public void send(long address, int data) {
        MessageInterrupts receiver = messageReceiver;
        if (receiver != null) {
            receiver.send(address, data);
        }
    }

    @Override
    public void endOfInterrupt(int vector) {
        for (EndOfInterrupt listener : endOfInterruptListeners) {
            listener.endOfInterrupt(vector);
        }
    }
}
