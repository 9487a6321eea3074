package org.bundlevisor.launcher;

import org.bundlevisor.launcher.platform.Platform;

/** Stops the platform in order when a signal ends the process. */
final class ShutdownHook implements AutoCloseable {
    private final Thread thread;

    private ShutdownHook(Thread thread) {
        this.thread = thread;
    }

    static ShutdownHook closing(Platform platform) {
        Thread thread = Thread.ofPlatform().name("platform-stop").unstarted(platform::close);
        Runtime.getRuntime().addShutdownHook(thread);
        return new ShutdownHook(thread);
    }

    @Override
    public void close() {
        try {
            Runtime.getRuntime().removeShutdownHook(thread);
        } catch (IllegalStateException e) {
            // a signal came: the hook has begun, and the process ends when it is done
            return;
        }
    }
}
