package org.bundlevisor.launcher.shell;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.bundlevisor.launcher.platform.Platform;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.util.tracker.ServiceTracker;

/** Reads commands for the platform a line at a time and shows what they answer, until {@code exit}. */
public final class Conversation {
    private static final Duration SHELL_STARTS_WITHIN = Duration.ofSeconds(10);
    private static final String PROMPT = "bundlevisor> ";

    private final BundleContext context;

    public Conversation(BundleContext context) {
        this.context = context;
    }

    /**
     * Starts the shell's bundles when they are not started yet, and talks until the user has enough.
     *
     * @throws IOException when the user can be neither read nor written to
     */
    public void hold(String welcome, InputStream input, OutputStream output) throws IOException {
        PrintStream out = new PrintStream(output, true, StandardCharsets.UTF_8);
        raiseStartLevel();
        ServiceTracker<CommandProcessor, CommandProcessor> tracker = new ServiceTracker<>(context,
                CommandProcessor.class, null);
        tracker.open();
        try {
            CommandProcessor processor = tracker.waitForService(SHELL_STARTS_WITHIN.toMillis());
            if (processor == null) {
                out.println("bundlevisor: the shell is not there; are the bundles org.apache.felix.gogo.* installed?");
                return;
            }
            out.println(welcome);
            try (CommandSession session = processor.createSession(InputStream.nullInputStream(), output, output)) {
                converse(session, input, out);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            tracker.close();
        }
    }

    private static void converse(CommandSession session, InputStream input, PrintStream out) throws IOException {
        for (String line = ask(input, out); line != null && !line.equals("exit"); line = ask(input, out)) {
            if (line.isEmpty()) continue;
            try {
                Object answer = session.execute(line);
                if (answer != null) out.println(session.format(answer, Converter.INSPECT));
            } catch (Exception e) {
                // Gogo's commands throw whatever they like, and it is the user's to read
                out.println(e.getMessage() == null ? e.toString() : e.getMessage());
            }
        }
    }

    private static @Nullable String ask(InputStream input, PrintStream out) throws IOException {
        out.print(PROMPT);
        out.flush();
        ByteArrayOutputStream line = new ByteArrayOutputStream();
        for (int key = input.read(); key != '\n'; key = input.read()) {
            if (key < 0) return null;
            line.write(key);
        }
        return line.toString(StandardCharsets.UTF_8).strip();
    }

    private void raiseStartLevel() {
        FrameworkStartLevel level = context.getBundle(Constants.SYSTEM_BUNDLE_LOCATION)
                .adapt(FrameworkStartLevel.class);
        if (level.getStartLevel() < Platform.SHELL) level.setStartLevel(Platform.SHELL);
    }
}
