package org.bundlevisor.devices.test;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.LocalInterruptControllers;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.MessageInterrupts;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.state.SavedState;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What every device keeps, whoever wrote it. Extend it, name the factory, and override {@link #context()} where the device
 * wants properties or host resources.
 */
public abstract class DeviceContract {
    private static final int STEPS = 2_000;

    /** The factory of the device under test. */
    protected abstract DeviceFactory factory();

    /** Fresh surroundings, which the factory makes a device in. */
    protected FakeContext context() {
        return new FakeContext();
    }

    /** Names of saved fields that a reset leaves alone, such as battery-backed memory and the levels of input lines. */
    protected Set<String> keptOverReset() {
        return Set.of();
    }

    /** Names of output lines that a reset leaves alone, because they pass an input on. */
    protected Set<String> linesKeptOverReset() {
        return Set.of();
    }

    /** Whether a random value may be written here; false keeps a test off registers that end the device's life. */
    protected boolean mayWrite(IoRegion region, long offset, int size, long value) {
        return true;
    }

    @Test
    void namesItsRegionsOnceAndKeepsThem() {
        Device device = factory().create(context());
        List<String> names = new ArrayList<>();
        if (device instanceof PortIo ports) {
            assertThat(ports.portRegions()).isEqualTo(ports.portRegions());
            ports.portRegions().forEach(region -> names.add(region.name()));
        }
        if (device instanceof MemoryIo registers) {
            assertThat(registers.memoryRegions()).isEqualTo(registers.memoryRegions());
            registers.memoryRegions().forEach(region -> {
                names.add(region.name());
                assertThat(region.length() % 4096).as(region.name()).isZero();
            });
        }
        assertThat(names).doesNotHaveDuplicates();
        regions(device).forEach(region -> assertThat(region.length()).isPositive());
    }

    @Test
    void givesTheSameWireForTheSameInput() {
        Device device = factory().create(context());
        if (device instanceof InterruptInputs inputs) {
            for (int number = 0; number < inputs.inputCount(); number++) {
                assertThat(inputs.input(number)).isSameAs(inputs.input(number));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void takesAnyAccessWithoutComplaint(long seed) {
        FakeContext context = context();
        Device device = factory().create(context);
        device.reset();
        assertThatCode(() -> new Exercise(device, context, seed).run(10 * STEPS)).doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(longs = {11, 12, 13})
    void resetRestoresThePowerUpState(long seed) {
        FakeContext context = context();
        Device device = factory().create(context);
        device.reset();
        new Exercise(device, context, seed).run(STEPS);
        device.reset();

        FakeContext freshContext = context();
        freshContext.clock().jumpTo(context.clock().nanoseconds());
        Device fresh = factory().create(freshContext);
        fresh.reset();

        context.wires().forEach((name, wire) -> {
            if (!linesKeptOverReset().contains(name)) {
                assertThat(wire.level()).as("line " + name).isFalse();
            }
        });
        if (device instanceof Snapshot used && fresh instanceof Snapshot unused) {
            assertThat(fields(used.save(), keptOverReset())).isEqualTo(fields(unused.save(), keptOverReset()));
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {21, 22, 23, 24})
    void goesOnAfterRestoreAsIfNothingHadHappened(long seed) {
        FakeContext context = context();
        Device device = factory().create(context);
        assumeThat(device).isInstanceOf(Snapshot.class);
        device.reset();
        new Exercise(device, context, seed).run(STEPS);
        SavedState saved = ((Snapshot) device).save();

        FakeContext otherContext = context();
        otherContext.clock().jumpTo(context.clock().nanoseconds());
        Device other = factory().create(otherContext);
        other.reset();
        ((Snapshot) other).restore(saved);

        assertThat(fields(((Snapshot) other).save(), Set.of())).isEqualTo(fields(saved, Set.of()));
        assertThat(levels(otherContext)).isEqualTo(levels(context));
        List<Long> answers = new Exercise(device, context, ~seed).run(STEPS);
        List<Long> otherAnswers = new Exercise(other, otherContext, ~seed).run(STEPS);
        assertThat(otherAnswers).isEqualTo(answers);
        assertThat(levels(otherContext)).isEqualTo(levels(context));
        assertThat(fields(((Snapshot) other).save(), Set.of()))
                .isEqualTo(fields(((Snapshot) device).save(), Set.of()));
    }

    @Test
    void takesAStateWithoutFieldsAndOneWithUnknownFields() {
        Device device = factory().create(context());
        assumeThat(device).isInstanceOf(Snapshot.class);
        device.reset();
        assertThatCode(() -> ((Snapshot) device).restore(SavedState.EMPTY)).doesNotThrowAnyException();
        assertThatCode(() -> ((Snapshot) device)
                .restore(SavedState.version(99).put("no such field", 1).build()))
                .doesNotThrowAnyException();
    }

    @Test
    void givesUpItsTimersWhenClosed() throws Exception {
        FakeContext context = context();
        Device device = factory().create(context);
        device.reset();
        new Exercise(device, context, 31).run(STEPS);
        device.close();
        assertThat(context.clock().armedTimers()).isZero();
    }

    private static Map<String, Boolean> levels(FakeContext context) {
        Map<String, Boolean> levels = new LinkedHashMap<>();
        context.wires().forEach((name, wire) -> levels.put(name, wire.level()));
        for (int cpu = 0; cpu < context.cpuCount(); cpu++) {
            levels.put("INTR " + cpu, context.fakeCpu(cpu).requested());
        }
        return levels;
    }

    /** A saved state as something that can be compared, without some of its top-level fields. */
    private static Map<String, Object> fields(SavedState state, Set<String> without) {
        Map<String, Object> fields = new LinkedHashMap<>();
        for (String name : state.names()) {
            if (!without.contains(name)) {
                fields.put(
                        name,
                        List.of(
                                state.number(name, 0),
                                state.text(name, ""),
                                asList(state.bytes(name)),
                                fields(state.child(name), without),
                                children(state, name, without)));
            }
        }
        return fields;
    }

    private static List<Map<String, Object>> children(SavedState state, String name, Set<String> without) {
        return state.names().contains(name)
                ? state.children(name).stream()
                        .map(child -> fields(child, without))
                        .toList()
                : List.of();
    }

    private static List<Byte> asList(byte[] bytes) {
        List<Byte> list = new ArrayList<>();
        for (byte value : bytes) {
            list.add(value);
        }
        return list;
    }

    private static List<IoRegion> regions(Device device) {
        List<IoRegion> regions = new ArrayList<>();
        if (device instanceof PortIo ports) {
            regions.addAll(ports.portRegions());
        }
        if (device instanceof MemoryIo registers) {
            regions.addAll(registers.memoryRegions());
        }
        return regions;
    }

    /** A random but repeatable use of everything that a device offers. */
    private final class Exercise {
        private final Device device;
        private final FakeContext context;
        private final Random random;
        private final List<IoRegion> ports = new ArrayList<>();
        private final List<IoRegion> all = new ArrayList<>();
        private final List<Long> answers = new ArrayList<>();

        Exercise(Device device, FakeContext context, long seed) {
            this.device = device;
            this.context = context;
            this.random = new Random(seed);
            if (device instanceof PortIo io) {
                ports.addAll(io.portRegions());
            }
            all.addAll(regions(device));
            if (device instanceof LocalInterruptControllers controllers) {
                for (int cpu = 0; cpu < context.cpuCount(); cpu++) {
                    all.add(controllers.of(cpu).registers());
                }
            }
        }

        /** Takes so many steps; answers with all that could be read on the way. */
        List<Long> run(int steps) {
            for (int step = 0; step < steps; step++) {
                switch (random.nextInt(8)) {
                    case 0 -> context.clock().advance(1L << random.nextInt(30));
                    case 1 -> signal();
                    case 2 -> special();
                    default -> access();
                }
            }
            return answers;
        }

        private void access() {
            if (all.isEmpty()) {
                return;
            }
            IoRegion region = all.get(random.nextInt(all.size()));
            int size = 1 << random.nextInt(ports.contains(region) ? 3 : 4);
            // mostly aligned, as guests access registers
            long offset = random.nextLong(region.length());
            if (random.nextInt(4) != 0) {
                offset &= -size;
            }
            if (offset + size > region.length()) {
                size = 1;
            }
            if (random.nextBoolean()) {
                long value = region.read(offset, size);
                assertThat(size == 8 || value >>> (8 * size) == 0)
                        .as("%s: %d bytes at %#x read as %#x", region.name(), size, offset, value)
                        .isTrue();
                answers.add(value);
            } else {
                long value = size == 8 ? random.nextLong() : random.nextLong(1L << (8 * size));
                if (mayWrite(region, offset, size, value)) {
                    region.write(offset, size, value);
                }
            }
        }

        private void signal() {
            if (device instanceof InterruptInputs inputs && inputs.inputCount() > 0) {
                inputs.input(random.nextInt(inputs.inputCount())).set(random.nextBoolean());
            }
        }

        private void special() {
            if (device instanceof InterruptAcknowledge controller) {
                answers.add((long) controller.acknowledge());
            }
            if (device instanceof MessageInterrupts messages) {
                messages.send(0xFEE00000L | random.nextInt(1 << 20), random.nextInt(1 << 16));
            }
            if (device instanceof LocalInterruptControllers controllers) {
                local(controllers.of(random.nextInt(context.cpuCount())));
            }
        }

        private void local(LocalInterruptController controller) {
            long[] value = new long[1];
            switch (random.nextInt(7)) {
                case 0 -> answers.add((long) controller.acknowledge());
                case 1 -> controller.setTaskPriority(random.nextInt(16));
                case 2 -> answers.add((long) controller.taskPriority());
                case 3 -> controller.localInterrupt(random.nextInt(2)).set(random.nextBoolean());
                case 4 -> controller.writeMsr(0x800 + random.nextInt(0x40), random.nextLong(1L << 32));
                case 5 -> controller.writeMsr(random.nextBoolean() ? 0x1B : 0x6E0, random.nextLong(1L << 36));
                default -> {
                    boolean readable = controller.readMsr(0x800 + random.nextInt(0x40), value);
                    answers.add(readable ? value[0] : -1);
                }
            }
        }
    }
}
