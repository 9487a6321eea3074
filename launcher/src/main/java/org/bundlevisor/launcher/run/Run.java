package org.bundlevisor.launcher.run;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.Arrays;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.device.Console;
import org.bundlevisor.launcher.console.Terminal;
import org.bundlevisor.launcher.console.TerminalConsole;
import org.bundlevisor.launcher.request.RunRequest;
import org.bundlevisor.launcher.shell.Conversation;
import org.bundlevisor.launcher.trace.ExitLog;
import org.bundlevisor.machine.Outcome;
import org.bundlevisor.machine.VirtualMachine;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.util.tracker.ServiceTracker;

/** Answers a {@link RunRequest}; there is one of it for each. */
@Component
public final class Run {
    private static final String CONSOLE = "terminal";
    private static final String SHELL_WELCOME = "\nBundlevisor's shell. The guest goes on meanwhile, what it writes is kept"
            + " back; \"exit\" leads back to it, \"help\" lists all commands.";
    private static final Duration APPEARS_WITHIN = Duration.ofSeconds(60);

    private final BundleContext context;
    private final RunRequest request;
    private final ConfigurationAdmin configurations;
    private final String name;
    private final Thread thread;

    /** How the wait for the machine's end can end without it. */
    private final CompletableFuture<Outcome> left = new CompletableFuture<>();

    /** Begins at once, on a thread of its own. */
    @Activate
    public Run(BundleContext context, @Reference RunRequest request, @Reference ConfigurationAdmin configurations) {
        this.context = context;
        this.request = request;
        this.configurations = configurations;
        name = String.valueOf(request.machine().get("name"));
        thread = Thread.ofPlatform().name("run-" + name).daemon().unstarted(this::run);
        thread.start();
    }

    @Deactivate
    void stop() {
        thread.interrupt();
    }

    private void run() {
        try {
            request.status().complete(runMachine());
        } catch (RunException e) {
            say(String.valueOf(e.getMessage()));
            request.status().complete(e.status());
        } catch (InterruptedException e) {
            // the platform is being stopped
            request.status().complete(RunRequest.FAILED);
        } catch (RuntimeException | Error e) {
            // whoever waits must hear of it, whatever it is
            request.status().completeExceptionally(e);
        }
    }

    private int runMachine() throws RunException, InterruptedException {
        requireBackend();
        Terminal terminal = Terminal.open();
        try (TerminalConsole console = new TerminalConsole(terminal, request.input(), request.output(), new Keys());
                Registration ignoredConsole = register(Console.class, console, Map.of(Console.CONSOLE, CONSOLE));
                ExitLog log = request.exits().map(ExitLog::new).orElse(null);
                Registration ignoredLog = log == null
                        ? null
                        : register(ExitObserver.class, log, Map.of(VirtualMachine.NAME, name))) {
            Configuration configuration = configure();
            try {
                VirtualMachine machine = await(configuration);
                console.open();
                return drive(machine);
            } finally {
                delete(configuration);
            }
        } finally {
            terminal.close();
        }
    }

    /** Names what there is when what was asked for is not there. */
    private void requireBackend() throws RunException {
        Object wanted = request.machine().get("cpu");
        if (!(wanted instanceof String[] names)) return;
        Set<String> known = new TreeSet<>();
        for (ServiceReference<CpuBackend> reference : references(CpuBackend.class)) {
            known.add(String.valueOf(reference.getProperty(CpuBackend.CPU)));
        }
        if (Arrays.stream(names).noneMatch(known::contains)) {
            throw new RunException(RunRequest.WRONG_USAGE, "unknown CPU backend \"%s\" (there %s)".formatted(
                    String.join(",", names), known.isEmpty()
                            ? "is none: its bundle is missing"
                            : "is: " + String.join(", ", known)));
        }
    }

    private Configuration configure() throws RunException {
        Dictionary<String, Object> properties = new Hashtable<>(request.machine());
        properties.put("console", CONSOLE);
        try {
            Configuration configuration = configurations.getFactoryConfiguration(VirtualMachine.PID, name, "?");
            configuration.update(properties);
            return configuration;
        } catch (IOException e) {
            throw new RunException(RunRequest.FAILED, "the machine's configuration cannot be kept: " + e.getMessage());
        }
    }

