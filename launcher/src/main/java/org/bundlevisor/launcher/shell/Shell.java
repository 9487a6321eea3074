package org.bundlevisor.launcher.shell;

import java.io.IOException;
import org.bundlevisor.launcher.request.RunRequest;
import org.bundlevisor.launcher.request.ShellRequest;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/** Answers a {@link ShellRequest}; there is one of it for each. */
@Component
public final class Shell {
    private static final String WELCOME = "Bundlevisor's shell. \"vm:list\" shows the machines, \"help\" all commands;"
            + " \"exit\" stops the platform.";

    private final BundleContext context;
    private final ShellRequest request;
    private final Thread thread;

    /** Begins at once, on a thread of its own. */
    @Activate
    public Shell(BundleContext context, @Reference ShellRequest request) {
        this.context = context;
        this.request = request;
        thread = Thread.ofPlatform().name("shell").daemon().unstarted(this::run);
        thread.start();
    }

    @Deactivate
    void stop() {
        thread.interrupt();
    }

    private void run() {
        try {
            new Conversation(context).hold(WELCOME, request.input(), request.output());
            request.status().complete(RunRequest.DONE);
        } catch (IOException e) {
            System.err.println("bundlevisor: the shell cannot read or write any more: " + e.getMessage());
            request.status().complete(RunRequest.FAILED);
        } catch (RuntimeException | Error e) {
            // whoever waits must hear of it, whatever it is
            request.status().completeExceptionally(e);
        }
    }
}
