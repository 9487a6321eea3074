package org.bundlevisor.launcher.console;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bundlevisor.device.Console;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;

/** A console that appends what the guest sends to a file, and receives nothing. */
@Component(configurationPid = FileConsole.PID, configurationPolicy = ConfigurationPolicy.REQUIRE)
public final class FileConsole implements Console {
    /** Factory PID of its configurations. */
    static final String PID = "org.bundlevisor.console.file";

    private final OutputPump pump;

    /** Properties of a configuration. */
    @interface Configuration {
        /** The console's name, which a machine refers to. */
        String console();

        /**
         * Path of the file, relative to the folder that Bundlevisor lies in. The file's folder is made when it is not
         * there.
         */
        String file();
    }

    /** @throws IOException when the file cannot be opened for writing */
    @Activate
    public FileConsole(BundleContext context, Configuration configuration) throws IOException {
        String top = context.getProperty("bundlevisor.top");
        Path file = Path.of(top == null ? "" : top).resolve(configuration.file()).toAbsolutePath();
        Path folder = file.getParent();
        if (folder != null) Files.createDirectories(folder);
        pump = new OutputPump("console-" + configuration.console(),
                Files.newOutputStream(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND),
                e -> System.err.println("bundlevisor: console %s writes no more to %s: %s".formatted(
                        configuration.console(), file, e.getMessage())));
    }

    @Deactivate
    void close() {
        pump.close();
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        pump.send(bytes, offset, length);
    }

    @Override
    public int read() {
        return -1;
    }

    @Override
    public void onInput(@Nullable Runnable listener) {
        // there never is any
    }
}
