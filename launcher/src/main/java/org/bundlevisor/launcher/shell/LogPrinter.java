package org.bundlevisor.launcher.shell;

import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.log.LogEntry;
import org.osgi.service.log.LogLevel;
import org.osgi.service.log.LogListener;
import org.osgi.service.log.LogReaderService;

/** Says on standard error what bundles write to the log as a warning or an error, each in one line. */
@Component
public final class LogPrinter implements LogListener {
    private final LogReaderService log;

    @Activate
    public LogPrinter(@Reference LogReaderService log) {
        this.log = log;
        log.addLogListener(this);
    }

    @Deactivate
    void stop() {
        log.removeLogListener(this);
    }

    @Override
    public void logged(LogEntry entry) {
        if (!entry.getLogLevel().implies(LogLevel.WARN) || entry.getMessage() == null) return;
        Throwable cause = entry.getException();
        String reason = cause == null ? "" : ": " + cause;
        System.err.println("bundlevisor: %s: %s%s".formatted(entry.getBundle().getSymbolicName(),
                entry.getMessage().strip(), reason));
    }
}
