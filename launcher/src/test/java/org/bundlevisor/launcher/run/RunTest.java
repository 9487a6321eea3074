package org.bundlevisor.launcher.run;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VmExit;
import org.bundlevisor.device.Console;
import org.bundlevisor.launcher.FakeMachine;
import org.bundlevisor.launcher.request.RunRequest;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** In a framework without bundles: the machine comes of its configuration, but does what the test says. */
@Timeout(60)
class RunTest {
    @TempDir
    Path storage;

    private final CompletableFuture<Integer> status = new CompletableFuture<>();
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private final Map<String, Object> configured = new HashMap<>();
    private Framework framework;
    private BundleContext context;

    @BeforeEach
    void startFramework() throws Exception {
        framework = ServiceLoader.load(FrameworkFactory.class).findFirst().orElseThrow()
                .newFramework(Map.of(Constants.FRAMEWORK_STORAGE, storage.toString()));
        framework.start();
        context = framework.getBundleContext();
        context.registerService(CpuBackend.class, new CpuBackend() {
            @Override
            public String pagingFormat() {
                return "ept";
            }

            @Override
            public Partition createPartition(PartitionConfiguration configuration) {
                throw new UnsupportedOperationException("no machine here makes one");
            }
        }, new Hashtable<>(Map.of(CpuBackend.CPU, "vtx")));
    }

    @AfterEach
    void stopFramework() throws Exception {
        framework.stop();
        framework.waitForStop(0);
    }

    private int run(FakeMachine machine) throws Exception {
        return run(machine,
                request(InputStream.nullInputStream(), Optional.empty(), Optional.empty(), Optional.empty()));
    }

    private int run(FakeMachine machine, RunRequest request) throws Exception {
        new Run(context, request, configurations(machine));
        return status.get(50, TimeUnit.SECONDS);
    }

    private RunRequest request(InputStream input, Optional<OutputStream> statistics, Optional<OutputStream> exits,
            Optional<Duration> timeout) {
        Map<String, Object> properties = Map.of("name", "test", "cpu", new String[] {"vtx"}, "memory", 1L << 26);
        return new RunRequest(properties, input, output, new PrintStream(errors, true), statistics, exits, timeout,
                Optional.empty(),
                status);
    }

