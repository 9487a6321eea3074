package org.bundlevisor.launcher.console;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class TerminalConsoleTest {
    private final CompletableFuture<Void> quit = new CompletableFuture<>();
    private final CompletableFuture<IOException> outputClosed = new CompletableFuture<>();
    private final CompletableFuture<String> said = new CompletableFuture<>();
    private final CountDownLatch shellMayEnd = new CountDownLatch(1);
    private final Semaphore inputCame = new Semaphore(0);
    private final ByteArrayOutputStream output = new ByteArrayOutputStream();
    private final PipedOutputStream keys = new PipedOutputStream();

    private TerminalConsole console(OutputStream stream) throws IOException {
        TerminalConsole console = new TerminalConsole(Terminal.open(), new PipedInputStream(keys), stream, new Owner());
        console.onInput(inputCame::release);
        console.open();
        return console;
    }

    @Test
    void whatTheGuestSendsComesOutUnchanged() throws Exception {
        byte[] everything = new byte[256];
        for (int i = 0; i < 256; i++) everything[i] = (byte) i;

        try (TerminalConsole console = console(output)) {
            console.write(everything, 0, 256);
        }

        assertThat(output.toByteArray()).isEqualTo(everything);
    }

    @Test
    void whatIsTypedIsThereOneByOneAndIsAnnounced() throws Exception {
        try (TerminalConsole console = console(output)) {
            assertThat(console.read()).isEqualTo(-1);
            keys.write(new byte[] {(byte) 0xc3, (byte) 0xa4});
            keys.flush();

            inputCame.acquire();
            assertThat(console.read()).isEqualTo(0xc3);
            assertThat(awaitRead(console)).isEqualTo(0xa4);
        }
    }

    @Test
    void ctrlAXQuitsAndIsNotTheGuests() throws Exception {
        try (TerminalConsole console = console(output)) {
            keys.write(new byte[] {1, 'x'});
            keys.flush();

            quit.get(20, TimeUnit.SECONDS);
            assertThat(console.read()).isEqualTo(-1);
        }
    }

    @Test
    void theEndOfTheInputEndsNothing() throws Exception {
        try (TerminalConsole console = console(output)) {
            keys.write('a');
            keys.flush();
            inputCame.acquire();
            assertThat(console.ended()).isFalse();
            keys.close();

            while (!console.ended()) {
                Thread.onSpinWait();
            }
            assertThat(console.read()).isEqualTo('a');
            console.write("still here".getBytes(StandardCharsets.US_ASCII), 0, 10);
        }
        assertThat(output).hasToString("still here");
        assertThat(quit).isNotDone();
    }

    @Test
    void theShellReadsWhatIsTypedWhileTheGuestsOutputIsKeptBack() throws Exception {
        try (TerminalConsole console = console(output)) {
            keys.write(new byte[] {1, 'c'});
            keys.write("vm:list\n".getBytes(StandardCharsets.US_ASCII));
            keys.flush();

            assertThat(said.get(20, TimeUnit.SECONDS)).isEqualTo("vm:list");
            console.write("from the guest".getBytes(StandardCharsets.US_ASCII), 0, 14);
            assertThat(output).hasToString("shell\n");
            shellMayEnd.countDown();
        }
        assertThat(output).hasToString("shell\nfrom the guest");
    }

    @Test
    void anOutputThatBreaksIsReported() throws Exception {
        OutputStream broken = new OutputStream() {
            @Override
            public void write(int value) throws IOException {
                throw new IOException("Broken pipe");
            }
        };
        try (TerminalConsole console = console(broken)) {
            console.write(new byte[1], 0, 1);

            assertThat(outputClosed.get(20, TimeUnit.SECONDS)).hasMessage("Broken pipe");
        }
    }

    private static int awaitRead(TerminalConsole console) {
        int value = console.read();
        while (value < 0) {
            Thread.onSpinWait();
            value = console.read();
        }
        return value;
    }

    private final class Owner implements TerminalConsole.Owner {
        @Override
        public void quit() {
            quit.complete(null);
        }

        @Override
        public void outputClosed(IOException reason) {
            outputClosed.complete(reason);
        }

        @Override
        public void shell(InputStream input, OutputStream stream) throws IOException {
            stream.write("shell\n".getBytes(StandardCharsets.US_ASCII));
            StringBuilder line = new StringBuilder();
            for (int key = input.read(); key != '\n'; key = input.read()) line.append((char) key);
            said.complete(line.toString());
            try {
                shellMayEnd.await();
            } catch (InterruptedException e) {
                throw new IOException(e);
            }
        }
    }
}
