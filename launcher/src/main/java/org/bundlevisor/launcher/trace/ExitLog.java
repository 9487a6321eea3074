package org.bundlevisor.launcher.trace;

import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.VmExit;

/** Writes each VM exit as a line of text. The lines of one exit after the other come in the order of the exits. */
public final class ExitLog implements ExitObserver, AutoCloseable {
    private final PrintStream stream;

    /** @param stream is closed with the log */
    public ExitLog(OutputStream stream) {
        this.stream = new PrintStream(stream, false, StandardCharsets.UTF_8);
    }

    @Override
    public void exited(VmExit exit) {
        String line = format(exit);
        synchronized (stream) {
            stream.print(line);
        }
    }

    /** For example {@code cpu 0  1234567  rip 0xffffffff81000000  EPT violation  qualification=0x181 gpa=0xfee000b0}. */
    static String format(VmExit exit) {
        String information = exit.information().isEmpty() ? "" : "  " + exit.information();
        return "cpu %d  %d  rip 0x%016x  %s%s\n".formatted(exit.cpu(), exit.instructions(), exit.rip(), exit.reason(),
                information);
    }

    @Override
    public void close() {
        stream.close();
    }
}
