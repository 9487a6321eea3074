package org.bundlevisor.itest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Hashtable;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.bundlevisor.device.Console;
import org.bundlevisor.machine.MachineStatistics;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine;
import org.bundlevisor.machine.VirtualMachine.State;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.util.tracker.ServiceTracker;

/** Machines in the framework: composed from factory configurations, run, paused, and left by the bundles they are made of. */
@ExtendWith(OsgiContainer.class)
class MachineIT {
    /** Far beyond what anything here takes; it ends a test that would wait forever. */
    private static final long PATIENCE_SECONDS = 120;

    /**
     * Writes an A to the first serial port, then counts for ever: mov edx,3F8H; mov al,'A'; out dx,al; inc ecx; jmp to the
     * inc. With the Multiboot header before it that gives its own load address.
     */
    private static final byte[] BEACON = {(byte) 0xba, (byte) 0xf8, 3, 0, 0, (byte) 0xb0, 'A', (byte) 0xee, 0x41,
        (byte) 0xeb, (byte) 0xfd};

    private @Nullable BundleContext context;
    private @Nullable Path folder;

    @BeforeEach
    void remember(BundleContext own) throws IOException {
        context = own;
        folder = Files.createTempDirectory("machine-");
    }

    @AfterEach
    void startAllBundlesAgain() throws BundleException, IOException {
        for (Bundle bundle : context().getBundles()) {
            bundle.start();
        }
        try (var files = Files.list(folder())) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
        }
        Files.delete(folder());
    }

    @Test
    void helloRunsToItsPowerOff() throws Exception {
        try (Machine hello = new Machine("hello", hello(), Map.of("append", "from a test"))) {
            assertThat(hello.vm.state()).isEqualTo(State.CREATED);
            assertThat(hello.vm.problem()).isEmpty();

            hello.vm.start();

            assertThat(hello.outcome()).isEqualTo(new Outcome.PoweredOff());
            assertThat(hello.vm.state()).isEqualTo(State.STOPPED);
            assertThat(hello.console.text()).startsWith("Hello from a guest of Bundlevisor.\r\n")
                    .contains("CPU vendor:    GenuineIntel\r\n",
                            "CPU name:      Bundlevisor x86-64-v2 processor\r\n",
                            "has 64-bit mode\r\n",
                            "Memory:        64 MiB\r\n",
                            "Command line:  from a test\r\n",
                            "Timer ticks:   1 2 3 4 5 6 7 8 9 10 \r\n")
                    .endsWith("Good-bye.\r\n");
            MachineStatistics statistics = hello.vm.statistics();
            assertThat(statistics.backend()).isEqualTo("vtx");
            // ten ticks, twenty a second
            assertThat(statistics.guestSeconds()).isBetween(0.45, (double) PATIENCE_SECONDS);
            assertThat(statistics.instructions()).isGreaterThan(1000);
            assertThat(statistics.cpus().getFirst().exits()).containsKeys("CPUID", "I/O instruction", "HLT");
        }
    }

    @Test
    void startsByItselfWhenItsConfigurationSaysSo() throws Exception {
        try (Machine hello = new Machine("by-itself", hello(), Map.of("autostart", true))) {
            assertThat(hello.outcome()).isEqualTo(new Outcome.PoweredOff());
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({
        "cpu.vtx, no CPU backend vtx is there",
        "mmu.ept, no second-level paging in the format ept is there",
        "devices.bundle, no device pic8259 is there"})
    void missingPartsAreNamedAndCompleteTheMachineWhenTheyCome(String name, String sentence) throws Exception {
        Bundle bundle = bundle(name);
        bundle.stop();
        try (Machine machine = new Machine("waits-for-" + name, hello(), Map.of())) {
            assertThat(machine.vm.state()).isEqualTo(State.INCOMPLETE);
            assertThat(machine.vm.problem()).startsWith("waits-for-" + name + ": " + sentence).contains(name)
                    .doesNotContain("\n", ". ", "Exception");
            String problem = machine.vm.problem();
            assertThatThrownBy(machine.vm::start).isInstanceOf(IllegalStateException.class).hasMessage(problem);

            bundle.start();

            assertThat(machine.vm.state()).isEqualTo(State.CREATED);
            assertThat(machine.vm.problem()).isEmpty();
            machine.vm.start();
            assertThat(machine.outcome()).isEqualTo(new Outcome.PoweredOff());
        }
    }

    @Test
    void severalMachinesStayApart() throws Exception {
        try (Machine small = new Machine("small", hello(), Map.of("append", "I am small"));
                Machine large = new Machine("large", hello(), Map.of("append", "I am large", "memory", 128L << 20))) {
            small.vm.start();
            large.vm.start();

            assertThat(small.outcome()).isEqualTo(new Outcome.PoweredOff());
            assertThat(large.outcome()).isEqualTo(new Outcome.PoweredOff());
            assertThat(small.console.text()).contains("Memory:        64 MiB", "I am small", "8 9 10 ")
                    .doesNotContain("large");
            assertThat(large.console.text()).contains("Memory:        128 MiB", "I am large", "8 9 10 ")
                    .doesNotContain("small");
        }
    }

    @Test
    void whileItIsPausedNothingHappens() throws Exception {
        try (Machine paused = new Machine("paused", beacon(), Map.of());
                Machine running = new Machine("running", hello(), Map.of())) {
            paused.vm.start();
            paused.await("A");
            paused.vm.pause();
            assertThat(paused.vm.state()).isEqualTo(State.PAUSED);
            MachineStatistics before = paused.vm.statistics();
            assertThat(before.instructions()).isPositive();

            // the other machine's half second passes for the one that runs only
            running.vm.start();
            assertThat(running.outcome()).isEqualTo(new Outcome.PoweredOff());

            MachineStatistics after = paused.vm.statistics();
            assertThat(after.instructions()).isEqualTo(before.instructions());
            assertThat(after.guestSeconds()).isEqualTo(before.guestSeconds());
            assertThat(after.wallSeconds()).isGreaterThan(before.wallSeconds() + 0.4);

            paused.vm.resume();
            assertThat(paused.vm.state()).isEqualTo(State.RUNNING);
            paused.awaitInstructions(after.instructions() + 1_000_000);
            assertThat(paused.vm.statistics().guestSeconds()).isGreaterThan(after.guestSeconds());
        }
    }

    @Test
    void resetBeginsAnewAndStopEnds() throws Exception {
        try (Machine machine = new Machine("reset", beacon(), Map.of())) {
            machine.vm.start();
            machine.await("A");
            machine.vm.reset();
            assertThat(machine.vm.state()).isEqualTo(State.RUNNING);
            machine.await("AA");

            machine.vm.stop();
            assertThat(machine.outcome()).isEqualTo(new Outcome.Stopped());
            assertThat(machine.vm.state()).isEqualTo(State.STOPPED);

            machine.vm.start();
            machine.await("AAA");
            machine.vm.pause();
            machine.vm.reset();
            assertThat(machine.vm.state()).isEqualTo(State.PAUSED);
            assertThat(machine.console.text()).isEqualTo("AAA");
            machine.vm.resume();
            machine.await("AAAA");
        }
    }

    @Test
    void aMachineThatDoesNotRunBecomesIncompleteWithoutItsBackend() throws Exception {
        try (Machine left = new Machine("left", beacon(), Map.of())) {
            Bundle backend = bundle("cpu.vtx");

            backend.stop();

            assertThat(left.vm.state()).isEqualTo(State.INCOMPLETE);
            assertThat(left.vm.problem()).contains("no CPU backend vtx is there");
            assertThat(Arrays.stream(context().getBundles()).filter(b -> b.getState() != Bundle.ACTIVE))
                    .containsExactly(backend);

            backend.start();
            left.vm.start();
            left.await("A");
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"RUNNING", "PAUSED"})
    void aMachineWhoseBackendGoesAwayWaitsForAnotherAndGoesOn(String name) throws Exception {
        State state = State.valueOf(name);
        try (Machine left = new Machine("left", beacon(), Map.of())) {
            left.vm.start();
            left.await("A");
            if (state == State.PAUSED) {
                left.vm.pause();
            }
            Bundle backend = bundle("cpu.vtx");

            bundle("cpu.amdv").stop();
            backend.stop();

            assertThat(left.vm.state()).isEqualTo(State.PAUSED);
            assertThat(left.vm.problem()).startsWith("left: paused, because its CPU backend vtx");
            long before = left.vm.statistics().instructions();

            backend.start();

            assertThat(left.vm.state()).isEqualTo(state);
            assertThat(left.vm.problem()).isEmpty();
            left.vm.resume();
            left.awaitInstructions(before + 1000);
            assertThat(left.console.text()).as("the guest went on where it was").isEqualTo("A");
        }
    }

    @Test
    void aMachineWhoseBackendGoesAwayMovesToTheOther() throws Exception {
        try (Machine moved = new Machine("moved", beacon(), Map.of())) {
            moved.vm.start();
            moved.await("A");

            bundle("cpu.vtx").stop();

            assertThat(moved.vm.state()).isEqualTo(State.RUNNING);
            assertThat(moved.vm.problem()).isEmpty();
            assertThat(moved.vm.statistics().backend()).isEqualTo("amdv");
            moved.awaitInstructions(moved.vm.statistics().instructions() + 1000);
            assertThat(moved.console.text()).as("the guest went on where it was").isEqualTo("A");
        }
    }

    @Test
    void aRunningMachineMovesFromBackendToBackend() throws Exception {
        try (Machine moving = new Machine("moving", beacon(), Map.of())) {
            moving.vm.start();
            moving.await("A");
            for (int swap = 1; swap <= 100; swap++) {
                moving.vm.swap(swap % 2 == 0 ? "vtx" : "amdv");
                assertThat(moving.vm.statistics().swaps()).isEqualTo(swap);
                moving.awaitInstructions(moving.vm.statistics().instructions() + 1000);
            }
            assertThat(moving.vm.state()).isEqualTo(State.RUNNING);
            assertThat(moving.console.text()).as("the guest went on where it was").isEqualTo("A");
        }
    }

    @Test
    void aConfigurationThatMakesNoSenseIsRefusedInOneSentence() throws Exception {
        try (Machine machine = new Machine("no-clock", hello(), Map.of("clock", "sundial"))) {
            assertThat(machine.vm.state()).isEqualTo(State.INCOMPLETE);
            assertThat(machine.vm.problem())
                    .isEqualTo("no-clock: there is no clock sundial (expected real or counted)");
        }
    }

    private BundleContext context() {
        return Objects.requireNonNull(context);
    }

    private Path folder() {
        return Objects.requireNonNull(folder);
    }

    private Bundle bundle(String name) {
        return Arrays.stream(context().getBundles()).filter(b -> name.equals(b.getSymbolicName())).findFirst()
                .orElseThrow();
    }

    /** The guest that ships with Bundlevisor; its bundle is on the class path, not in the framework. */
    private Path hello() throws IOException {
        Path file = folder().resolve("hello.elf");
        try (InputStream in = Objects.requireNonNull(
                ClassLoader.getSystemResourceAsStream("org/bundlevisor/guests/hello.elf"))) {
            Files.write(file, in.readAllBytes());
        }
        return file;
    }

    private Path beacon() throws IOException {
        int address = 0x10_0000;
        int flags = 1 << 16;
        ByteBuffer image = ByteBuffer.allocate(32 + BEACON.length).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(0x1bad_b002).putInt(flags).putInt(-(0x1bad_b002 + flags));
        // header, load and end addresses, no BSS, entry behind the header
        image.putInt(address).putInt(address).putInt(address + image.capacity()).putInt(0).putInt(address + 32);
        image.put(BEACON);
        return Files.write(folder().resolve("beacon"), image.array());
    }

    /** A machine with a console of its own, for as long as its configuration exists. */
    private final class Machine implements AutoCloseable {
        private final Transcript console = new Transcript();
        private final VirtualMachine vm;
        private final ServiceRegistration<Console> registration;
        private final Configuration configuration;

        Machine(String name, Path kernel, Map<String, Object> more) throws Exception {
            BundleContext bundle = context();
            registration = bundle.registerService(Console.class, console,
                    new Hashtable<>(Map.of(Console.CONSOLE, name)));
            Hashtable<String, Object> properties = new Hashtable<>(Map.of("name", name, "kernel", kernel.toString(),
                    "memory", 64L << 20, "console", name));
            properties.putAll(more);
            ConfigurationAdmin configurations = bundle
                    .getService(Objects.requireNonNull(bundle.getServiceReference(ConfigurationAdmin.class)));
            configuration = configurations.getFactoryConfiguration(VirtualMachine.PID, name, "?");
            configuration.update(properties);
            var filter = bundle.createFilter("(&(objectClass=" + VirtualMachine.class.getName() + ")("
                    + VirtualMachine.NAME + "=" + name + "))");
            ServiceTracker<VirtualMachine, VirtualMachine> tracker = new ServiceTracker<>(bundle, filter, null);
            tracker.open();
            vm = Objects.requireNonNull(tracker.waitForService(TimeUnit.SECONDS.toMillis(PATIENCE_SECONDS)),
                    "no machine came of the configuration");
            tracker.close();
        }

        Outcome outcome() throws Exception {
            return vm.outcome().toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        }

        /** Waits until the guest has sent that, and no more. */
        void await(String expected) throws InterruptedException {
            long start = System.nanoTime();
            while (!console.await(expected)) {
                assertThat(vm.state()).as("%s after \"%s\"", vm.problem(), console.text()).isEqualTo(State.RUNNING);
                assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start))
                        .as("seconds that \"%s\" was waited for after \"%s\"", expected, console.text())
                        .isLessThan(PATIENCE_SECONDS);
            }
        }

        void awaitInstructions(long count) {
            long start = System.nanoTime();
            while (vm.statistics().instructions() < count) {
                assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)).isLessThan(PATIENCE_SECONDS);
                Thread.onSpinWait();
            }
        }

        @Override
        public void close() throws IOException {
            configuration.delete();
            registration.unregister();
        }
    }

    /** Keeps what a guest sends. */
    private static final class Transcript implements Console {
        private final StringBuilder text = new StringBuilder();

        @Override
        public synchronized void write(byte[] bytes, int offset, int length) {
            text.append(new String(bytes, offset, length, StandardCharsets.ISO_8859_1));
            notifyAll();
        }

        @Override
        public int read() {
            return -1;
        }

        @Override
        public void onInput(@Nullable Runnable listener) {
            // there never is any
        }

        synchronized String text() {
            return text.toString();
        }

        /** Waits a moment for that text, and no more. @return whether it is there */
        synchronized boolean await(String expected) throws InterruptedException {
            if (!text.toString().equals(expected)) {
                wait(100);
            }
            return text.toString().equals(expected);
        }
    }
}
