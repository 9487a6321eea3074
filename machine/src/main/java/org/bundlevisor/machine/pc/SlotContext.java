package org.bundlevisor.machine.pc;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.CpuSignals;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.GuestMemory;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.MessageInterrupts;

/** The surroundings of one device. */
final class SlotContext implements DeviceContext {
    private final Slot slot;
    private final Wiring wiring;
    private final Map<Class<?>, Object> resources;
    private final Map<String, OutputLine> lines = new ConcurrentHashMap<>();

    SlotContext(Slot slot, Wiring wiring, Map<Class<?>, Object> resources) {
        this.slot = slot;
        this.wiring = wiring;
        this.resources = Map.copyOf(resources);
    }

    @Override
    public String name() {
        return slot.name();
    }

    @Override
    public Map<String, Object> properties() {
        return slot.properties();
    }

    @Override
    public Clock clock() {
        return wiring.clock();
    }

    @Override
    public GuestMemory memory() {
        return wiring.memory();
    }

    @Override
    public MachineControl machine() {
        return wiring.machine();
    }

    @Override
    public int cpuCount() {
        return wiring.cpuCount();
    }

    @Override
    public CpuSignals cpu(int index) {
        return wiring.cpu(index);
    }

    @Override
    public InterruptLine line(String name) {
        return output(name);
    }

    /** The output line with a name, to be connected. */
    OutputLine output(String name) {
        return lines.computeIfAbsent(name, key -> new OutputLine());
    }

    @Override
    public MessageInterrupts messages() {
        return wiring;
    }

    @Override
    public EndOfInterrupt endOfInterrupt() {
        return wiring;
    }

    @Override
    public Optional<InterruptAcknowledge> externalController() {
        return wiring.externalController();
    }

    @Override
    public <T> Optional<T> resource(Class<T> type) {
        return Optional.ofNullable(resources.get(type)).map(type::cast);
    }
}
