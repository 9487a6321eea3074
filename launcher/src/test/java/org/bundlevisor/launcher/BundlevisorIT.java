package org.bundlevisor.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import jakarta.json.Json;
import jakarta.json.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The program as a user starts it, through the script at the top. */
@Timeout(300)
class BundlevisorIT {
    private static final Path SCRIPT = Path.of("..", "bundlevisor").toAbsolutePath().normalize();

    @TempDir
    Path folder;

    /** How a process ended. */
    private record Ended(int status, String output, String errors) {}

    private Process start(Path script, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(script.toString()));
        command.addAll(Arrays.asList(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
        // this test's own Java need not be what the script finds
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().put("TMPDIR", folder.toString());
        builder.environment().put("BUNDLEVISOR_JAVA_OPTIONS", "-Djava.io.tmpdir=" + folder);
        return builder.start();
    }

    private static Ended end(Process process) throws Exception {
        CompletableFuture<String> errors = CompletableFuture.supplyAsync(() -> text(process.errorReader()));
        CompletableFuture<String> output = CompletableFuture
                .supplyAsync(() -> text(process.inputReader(StandardCharsets.ISO_8859_1)));
        if (!process.waitFor(120, TimeUnit.SECONDS)) {
            process.destroyForcibly();
            throw new AssertionError("does not end; output: " + output.get() + " errors: " + errors.get());
        }
        return new Ended(process.exitValue(), output.get(), errors.get());
    }

    private static String text(java.io.Reader reader) {
        try {
            java.io.StringWriter text = new java.io.StringWriter();
            reader.transferTo(text);
            return text.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Ended run(String... arguments) throws Exception {
        Process process = start(SCRIPT, arguments);
        process.getOutputStream().close();
        return end(process);
    }

    @Test
    void helloPowersOff() throws Exception {
        Path statistics = folder.resolve("statistics.json");

        Ended ended = run("run", "hello", "--stats", statistics.toString());

        assertThat(ended.errors()).isEmpty();
        assertThat(ended.output()).startsWith("Hello from a guest of Bundlevisor.\r\n")
                .contains("CPU vendor:    GenuineIntel")
                .contains("Timer ticks:   1 2 3 4 5 6 7 8 9 10").endsWith("Good-bye.\r\n");
        assertThat(ended.status()).isZero();
        try (var reader = Json.createReader(Files.newInputStream(statistics))) {
            JsonObject json = reader.readObject();
            assertThat(json.getString("backend")).isEqualTo("vtx");
            assertThat(json.getInt("instructions")).isPositive();
            assertThat(json.getJsonNumber("guestSeconds").doubleValue()).isPositive();
            assertThat(json.getJsonObject("exits").keySet()).contains("CPUID", "I/O instruction", "HLT");
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertThat(left).as("what the run left behind").containsExactly(statistics);
        }
    }

    @Test
    void exitsAreTracedByTheManualsNames() throws Exception {
        Path trace = folder.resolve("exits");

        assertThat(run("run", "hello", "--trace", "exits=" + trace).status()).isZero();

        assertThat(Files.readAllLines(trace)).allMatch(line -> line.startsWith("cpu 0  "))
                .anyMatch(line -> line.contains("  CPUID"))
                .anyMatch(line -> line.matches(".*I/O instruction.*qualification=0x.*"));
        assertThat(run("run", "hello", "--trace", "exits").errors()).contains("cpu 0  ").contains("  HLT");
    }

    @Test
    void countedTimeGivesTheSameRunToTheLastInstruction() throws Exception {
        List<Long> instructions = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            Path statistics = folder.resolve("statistics" + i);
            assertThat(run("run", "hello", "--clock", "counted", "--stats", statistics.toString()).status()).isZero();
            try (var reader = Json.createReader(Files.newInputStream(statistics))) {
                instructions.add(reader.readObject().getJsonNumber("instructions").longValue());
            }
        }
        assertThat(instructions.get(0)).isEqualTo(instructions.get(1));
    }

    @Test
    void twoRunSideBySideFromAnyFolderAndThroughALink() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("link"), SCRIPT);
        List<Process> both = List.of(start(link, "run", "hello"), start(link, "run", "hello"));
        for (Process process : both) {
            Ended ended = end(process);
            assertThat(ended.status()).as(ended.errors()).isZero();
            assertThat(ended.output()).endsWith("Good-bye.\r\n");
        }
    }

