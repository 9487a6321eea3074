package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bundlevisor.guests.GuestStore;
import org.jspecify.annotations.Nullable;

/** One run of the script {@code bundlevisor}, with pipes where a user has a terminal. */
final class Bundlevisor implements AutoCloseable {
    /** Far beyond what anything here takes, also on a slow machine; it ends a test that would wait forever. */
    private static final long PATIENCE_SECONDS = 300;

    /** What Linux tells on its console at any time, when it finds its host slow for example. */
    private static final Pattern KERNEL_MESSAGE = Pattern.compile("^\\[ *\\d+\\.\\d{6}] .*\n", Pattern.MULTILINE);

    private final List<String> command;
    private final Process process;
    private final Transcript output;
    private final Transcript errors;

    /** How much of the output {@link #expect} has been over. */
    private int seen;

    private Bundlevisor(@Nullable Path input, String... arguments) {
        command = new ArrayList<>(List.of(Prepared.SCRIPT.toString()));
        command.addAll(List.of(arguments));
        ProcessBuilder builder = builder(command);
        if (input != null) {
            builder.redirectInput(Redirect.from(input.toFile()));
        }
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        output = new Transcript("output", process.getInputStream());
        errors = new Transcript("errors", process.getErrorStream());
    }

    /** Starts the program, to be talked to. */
    static Bundlevisor start(String... arguments) {
        return new Bundlevisor(null, arguments);
    }

    /** Starts the program with all its input in a file. */
    static Bundlevisor startWithInput(Path input, String... arguments) {
        return new Bundlevisor(input, arguments);
    }

    /** What a run has left. @param output of the guest's console */
    record Result(int status, String output, String errors) {}

    /** Runs the program to its end, without input. */
    static Result run(String... arguments) {
        try (Bundlevisor run = start(arguments)) {
            run.process.getOutputStream().close();
            return run.end();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static ProcessBuilder builder(List<String> command) {
        ProcessBuilder builder = new ProcessBuilder(command);
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        return builder;
    }

    /** The script, after a first run, which it says more in than in all that follow. */
    private static final class Prepared {
        static final Path SCRIPT = prepare();

        private static Path prepare() {
            Path top = top();
            assertThat(top.resolve("launcher/target/dist/.complete"))
                    .as("the distribution: package the launcher").exists();
            Path script = top.resolve("bundlevisor");
            try {
                Process first = builder(List.of(script.toString(), "--version")).redirectErrorStream(true)
                        .redirectOutput(Redirect.DISCARD).start();
                assertThat(first.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as("end of %s", script).isTrue();
                assertThat(first.exitValue()).as("status of %s --version", script).isZero();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            } catch (InterruptedException e) {
                throw new AssertionError("interrupted", e);
            }
            return script;
        }

        /** The folder that the script lies in, which this module lies in as well. */
        private static Path top() {
            Path folder = Path.of("").toAbsolutePath();
            while (!Files.isExecutable(folder.resolve("bundlevisor"))) {
                folder = folder.getParent();
                assertThat(folder).as("a folder with the script bundlevisor, from here upwards").isNotNull();
            }
            return folder;
        }
    }

    /** Sends the guest input. */
    void type(String text) {
        try {
            OutputStream input = process.getOutputStream();
            input.write(text.getBytes(StandardCharsets.ISO_8859_1));
            input.flush();
        } catch (IOException e) {
            throw new AssertionError("the run takes no input any more: " + report(), e);
        }
    }

    /** Waits until the guest's console has shown something that matches, behind all that was waited for before. */
    Matcher expect(String regularExpression) {
        Matcher matcher = Pattern.compile(regularExpression, Pattern.MULTILINE).matcher("");
        boolean found = output.await(text -> matcher.reset(text).find(seen));
        assertThat(found).as("%s is shown by %s", regularExpression, report()).isTrue();
        seen = matcher.end();
        return matcher;
    }

    /** Waits for the shell of the guest {@code linux} to ask for a command. */
    void expectPrompt() {
        expect("^" + GuestStore.LINUX_PROMPT);
    }

    /** Types a command at the prompt and waits for the next prompt. @return the command's output; its status is 0 */
    String shell(String line) {
        // the typed line is echoed, but only the shell makes a number of it
        type(line + "; echo [$?]\n");
        int start = seen;
        Matcher end = expect("^\\[(\\d+)]\\r?$");
        assertThat(end.group(1)).as("status of %s in %s", line, report()).isEqualTo("0");
        String shown = output.text().substring(start, end.start());
        expectPrompt();
        return KERNEL_MESSAGE.matcher(shown.substring(shown.indexOf('\n') + 1).replace("\r", "")).replaceAll("");
    }

    /** Waits for the end of the run. */
    Result end() {
        try {
            assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as("end of %s", report()).isTrue();
            output.awaitEnd();
            errors.awaitEnd();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
        return new Result(process.exitValue(), output.text(), errors.text());
    }

    /** The console so far. */
    String output() {
        return output.text();
    }

    private String report() {
        return "%s%n--- console%n%s%n--- standard error%n%s%n---".formatted(String.join(" ", command), output.text(),
                errors.text());
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }

    /** Keeps what comes out of a pipe. */
    private static final class Transcript {
        private final StringBuilder text = new StringBuilder();
        private final Thread reader;
        private boolean ended;

        Transcript(String name, InputStream stream) {
            reader = Thread.ofVirtual().name(name).start(() -> {
                byte[] bytes = new byte[8192];
                try (stream) {
                    for (int count = stream.read(bytes); count >= 0; count = stream.read(bytes)) {
                        append(new String(bytes, 0, count, StandardCharsets.ISO_8859_1));
                    }
                } catch (IOException e) {
                    append("[cannot be read any more: " + e.getMessage() + "]");
                } finally {
                    end();
                }
            });
        }

        private synchronized void append(String more) {
            text.append(more);
            notifyAll();
        }

        private synchronized void end() {
            ended = true;
            notifyAll();
        }

        synchronized String text() {
            return text.toString();
        }

        /** Waits until the text is as wanted. @return false when it ended without, or patience did */
        synchronized boolean await(Predicate<CharSequence> wanted) {
            long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
            while (!wanted.test(text)) {
                long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
                if (ended || left <= 0) {
                    return false;
                }
                try {
                    wait(left);
                } catch (InterruptedException e) {
                    throw new AssertionError("interrupted", e);
                }
            }
            return true;
        }

        void awaitEnd() throws InterruptedException {
            reader.join();
        }
    }
}
