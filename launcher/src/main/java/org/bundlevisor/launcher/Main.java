package org.bundlevisor.launcher;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The program {@code bundlevisor}. */
@Command(name = "bundlevisor", description = "A hypervisor assembled from OSGi bundles.",
        mixinStandardHelpOptions = true,
        versionProvider = Main.Version.class, synopsisSubcommandLabel = "COMMAND")
public final class Main {
    /** System property: the folder with {@code bundle}, which the script sets. */
    static final String HOME = "bundlevisor.home";

    private Main() {}

    /**
     * What the commands see of the process they run in.
     *
     * @param home folder with {@code bundle}
     * @param environment environment variables
     */
    record Surroundings(Path home, Map<String, String> environment, InputStream input, OutputStream output,
            PrintStream errors) {
        PrintStream text() {
            return new PrintStream(output, true);
        }
    }

    /** Runs a command and ends the process with its status: threads of the framework would keep it alive. */
    public static void main(String[] arguments) {
        int status = 1;
        try {
            status = execute(new Surroundings(Path.of(System.getProperty(HOME, ".")), System.getenv(),
                    new FileInputStream(FileDescriptor.in), new FileOutputStream(FileDescriptor.out), System.err),
                    arguments);
        } finally {
            System.exit(status);
        }
    }

    /** Runs a command. @return the exit status */
    static int execute(Surroundings surroundings, String... arguments) {
        PrintStream errors = surroundings.errors();
        CommandLine commands = new CommandLine(new Main())
                .addSubcommand(new RunCommand(surroundings))
                .addSubcommand(new StartCommand(surroundings))
                .addSubcommand(new GuestCommand(surroundings));
        commands.setOut(new java.io.PrintWriter(surroundings.text(), true));
        commands.setErr(new java.io.PrintWriter(errors, true));
        commands.setParameterExceptionHandler((exception, ignored) -> {
            String command = exception.getCommandLine().getCommandSpec().qualifiedName();
            errors.println("bundlevisor: %s; see %s --help".formatted(exception.getMessage(), command));
            return CommandLine.ExitCode.USAGE;
        });
        commands.setExecutionExceptionHandler((exception, ignored, result) -> {
            if (exception instanceof Refusal refusal) {
                errors.println("bundlevisor: " + refusal.getMessage());
                return refusal.status();
            }
            // not foreseen, so a fault of this program; whoever is to mend it needs all of it
            errors.println("bundlevisor: internal error, please report it: " + exception);
            exception.printStackTrace(errors);
            return CommandLine.ExitCode.SOFTWARE;
        });
        if (arguments.length == 0) {
            commands.usage(errors);
            return CommandLine.ExitCode.USAGE;
        }
        return commands.execute(arguments);
    }

    /** The version of the jar. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = Main.class.getPackage().getImplementationVersion();
            return new String[] {"Bundlevisor " + (version == null ? "(not packed)" : version),
                "Java " + System.getProperty("java.vm.version")};
        }
    }
}