    @Test
    void ctrlAXQuits() throws Exception {
        Process process = start(SCRIPT, "run", "memtest");
        process.getOutputStream().write(new byte[] {1, 'x'});
        process.getOutputStream().flush();

        assertThat(end(process).status()).isZero();
    }

    @Test
    void aGuestThatGoesOnForTooLongIsStopped() throws Exception {
        Ended ended = run("run", "memtest", "--timeout", "1");

        assertThat(ended.errors().lines())
                .containsExactly("bundlevisor: the guest did not end within 1 s and was stopped");
        assertThat(ended.status()).isEqualTo(124);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
        "2 | run plan9                       | unknown guest \"plan9\"",
        "2 | run hello --cpu kvm             | unknown CPU backend \"kvm\" (there is: amdv, vtx)",
        "2 | run hello --memory 0            | \"0\" is not enough memory",
        "2 | run --kernel nosuch             | --kernel nosuch: there is no such file",
        "2 | run hello --stats no/such       | --stats no/such: the file cannot be written",
        "2 | frobnicate                      | Unmatched argument",
        "1 | run --kernel text               | no Linux boot header",
        "1 | run hello --cpu-model z80       | z80"})
    void wrongInputIsOneSentence(int status, String commandLine, String sentence) throws Exception {
        Files.write(folder.resolve("text"), new byte[4096]);

        Ended ended = run(commandLine.split(" "));

        assertThat(ended.errors().lines()).singleElement().asString().startsWith("bundlevisor: ").contains(sentence);
        assertThat(ended.output()).isEmpty();
        assertThat(ended.status()).isEqualTo(status);
    }

    @Test
    void theDebugExitPortsValueIsTheStatus() throws Exception {
        // mov al, 21; out 0xf4, al; hlt
        Path kernel = multiboot(0xb0, 21, 0xe6, 0xf4, 0xf4);

        assertThat(run("run", "--kernel", kernel.toString()).status()).isEqualTo(21 << 1 | 1);
    }

    @Test
    void aTripleFaultIsOneSentence() throws Exception {
        // lidt [0]: a limit of 0, and then ud2
        Path kernel = multiboot(0x0f, 0x01, 0x1d, 0, 0, 0, 0, 0x0f, 0x0b);

        Ended ended = run("run", "--kernel", kernel.toString());

        assertThat(ended.errors().lines()).singleElement().asString().startsWith("bundlevisor: ")
                .contains("triple fault");
        assertThat(ended.status()).isEqualTo(1);
    }

    @Test
    void thePlatformStartsMachinesOfFiles() throws Exception {
        Path machines = Files.createDirectory(folder.resolve("vms"));
        Path console = folder.resolve("console");
        Files.writeString(machines.resolve("two.json"),
                """
                    // comments are allowed
                    {
                      ":configurator:resource-version": 1,
                      ":configurator:symbolic-name": "test",
                      ":configurator:version": "1.0.0",
                      "org.bundlevisor.machine~one": {"name": "one", "memory:Long": 67108864, "console": "one",
                        "kernel": "${guest.hello.kernel}", "autostart": true},
                      "org.bundlevisor.machine~two": {"name": "two", "memory:Long": 67108864, "kernel": "${guest.hello.kernel}"},
                      "org.bundlevisor.console.file~one": {"console": "one", "file": "%s"}
                    }
                    """.formatted(
                        console));
        Process process = start(SCRIPT, "start", "--vms", machines.toString(), "--deploy",
                folder.resolve("deploy").toString());
        CompletableFuture<Ended> end = CompletableFuture.supplyAsync(() -> {
            try {
                return end(process);
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        awaitContent(console, "Good-bye.");
        process.getOutputStream()
                .write("vm:list\nvm:start two\nvm:info one\nvm:exits one\nvm:start three\nexit\n".getBytes(
                        StandardCharsets.UTF_8));
        process.getOutputStream().flush();

        Ended ended = end.get(60, TimeUnit.SECONDS);
        assertThat(ended.output()).containsPattern("one +stopped").containsPattern("two +created")
                .contains("two is running").contains("CPUID").contains("no virtual machine is named \"three\"");
        assertThat(ended.status()).isZero();
    }

    /** The bundle has a machine's configuration in it, so that the shell shows whether it is there. */
    @Test
    @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void bundlesOfTheDeployFolderComeAndGoWithTheirFiles() throws Exception {
        Path machines = Files.createDirectory(folder.resolve("vms"));
        Path deploy = Files.createDirectory(folder.resolve("deploy"));
        Process process = start(SCRIPT, "start", "--vms", machines.toString(), "--deploy", deploy.toString());
        try (Writer input = process.outputWriter(); BufferedReader output = process.inputReader()) {
            awaitMachines("no virtual machines", input, output);
            Path bundle = Files.move(bundleWithMachine("dropped"), deploy.resolve("dropped.jar"));
            awaitMachines("dropped", input, output);
            Files.delete(bundle);
            awaitMachines("no virtual machines", input, output);
            input.write("exit\n");
            input.flush();
            assertThat(process.waitFor()).isZero();
        } finally {
            process.destroyForcibly();
        }
    }

    /** Asks again and again until vm:list says so. */
    private static void awaitMachines(String expected, Writer input, BufferedReader output) throws IOException {
        String answer;
        do {
            input.write("vm:list\n");
            input.flush();
            do {
                answer = output.readLine();
                assertThat(answer).as("the shell's output before \"%s\"", expected).isNotNull();
            } while (!answer.contains("no virtual machines") && !answer.contains("dropped"));
        } while (!answer.contains(expected));
    }

    private Path bundleWithMachine(String name) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().putValue("Manifest-Version", "1.0");
        manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
        manifest.getMainAttributes().putValue("Bundle-SymbolicName", name);
        manifest.getMainAttributes().putValue("Require-Capability",
                "osgi.extender;filter:=\"(osgi.extender=osgi.configurator)\"");
        Path file = folder.resolve(name + ".jar");
        try (JarOutputStream jar = new JarOutputStream(Files.newOutputStream(file), manifest)) {
            jar.putNextEntry(new ZipEntry("OSGI-INF/configurator/machine.json"));
            jar.write("""
                {":configurator:resource-version": 1,
                 "org.bundlevisor.machine~%1$s": {"name": "%1$s", "kernel": "none"}}
                """.formatted(name).getBytes(StandardCharsets.UTF_8));
        }
        return file;
    }

    /** Waits for a file that another process writes. */
    private static void awaitContent(Path file, String content) throws Exception {
        try (var watch = file.getFileSystem().newWatchService()) {
            file.getParent().register(watch, java.nio.file.StandardWatchEventKinds.ENTRY_CREATE,
                    java.nio.file.StandardWatchEventKinds.ENTRY_MODIFY);
            while (!Files.exists(file) || !Files.readString(file).contains(content)) {
                var key = watch.poll(60, TimeUnit.SECONDS);
                assertThat(key).as("change of %s", file).isNotNull();
                key.pollEvents();
                key.reset();
            }
        }
    }

    /** A kernel of the Multiboot specification, version 0.6.96: an ELF file with one segment at 1 MiB. */
    private Path multiboot(int... code) throws IOException {
        var file = java.nio.ByteBuffer.allocate(0x1000 + 512).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        int address = 0x10_0000;
        file.put(new byte[] {0x7f, 'E', 'L', 'F', 1, 1, 1}).position(16);
        file.putShort((short) 2).putShort((short) 3).putInt(1).putInt(address + 12).putInt(52).putInt(0).putInt(0);
        file.putShort((short) 52).putShort((short) 32).putShort((short) 1).putShort((short) 0).putShort((short) 0)
                .putShort((short) 0);
        file.putInt(1).putInt(0x1000).putInt(address).putInt(address).putInt(512).putInt(512).putInt(7).putInt(0x1000);
        file.position(0x1000).putInt(0x1badb002).putInt(0).putInt(-0x1badb002);
        for (int value : code) file.put((byte) value);
        return Files.write(folder.resolve("kernel.elf"), file.array());
    }
}