    @Test
    void powerOffIsStatusZeroAndSaysNothing() throws Exception {
        assertThat(run(ending(new Outcome.PoweredOff()))).isZero();
        assertThat(errors).hasToString("");
        assertThat(configured).containsEntry("name", "test").containsEntry("memory", 1L << 26)
                .containsEntry("console", "terminal");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 3, 255})
    void theGuestsStatusIsPassedOn(int value) throws Exception {
        assertThat(run(ending(new Outcome.Exited(value)))).isEqualTo(value);
    }

    @Test
    void aFailureIsStatusOneAndOneSentence() throws Exception {
        assertThat(run(ending(new Outcome.Failed("vCPU 0: triple fault")))).isEqualTo(1);
        assertThat(errors.toString().lines()).containsExactly("bundlevisor: vCPU 0: triple fault");
    }

    @Test
    void aMachineThatCannotStartSaysWhy() throws Exception {
        FakeMachine machine = new FakeMachine("test") {
            @Override
            public void start() {
                throw new IllegalStateException("kernel.img: no Linux boot header");
            }
        };

        assertThat(run(machine)).isEqualTo(1);
        assertThat(errors.toString().lines()).containsExactly("bundlevisor: kernel.img: no Linux boot header");
    }

    @Test
    void aMachineThatRunsTooLongIsStopped() throws Exception {
        FakeMachine machine = new FakeMachine("test");

        assertThat(run(machine, request(InputStream.nullInputStream(), Optional.empty(), Optional.empty(),
                Optional.of(Duration.ofMillis(1500))))).isEqualTo(124);
        assertThat(machine.state()).isEqualTo(VirtualMachine.State.STOPPED);
        assertThat(errors.toString().lines())
                .containsExactly("bundlevisor: the guest did not end within 1.5 s and was stopped");
    }

    @Test
    void ctrlAXStopsTheMachine() throws Exception {
        FakeMachine machine = new FakeMachine("test");

        assertThat(
                run(machine, request(new ByteArrayInputStream(new byte[] {1, 'x'}), Optional.empty(), Optional.empty(),
                        Optional.empty())))
                .isZero();
        assertThat(machine.state()).isEqualTo(VirtualMachine.State.STOPPED);
    }

    @Test
    void theTerminalIsTheMachinesConsole() throws Exception {
        FakeMachine machine = new FakeMachine("test") {
            @Override
            public void start() {
                Console console = service(Console.class, "(console=terminal)");
                // what was typed before is not announced, only there
                console.onInput(() -> echo(console));
                echo(console);
            }

            private synchronized void echo(Console console) {
                int key = console.read();
                if (key < 0) return;
                console.write(new byte[] {(byte) key}, 0, 1);
                end(new Outcome.PoweredOff());
            }
        };

        assertThat(run(machine, request(new ByteArrayInputStream(new byte[] {'y'}), Optional.empty(), Optional.empty(),
                Optional.empty()))).isZero();
        assertThat(output).hasToString("y");
        assertThat(context.getServiceReference(Console.class)).as("console after the run").isNull();
    }

    @Test
    void exitsOfThisMachineAreLogged() throws Exception {
        ByteArrayOutputStream exits = new ByteArrayOutputStream();
        FakeMachine machine = new FakeMachine("test") {
            @Override
            public void start() {
                service(ExitObserver.class, "(vm.name=test)").exited(new VmExit(0, 9, 0x7c00, "CPUID", ""));
                end(new Outcome.PoweredOff());
            }
        };

        assertThat(run(machine, request(InputStream.nullInputStream(), Optional.empty(), Optional.of(exits),
                Optional.empty()))).isZero();
        assertThat(exits).hasToString("cpu 0  9  rip 0x0000000000007c00  CPUID\n");
    }

    @Test
    void statisticsAreOneJsonObject() throws Exception {
        ByteArrayOutputStream json = new ByteArrayOutputStream();

        run(ending(new Outcome.Exited(3)), request(InputStream.nullInputStream(), Optional.of(json), Optional.empty(),
                Optional.empty()));

        JsonObject statistics = Json.createReader(new ByteArrayInputStream(json.toByteArray())).readObject();
        assertThat(statistics.getString("backend")).isEqualTo("fake");
        assertThat(statistics.getInt("status")).isEqualTo(3);
        assertThat(statistics.getJsonNumber("wallSeconds").doubleValue()).isEqualTo(2.0);
        assertThat(statistics.getJsonNumber("guestSeconds").doubleValue()).isEqualTo(1.5);
        assertThat(statistics.getInt("instructions")).isEqualTo(2_000_000);
        assertThat(statistics.getInt("instructionsPerSecond")).isEqualTo(1_000_000);
        assertThat(statistics.getJsonObject("exits").getInt("EPT violation")).isEqualTo(80);
        assertThat(statistics.getInt("tlbMisses")).isEqualTo(34);
        assertThat(statistics.getInt("tracesDecoded")).isEqualTo(10);
        assertThat(statistics.getInt("tracesInvalidated")).isEqualTo(4);
    }

    @Test
    void anUnknownBackendIsWrongUsageAndTheKnownAreNamed() throws Exception {
        Map<String, Object> properties = Map.of("name", "test", "cpu", new String[] {"kvm", "amdv"});
        RunRequest request = new RunRequest(properties, InputStream.nullInputStream(), output,
                new PrintStream(errors, true),
                Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), status);

        assertThat(run(new FakeMachine("test"), request)).isEqualTo(2);
        assertThat(errors.toString().lines())
                .containsExactly("bundlevisor: unknown CPU backend \"kvm,amdv\" (there is: vtx)");
    }

    private static FakeMachine ending(Outcome outcome) {
        return new FakeMachine("test") {
            @Override
            public void start() {
                end(outcome);
            }
        };
    }

    private <S> S service(Class<S> type, String filter) {
        try {
            ServiceReference<S> reference = context.getServiceReferences(type, filter).iterator().next();
            return context.getService(reference);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** What the machine's component is to the real ones: a configuration makes a service. */
    private ConfigurationAdmin configurations(FakeMachine machine) {
        Configuration configuration = fake(Configuration.class, (method, arguments) -> {
            if (method.equals("update")) {
                Dictionary<?, ?> properties = (Dictionary<?, ?>) arguments[0];
                Collections.list(properties.keys())
                        .forEach(key -> configured.put(String.valueOf(key), properties.get(key)));
                context.registerService(VirtualMachine.class, machine,
                        new Hashtable<>(Map.of(VirtualMachine.NAME, "test")));
            }
            return null;
        });
        return fake(ConfigurationAdmin.class, (method, arguments) -> {
            assertThat(arguments[0]).isEqualTo(VirtualMachine.PID);
            return configuration;
        });
    }

    private interface Answer {
        Object to(String method, Object[] arguments);
    }

    private static <S> S fake(Class<S> type, Answer answer) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type},
                (proxy, method, arguments) -> answer.to(method.getName(), arguments)));
    }
}
