package org.bundlevisor.launcher.console;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import org.bundlevisor.device.Console;
import org.jspecify.annotations.Nullable;

/**
 * The console on standard input and output, terminal or not. Ctrl-A begins a command: X quits, C goes to the shell, Ctrl-A
 * once more is a Ctrl-A for the guest. The end of the input ends nothing.
 */
public final class TerminalConsole implements Console, AutoCloseable {
    /** What the user, or the other end, does to the console. All are called on threads of the console. */
    public interface Owner {
        /** The user wants to leave. */
        void quit();

        /** Nobody reads the output any more. */
        void outputClosed(IOException reason);

        /** Talks to the user until that is done; the terminal is as the user had it, the guest's output is kept back. */
        void shell(InputStream input, OutputStream output) throws IOException;
    }

    private static final int INPUT_CAPACITY = 1 << 16;
    private static final String HELP = "\r\nCtrl-A X quits, Ctrl-A C is the shell, Ctrl-A Ctrl-A sends Ctrl-A.\r\n";

    private final Terminal terminal;
    private final InputStream input;
    private final OutputStream output;
    private final Owner owner;
    private final ByteQueue typed = new ByteQueue(INPUT_CAPACITY);
    private final OutputPump pump;
    private volatile @Nullable Runnable listener;
    private volatile boolean ended;

    public TerminalConsole(Terminal terminal, InputStream input, OutputStream output, Owner owner) {
        this.terminal = terminal;
        this.input = input;
        this.output = output;
        this.owner = owner;
        pump = new OutputPump("console-output", output, owner::outputClosed);
    }

    /** Begins to read the input. */
    public void open() {
        terminal.raw();
        Thread.ofPlatform().name("console-input").daemon().start(this::readInput);
    }

    @Override
    public void write(byte[] bytes, int offset, int length) {
        pump.send(bytes, offset, length);
    }

    @Override
    public int read() {
        return typed.poll();
    }

    @Override
    public boolean ended() {
        return ended;
    }

    @Override
    public void onInput(@Nullable Runnable called) {
        listener = called;
    }

    /** Sends what is left and puts the terminal back. */
    @Override
    public void close() {
        pump.close();
        typed.end();
        terminal.close();
    }

    private void readInput() {
        Escape escape = new Escape();
        try {
            for (int key = input.read(); key >= 0; key = input.read()) {
                switch (escape.of(key)) {
                    case INPUT -> {
                        if (typed.put((byte) key)) tell(listener);
                    }
                    case QUIT -> owner.quit();
                    case SHELL -> talk();
                    case HELP -> pump.send(HELP.getBytes(StandardCharsets.US_ASCII), 0, HELP.length());
                    case NOTHING -> {
                    }
                }
            }
        } catch (IOException e) {
            // input that breaks off is input that has ended; the guest goes on without
            return;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            ended = true;
        }
    }

    private static void tell(@Nullable Runnable listener) {
        if (listener != null) listener.run();
    }

    private void talk() throws IOException {
        pump.hold(true);
        terminal.restore();
        try {
            owner.shell(input, output);
        } finally {
            terminal.raw();
            pump.hold(false);
        }
    }
}
