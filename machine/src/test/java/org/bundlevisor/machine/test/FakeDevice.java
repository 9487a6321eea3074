package org.bundlevisor.machine.test;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.LocalInterruptControllers;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.PortIo;

/** A device with the regions and inputs that a test gives it. */
public class FakeDevice implements Device, PortIo, MemoryIo, InterruptInputs {
    private final DeviceContext context;
    private final List<IoRegion> ports;
    private final List<IoRegion> memory;
    private final List<FakeLine> inputs;
    private int resets;
    private boolean closed;

    public FakeDevice(DeviceContext context, List<IoRegion> ports, List<IoRegion> memory, int inputCount) {
        this.context = context;
        this.ports = List.copyOf(ports);
        this.memory = List.copyOf(memory);
        inputs = IntStream.range(0, inputCount).mapToObj(index -> new FakeLine()).toList();
    }

    public DeviceContext context() {
        return context;
    }

    public FakeLine line(int number) {
        return inputs.get(number);
    }

    public int resets() {
        return resets;
    }

    public boolean isClosed() {
        return closed;
    }

    @Override
    public List<IoRegion> portRegions() {
        return ports;
    }

    @Override
    public List<IoRegion> memoryRegions() {
        return memory;
    }

    @Override
    public int inputCount() {
        return inputs.size();
    }

    @Override
    public InterruptLine input(int number) {
        return inputs.get(number);
    }

    @Override
    public void reset() {
        resets++;
    }

    @Override
    public void close() {
        closed = true;
    }

    /** A wire's end. */
    public static final class FakeLine implements InterruptLine {
        private volatile boolean level;

        public boolean level() {
            return level;
        }

        @Override
        public void set(boolean asserted) {
            level = asserted;
        }
    }

    /** Local APICs that do nothing but let LINT0 through to INTR. */
    public static final class Apics implements Device, LocalInterruptControllers {
        private final List<Apic> apics;

        public Apics(DeviceContext context) {
            apics = IntStream.range(0, context.cpuCount())
                    .mapToObj(index -> new Apic(context, index))
                    .toList();
        }

        @Override
        public Apic of(int cpu) {
            return apics.get(cpu);
        }

        @Override
        public void reset() {}

        /** The one of one vCPU. */
        public static final class Apic implements LocalInterruptController {
            private final FakeRegion registers;
            private final DeviceContext context;
            private final int index;
            private final List<InterruptLine> pins;
            private int initResets;
            private int priority;

            Apic(DeviceContext context, int index) {
                this.context = context;
                this.index = index;
                registers = new FakeRegion("registers", 4096, 0x10 * index);
                pins = List.of(level -> context.cpu(index).interruptRequest(level), level -> {});
            }

            public int initResets() {
                return initResets;
            }

            @Override
            public FakeRegion registers() {
                return registers;
            }

            @Override
            public long registerBase() {
                return 0xfee0_0000L;
            }

            @Override
            public int acknowledge() {
                return 0x30 + index;
            }

            @Override
            public int taskPriority() {
                return priority;
            }

            @Override
            public void setTaskPriority(int newPriority) {
                priority = newPriority;
            }

            @Override
            public boolean readMsr(int number, long[] value) {
                value[0] = context.cpuCount();
                return number == 0x1b;
            }

            @Override
            public boolean writeMsr(int number, long value) {
                return number == 0x1b;
            }

            @Override
            public InterruptLine localInterrupt(int pin) {
                return pins.get(pin);
            }

            @Override
            public void initReset() {
                initResets++;
            }
        }
    }

    /** Makes devices of one kind and remembers them. */
    public static final class Factory implements DeviceFactory {
        private final DeviceFactory maker;
        private final List<Device> made = new ArrayList<>();

        public Factory(DeviceFactory maker) {
            this.maker = maker;
        }

        public Device last() {
            return made.getLast();
        }

        @Override
        public Device create(DeviceContext context) {
            Device device = maker.create(context);
            made.add(device);
            return device;
        }
    }
}