    private VirtualMachine await(Configuration configuration) throws RunException, InterruptedException {
        String filter = "(&(objectClass=%s)(%s=%s))".formatted(VirtualMachine.class.getName(), VirtualMachine.NAME,
                name);
        ServiceTracker<VirtualMachine, VirtualMachine> tracker;
        try {
            tracker = new ServiceTracker<>(context, context.createFilter(filter), null);
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(filter, e);
        }
        tracker.open();
        try {
            VirtualMachine machine = tracker.waitForService(APPEARS_WITHIN.toMillis());
            if (machine == null) {
                throw new RunException(RunRequest.FAILED, "no virtual machine came of the configuration %s within %d s;"
                        .formatted(configuration.getPid(), APPEARS_WITHIN.toSeconds())
                        + " is the bundle \"machine\" there?");
            }
            return machine;
        } finally {
            tracker.close();
        }
    }

    private int drive(VirtualMachine machine) throws RunException, InterruptedException {
        CompletableFuture<Outcome> ended = machine.outcome().toCompletableFuture();
        try {
            machine.start();
        } catch (IllegalStateException e) {
            throw new RunException(RunRequest.FAILED, String.valueOf(e.getMessage()));
        }
        Thread swapper = Thread.ofVirtual().unstarted(() -> swap(machine));
        if (request.swapEvery().isPresent()) swapper.start();
        int status;
        try {
            status = await(machine, ended);
        } finally {
            swapper.interrupt();
        }
        request.statistics().ifPresent(stream -> Statistics.write(machine.statistics(), status, stream, this::say));
        return status;
    }

    /** Moves the machine from backend to backend until it ends, or cannot be moved. */
    private void swap(VirtualMachine machine) {
        if (!(request.machine().get("cpu") instanceof String[] backends)) return;
        Duration time = request.swapEvery().orElseThrow();
        int next = 0;
        try {
            while (true) {
                Thread.sleep(time);
                next = (next + 1) % backends.length;
                machine.swap(backends[next]);
            }
        } catch (InterruptedException e) {
            // the machine has ended
        } catch (IllegalStateException e) {
            if (machine.state() == VirtualMachine.State.RUNNING) say(e.getMessage() + "; it is not moved again");
        }
    }

    private int await(VirtualMachine machine, CompletableFuture<Outcome> ended) throws InterruptedException {
        CompletableFuture<Object> first = CompletableFuture.anyOf(ended, left);
        try {
            Object outcome = request.timeout().isPresent()
                    ? first.get(request.timeout().get().toMillis(), TimeUnit.MILLISECONDS)
                    : first.get();
            if (!ended.isDone()) machine.stop();
            return status((Outcome) outcome);
        } catch (TimeoutException e) {
            machine.stop();
            say("the guest did not end within %s s and was stopped"
                    .formatted(seconds(request.timeout().orElseThrow())));
            return RunRequest.TIMED_OUT;
        } catch (ExecutionException | CompletionException e) {
            throw new IllegalStateException("the machine could not say how it ended", e);
        } catch (InterruptedException e) {
            machine.stop();
            throw e;
        }
    }

    private int status(Outcome outcome) {
        return switch (outcome) {
            case Outcome.PoweredOff() -> RunRequest.DONE;
            case Outcome.Stopped() -> RunRequest.DONE;
            case Outcome.Exited(int value) -> value;
            case Outcome.Failed(String reason) -> {
                say(reason);
                yield RunRequest.FAILED;
            }
        };
    }

    private static String seconds(Duration duration) {
        return duration.toMillis() % 1000 == 0
                ? Long.toString(duration.toSeconds())
                : Double.toString(duration.toMillis() / 1000.0);
    }

    private void say(String sentence) {
        request.errors().println("bundlevisor: " + sentence);
    }

    private final class Keys implements TerminalConsole.Owner {
        @Override
        public void quit() {
            left.complete(new Outcome.Stopped());
        }

        @Override
        public void outputClosed(IOException reason) {
            left.complete(new Outcome.Failed("standard output takes no more: " + reason.getMessage()));
        }

        @Override
        public void shell(InputStream input, OutputStream output) throws IOException {
            new Conversation(context).hold(SHELL_WELCOME, input, output);
        }
    }

    // ---- the service registry

    /** A registration that ends with the block it was made for. */
    private interface Registration extends AutoCloseable {
        @Override
        void close();
    }

    private <S> Registration register(Class<S> type, S service, Map<String, Object> properties) {
        return context.registerService(type, service, new Hashtable<>(properties))::unregister;
    }

    private <S> List<ServiceReference<S>> references(Class<S> type) {
        try {
            return context.getServiceReferences(type, null).stream().collect(Collectors.toUnmodifiableList());
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException("no filter was given", e);
        }
    }

    private void delete(Configuration configuration) {
        try {
            configuration.delete();
        } catch (IOException e) {
            say("the machine's configuration cannot be removed: " + e.getMessage());
        } catch (IllegalStateException e) {
            // the platform is being stopped, and its configurations with it
            return;
        }
    }
}
