package org.bundlevisor.launcher;

import java.io.BufferedOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.bundlevisor.guests.Guest;
import org.bundlevisor.guests.GuestException;
import org.bundlevisor.guests.GuestStore;
import org.bundlevisor.launcher.platform.Platform;
import org.bundlevisor.launcher.platform.PlatformException;
import org.bundlevisor.launcher.request.RunRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code bundlevisor run}: one machine on the terminal. */
@Command(name = "run", description = "Runs a guest; its serial port is the terminal.", mixinStandardHelpOptions = true,
        sortOptions = false,
        footer = {"", "Ctrl-A X quits, Ctrl-A C is the shell, Ctrl-A Ctrl-A sends Ctrl-A to the guest.",
            "Exit status: 0 the guest powered off, 1 the machine failed, 2 wrong usage, 124 --timeout,",
            "otherwise what the guest wrote to its debug-exit port, times two, plus one."})
final class RunCommand implements Callable<Integer> {
    private static final String DEFAULT_GUEST = "linux";
    private static final int MOST_CPUS = 64;

    private final Main.Surroundings surroundings;

    @Parameters(paramLabel = "GUEST", arity = "0..1",
            description = "a guest by name, see \"guest list\" (default: linux, unless --kernel is given)")
    @Nullable String guest;

    @Option(names = "--kernel", paramLabel = "F", description = "a Linux bzImage or a Multiboot 1 ELF file")
    @Nullable Path kernel;

    @Option(names = "--initrd", paramLabel = "F", description = "an initial RAM disk; for Multiboot the first module")
    @Nullable Path initrd;

    @Option(names = "--append", paramLabel = "TEXT",
            description = "the kernel's command line instead of the guest's own")
    @Nullable String append;

    @Option(names = "--memory", paramLabel = "SIZE", defaultValue = "512M", converter = MemorySize.Converter.class,
            description = "RAM, for example 512M or 2G (default: ${DEFAULT-VALUE})")
    MemorySize memory = new MemorySize(0);

    @Option(names = "--cpus", paramLabel = "N", defaultValue = "1",
            description = "number of virtual CPUs, 1 to 64 (default: ${DEFAULT-VALUE})")
    int cpus;

    @Option(names = "--cpu", paramLabel = "NAME", defaultValue = "vtx", split = ",",
            description = "CPU backends, best first; the first that is there is used (default: ${DEFAULT-VALUE})")
    List<String> cpu = List.of();

    @Option(names = "--swap-every", paramLabel = "TIME", converter = Interval.Converter.class,
            description = "move the running guest to the next of the backends that --cpu names after each such time, for"
                    + " example 500ms or 2s")
    @Nullable Interval swapEvery;

    @Option(names = "--cpu-model", paramLabel = "NAME", defaultValue = "x86-64-v2",
            description = "what the guest's CPU is (default: ${DEFAULT-VALUE})")
    String cpuModel = "";

    @Option(names = "--clock", paramLabel = "real|counted", defaultValue = "real", converter = ClockConverter.class,
            description = {
                "real: guest time is the host's; counted: it follows executed instructions, and with one CPU the"
                        + " same input gives the same run (default: ${DEFAULT-VALUE})"})
    String clock = "";

    @Option(names = "--stats", paramLabel = "FILE", description = "write statistics as JSON when the machine ends")
    @Nullable Path statistics;

    @Option(names = "--trace", paramLabel = "exits[=FILE]", converter = TraceOption.Converter.class,
            description = "write each VM exit to FILE, or to standard error")
    @Nullable TraceOption trace;

    @Option(names = "--timeout", paramLabel = "SECONDS",
            description = "stop the machine after so long, with status 124")
    @Nullable Double timeout;

