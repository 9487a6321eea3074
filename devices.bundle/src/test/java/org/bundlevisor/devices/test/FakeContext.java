package org.bundlevisor.devices.test;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.bundlevisor.device.CpuSignals;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.MachineControl;
import org.bundlevisor.device.MessageInterrupts;
import org.jspecify.annotations.Nullable;

/** The surroundings of one device, all fakes. */
public final class FakeContext implements DeviceContext {
    private final FakeClock clock = new FakeClock();
    private final FakeMemory memory = new FakeMemory(1 << 20);
    private final Map<String, Object> properties = new HashMap<>();
    private final Map<String, FakeLine> lines = new TreeMap<>();
    private final List<FakeCpu> cpus = new ArrayList<>();
    private final Map<Class<?>, Object> resources = new HashMap<>();
    private final List<Message> sent = new ArrayList<>();
    private final List<Integer> endsOfInterrupt = new ArrayList<>();
    private final List<String> requests = new ArrayList<>();
    private @Nullable InterruptAcknowledge external;
    private EndOfInterrupt onEndOfInterrupt = vector -> {};
    private MessageInterrupts onMessage = (address, data) -> {};
    private final Map<String, InterruptLine> connections = new HashMap<>();

    /** An interrupt message that the device sent. */
    public record Message(long address, int data) {}

    /** A machine with one vCPU. */
    public FakeContext() {
        this(1);
    }

    public FakeContext(int cpuCount) {
        for (int cpu = 0; cpu < cpuCount; cpu++) {
            cpus.add(new FakeCpu());
        }
    }

    /** Sets a property of the device's configuration. */
    public FakeContext with(String name, Object value) {
        properties.put(name, value);
        return this;
    }

    /** Gives the device a host resource. */
    public <T> FakeContext with(Class<T> type, T resource) {
        resources.put(type, resource);
        return this;
    }

    /** Connects a controller to LINT0. */
    public FakeContext withExternalController(InterruptAcknowledge controller) {
        external = controller;
        return this;
    }

    /** Has interrupt messages sent to somebody, besides noting them. */
    public FakeContext onMessage(MessageInterrupts receiver) {
        onMessage = receiver;
        return this;
    }

    /** Leads an output line to another device's input, besides to {@link #wire}. */
    public FakeContext connect(String line, InterruptLine input) {
        connections.put(line, input);
        return this;
    }

    /** Has the end of an interrupt told to somebody, besides noting it. */
    public FakeContext onEndOfInterrupt(EndOfInterrupt listener) {
        onEndOfInterrupt = listener;
        return this;
    }

    @Override
    public String name() {
        return "device";
    }

    @Override
    public Map<String, Object> properties() {
        return properties;
    }

    @Override
    public FakeClock clock() {
        return clock;
    }

    @Override
    public FakeMemory memory() {
        return memory;
    }

    /** Answers with an object that notes {@code reset}, {@code powerOff} and {@code exit N} in {@link #requests()}. */
    @Override
    public MachineControl machine() {
        return new MachineControl() {
            @Override
            public void reset() {
                requests.add("reset");
            }

            @Override
            public void powerOff() {
                requests.add("powerOff");
            }

            @Override
            public void exit(int status) {
                requests.add("exit " + status);
            }
        };
    }

    @Override
    public int cpuCount() {
        return cpus.size();
    }

    @Override
    public CpuSignals cpu(int index) {
        return cpus.get(index);
    }

    @Override
    public InterruptLine line(String name) {
        FakeLine wire = wire(name);
        InterruptLine connected = connections.get(name);
        if (connected == null) {
            return wire;
        }
        return asserted -> {
            wire.set(asserted);
            connected.set(asserted);
        };
    }

    @Override
    public MessageInterrupts messages() {
        return (address, data) -> {
            sent.add(new Message(address, data));
            onMessage.send(address, data);
        };
    }

    @Override
    public EndOfInterrupt endOfInterrupt() {
        return vector -> {
            endsOfInterrupt.add(vector);
            onEndOfInterrupt.endOfInterrupt(vector);
        };
    }

    @Override
    public Optional<InterruptAcknowledge> externalController() {
        return Optional.ofNullable(external);
    }

    @Override
    public <T> Optional<T> resource(Class<T> type) {
        return Optional.ofNullable(type.cast(resources.get(type)));
    }

    /** The wire behind an output line. */
    public FakeLine wire(String name) {
        return lines.computeIfAbsent(name, key -> new FakeLine());
    }

    /** All wires that the device or the test has asked for, by name. */
    public Map<String, FakeLine> wires() {
        return lines;
    }

    /** The wires of a vCPU. */
    public FakeCpu fakeCpu(int index) {
        return cpus.get(index);
    }

    /** The interrupt messages sent. */
    public List<Message> sent() {
        return sent;
    }

    /** The vectors for which an end of interrupt was broadcast. */
    public List<Integer> endsOfInterrupt() {
        return endsOfInterrupt;
    }

    /** What was asked of {@link #machine()}. */
    public List<String> requests() {
        return requests;
    }
}
