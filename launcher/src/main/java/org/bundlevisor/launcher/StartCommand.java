package org.bundlevisor.launcher;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bundlevisor.guests.Guest;
import org.bundlevisor.guests.GuestException;
import org.bundlevisor.guests.GuestStore;
import org.bundlevisor.launcher.platform.Platform;
import org.bundlevisor.launcher.platform.PlatformException;
import org.bundlevisor.launcher.request.ShellRequest;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code bundlevisor start}: the platform with its shell, and the machines that files describe. */
@Command(name = "start", description = "Starts the platform with its shell and the machines of conf/vms.",
        mixinStandardHelpOptions = true,
        footer = {"",
            "Commands of the shell: vm:list, vm:start, vm:stop, vm:pause, vm:resume, vm:info, vm:exits, help, exit."})
final class StartCommand implements Callable<Integer> {
    private static final Pattern REFERENCE = Pattern.compile("\\$\\{guest\\.(\\w+)\\.(kernel|initramfs|append)}");
    private static final long DEPLOY_POLL_MILLISECONDS = 1000;

    private final Main.Surroundings surroundings;

    @Option(names = "--vms", paramLabel = "DIR", defaultValue = "${sys:bundlevisor.top:-.}/conf/vms",
            description = "folder of Configurator files, each of which describes machines (default: conf/vms)")
    Path vms = Path.of("");

    @Option(names = "--deploy", paramLabel = "DIR", defaultValue = "${sys:bundlevisor.top:-.}/deploy",
            description = "bundles dropped into this folder are started, updated and removed (default: deploy)")
    Path deploy = Path.of("");

    StartCommand(Main.Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    @Override
    public Integer call() throws Refusal, InterruptedException {
        Map<String, String> properties = new HashMap<>();
        List<Path> configurations = new ArrayList<>();
        try {
            for (Path file : machineFiles()) configurations.add(resolve(file));
            Files.createDirectories(deploy);
            properties.put("configurator.initial",
                    configurations.stream().map(file -> file.toUri().toString()).collect(Collectors.joining(",")));
            // the bundle's own shell would read the same input
            properties.put("gosh.args", "--nointeractive");
            properties.put("felix.fileinstall.dir", deploy.toAbsolutePath().toString());
            properties.put("felix.fileinstall.poll", Long.toString(DEPLOY_POLL_MILLISECONDS));
            properties.put("felix.fileinstall.noInitialDelay", "true");
            properties.put("felix.fileinstall.tmpdir", deploy.resolve(".unpacked").toAbsolutePath().toString());
            try (Platform platform = Platform.start(surroundings.home().resolve("bundle"), Platform.SERVICES,
                    properties);
                    ShutdownHook ignored = ShutdownHook.closing(platform)) {
                CompletableFuture<Integer> status = new CompletableFuture<>();
                ShellRequest request = new ShellRequest(surroundings.input(), surroundings.output(), status);
                platform.context().registerService(ShellRequest.class, request, new Hashtable<>());
                return status.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("the shell ended unforeseen", e.getCause());
        } catch (PlatformException e) {
            throw Refusal.failed(e);
        } catch (IOException e) {
            throw Refusal.wrongUsage("the folder %s cannot be used: %s".formatted(deploy, e.getMessage()));
        } finally {
            for (Path file : configurations) {
                // the platform has read it; what is left of it is of no use to anybody
                file.toFile().delete();
            }
        }
    }

    private List<Path> machineFiles() throws Refusal {
        if (!Files.isDirectory(vms)) throw Refusal.wrongUsage("--vms %s: there is no such folder".formatted(vms));
        try (Stream<Path> files = Files.list(vms)) {
            return files.filter(file -> file.toString().endsWith(".json")).sorted().toList();
        } catch (IOException e) {
            throw Refusal.wrongUsage("--vms %s: the folder cannot be read".formatted(vms));
        }
    }

    /** A copy of the file in which {@code ${guest.NAME.kernel}} and its like are what they stand for. */
    private Path resolve(Path file) throws Refusal {
        try {
            Path copy = Files.createTempFile("bundlevisor-", ".json");
            copy.toFile().deleteOnExit();
            return Files.writeString(copy, resolve(Files.readString(file)));
        } catch (GuestException e) {
            throw Refusal.wrongUsage("%s: %s".formatted(file, e.getMessage()));
        } catch (IOException e) {
            throw Refusal.wrongUsage("%s: the file cannot be read: %s".formatted(file, e.getMessage()));
        }
    }

    String resolve(String text) throws GuestException {
        GuestStore store = GuestStore.ofUser(surroundings.environment(),
                line -> surroundings.errors().println("bundlevisor: " + line));
        Matcher matcher = REFERENCE.matcher(text);
        StringBuilder resolved = new StringBuilder();
        while (matcher.find()) {
            String value = value(store.fetch(matcher.group(1)), matcher.group(2));
            matcher.appendReplacement(resolved, Matcher.quoteReplacement(jsonText(value)));
        }
        return matcher.appendTail(resolved).toString();
    }

    private static String value(Guest guest, String what) {
        return switch (what) {
            case "kernel" -> guest.kernel().toString();
            case "initramfs" -> guest.initramfs().map(Path::toString).orElse("");
            default -> guest.append();
        };
    }

    /** Inside a string of JSON. */
    private static String jsonText(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