    RunCommand(Main.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Refusal, InterruptedException {
        Map<String, Object> machine = machine();
        if (timeout != null && !(timeout > 0 && timeout < 1e9)) {
            throw Refusal.wrongUsage("--timeout %s: expected a number of seconds above 0".formatted(timeout));
        }
        Optional<OutputStream> statisticsStream = statistics == null
                ? Optional.empty()
                : Optional.of(create("--stats ", statistics));
        Optional<OutputStream> exits = trace == null ? Optional.empty() : Optional.of(exits(trace));
        CompletableFuture<Integer> status = new CompletableFuture<>();
        RunRequest request = new RunRequest(machine, surroundings.input(), surroundings.output(), surroundings.errors(),
                statisticsStream, exits, Optional.ofNullable(timeout).map(s -> Duration.ofMillis(Math.round(s * 1000))),
                Optional.ofNullable(swapEvery).map(Interval::duration),
                status);
        // the shell that Ctrl-A C begins is a conversation of ours
        Map<String, String> properties = Map.of("gosh.args", "--nointeractive");
        try (Platform platform = Platform.start(surroundings.home().resolve("bundle"), Platform.MACHINE, properties);
                ShutdownHook ignored = ShutdownHook.closing(platform)) {
            platform.context().registerService(RunRequest.class, request, new Hashtable<>());
            return status.get();
        } catch (PlatformException e) {
            throw Refusal.failed(e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("the run ended unforeseen", e.getCause());
        }
    }

    /** Properties of {@code org.bundlevisor.machine.MachineConfiguration}. */
    private Map<String, Object> machine() throws Refusal {
        if (cpus < 1 || cpus > MOST_CPUS) {
            throw Refusal.wrongUsage("--cpus %d: expected 1 to %d".formatted(cpus, MOST_CPUS));
        }
        Map<String, Object> machine = new HashMap<>();
        machine.put("memory", memory.bytes());
        machine.put("cpus", cpus);
        machine.put("cpu", cpu.toArray(String[]::new));
        machine.put("cpu.model", cpuModel);
        machine.put("clock", clock);
        machine.put("trace.exits", trace != null);
        Path givenKernel = kernel == null ? null : readable("--kernel", kernel);
        Path givenInitrd = initrd == null ? null : readable("--initrd", initrd);
        String defaultAppend = "console=ttyS0";
        if (guest != null || givenKernel == null) {
            Guest named = fetch(guest == null ? DEFAULT_GUEST : guest);
            machine.put("name", named.name());
            defaultAppend = named.append();
            if (givenKernel == null) givenKernel = named.kernel();
            if (givenInitrd == null) givenInitrd = named.initramfs().orElse(null);
        } else {
            machine.put("name", "vm");
        }
        machine.put("kernel", givenKernel.toAbsolutePath().toString());
        if (givenInitrd != null) machine.put("initrd", givenInitrd.toAbsolutePath().toString());
        machine.put("append", append == null ? defaultAppend : append);
        return machine;
    }

    private Guest fetch(String name) throws Refusal {
        PrintStream errors = surroundings.errors();
        GuestStore store = GuestStore.ofUser(surroundings.environment(),
                line -> errors.println("bundlevisor: " + line));
        if (store.offers().stream().noneMatch(offer -> offer.name().equals(name))) {
            throw Refusal.wrongUsage("unknown guest \"%s\" (there are: %s)".formatted(name,
                    String.join(", ", store.offers().stream().map(GuestStore.Offer::name).toList())));
        }
        try {
            return store.fetch(name);
        } catch (GuestException e) {
            throw Refusal.failed(e);
        }
    }

    private static Path readable(String option, Path file) throws Refusal {
        if (!Files.exists(file)) throw Refusal.wrongUsage("%s %s: there is no such file".formatted(option, file));
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw Refusal.wrongUsage("%s %s: expected a file that can be read".formatted(option, file));
        }
        return file;
    }

    /** Before the guest starts, so that nobody waits for statistics that cannot be had. */
    private static OutputStream create(String option, Path file) throws Refusal {
        try {
            return new BufferedOutputStream(Files.newOutputStream(file), 1 << 16);
        } catch (IOException e) {
            throw Refusal.wrongUsage("%s%s: the file cannot be written".formatted(option, file));
        }
    }

    private OutputStream exits(TraceOption option) throws Refusal {
        if (option.file().isPresent()) return create("--trace exits=", option.file().get());
        return new FilterOutputStream(surroundings.errors()) {
            @Override
            public void write(byte[] bytes, int offset, int length) throws IOException {
                out.write(bytes, offset, length);
            }

            @Override
            public void close() throws IOException {
                // standard error outlives the trace
                flush();
            }
        };
    }

    static final class ClockConverter implements picocli.CommandLine.ITypeConverter<String> {
        @Override
        public String convert(String text) {
            if (!text.equals("real") && !text.equals("counted")) {
                throw new TypeConversionException("\"%s\" is no clock (expected real or counted)".formatted(text));
            }
            return text;
        }
    }
}
