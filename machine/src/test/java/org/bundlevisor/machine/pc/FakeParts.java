package org.bundlevisor.machine.pc;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.FirmwareTables;
import org.bundlevisor.device.GuestMemory;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.machine.test.FakeBackend;
import org.bundlevisor.machine.test.FakeConsole;
import org.bundlevisor.machine.test.FakeCpu;
import org.bundlevisor.machine.test.FakeDevice;
import org.bundlevisor.machine.test.FakePaging;
import org.bundlevisor.machine.test.FakeRegion;
import org.jspecify.annotations.Nullable;

/** All parts of a PC, made of fakes. The guest turns the machine off at port 604H, resets it at CF9H, exits at F4H. */
final class FakeParts {
    final Parts parts = new Parts();
    final FakeBackend backend;
    final FakePaging paging = new FakePaging();
    final FakeConsole console = new FakeConsole();
    final Map<String, FakeDevice.Factory> factories = new LinkedHashMap<>();
    final List<String> log = Collections.synchronizedList(new ArrayList<>());
    @Nullable MachineLayout layout;

    FakeParts(FakeCpu.Script script) {
        backend = new FakeBackend(script);
        factory("pic8259", Pic::new);
        factory("ioapic", context -> device(context, List.of(), List.of(region("registers", 4096)), 24));
        factory("apic", FakeDevice.Apics::new);
        factory("hpet", context -> device(context, List.of(), List.of(region("registers", 4096)), 2));
        factory("pit8254", context -> ports(context, region("counters", 4), region("speaker", 1)));
        factory("rtc146818", context -> ports(context, region("registers", 2)));
        factory("i8042", context -> ports(context, region("data", 1), region("command", 1), region("port92", 1)));
        factory("serial16550", context -> ports(context, region("registers", 8)));
        factory(
                "acpi-pm",
                context -> ports(
                        context,
                        region("pm1-event", 4),
                        region("pm1-control", 2, context.machine()::powerOff),
                        region("pm-timer", 4),
                        region("gpe0", 4),
                        region("reset", 1, context.machine()::reset)));
        factory("acpi-tables", context -> new Tables());
        factory("post-code", context -> ports(context, region("registers", 1)));
        factory(
                "debug-exit",
                context -> ports(
                        context, region("registers", 4, () -> context.machine().exit(33))));
        parts.backends.add(backend, Map.of("cpu", "vtx"));
        parts.pagings.add(paging, Map.of("format", "ept"));
        parts.consoles.add(console, Map.of("console", "tty"));
        factories.forEach((kind, factory) -> parts.factories.add(factory, Map.of("device", kind)));
    }

    private void factory(String kind, DeviceFactory maker) {
        factories.put(kind, new FakeDevice.Factory(maker));
    }

    FakeDevice device(String kind) {
        return (FakeDevice) last(kind);
    }

    Device last(String kind) {
        FakeDevice.Factory factory = factories.get(kind);
        if (factory == null) {
            throw new IllegalArgumentException(kind);
        }
        return factory.last();
    }

    Log log() {
        return new Log() {
            @Override
            public void info(String message) {
                log.add(message);
            }

            @Override
            public void error(String message, @Nullable Throwable cause) {
                log.add("error: " + message);
            }
        };
    }

    private static FakeRegion region(String name, int length) {
        return region(name, length, () -> {});
    }

    private static FakeRegion region(String name, int length, Runnable onWrite) {
        return new FakeRegion(name, length, 0, onWrite);
    }

    private static FakeDevice ports(DeviceContext context, FakeRegion... regions) {
        return device(context, List.of(regions), List.of(), 0);
    }

    private static FakeDevice device(
            DeviceContext context, List<? extends IoRegion> ports, List<? extends IoRegion> memory, int inputs) {
        return new FakeDevice(context, List.copyOf(ports), List.copyOf(memory), inputs);
    }

    /** Passes each of its inputs on to its output. */
    private static final class Pic extends FakeDevice implements InterruptAcknowledge {
        private final List<InterruptLine> lines;

        Pic(DeviceContext context) {
            super(context, List.of(region("master", 2), region("slave", 2), region("elcr", 2)), List.of(), 16);
            InterruptLine output = context.line("intr");
            lines = IntStream.range(0, 16)
                    .<InterruptLine>mapToObj(number -> level -> {
                        line(number).set(level);
                        output.set(level);
                    })
                    .toList();
        }

        @Override
        public InterruptLine input(int number) {
            return lines.get(number);
        }

        @Override
        public int acknowledge() {
            return 0x20;
        }
    }

    private final class Tables implements Device, FirmwareTables {
        @Override
        public long install(MachineLayout given, GuestMemory memory) {
            layout = given;
            return given.tablesAddress();
        }

        @Override
        public void reset() {}
    }
}
