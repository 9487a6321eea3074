package org.bundlevisor.devices.legacy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Set;
import org.bundlevisor.device.Console;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeConsole;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.bundlevisor.devices.test.Registers;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against National Semiconductor's data sheet of the PC16550D. */
class Serial16550Test {
    private static final int DATA = 0;
    private static final int INTERRUPT_ENABLE = 1;
    private static final int INTERRUPT_IDENTIFICATION = 2;
    private static final int FIFO_CONTROL = 2;
    private static final int LINE_CONTROL = 3;
    private static final int MODEM_CONTROL = 4;
    private static final int LINE_STATUS = 5;
    private static final int MODEM_STATUS = 6;
    private static final int SCRATCH = 7;

    private static final int REQUEST_TO_SEND = 0x02;
    private static final int LOOPBACK = 0x10;

    /** Ten bits at 115200 baud. */
    private static final long CHARACTER = 86_805;

    private final FakeConsole console = new FakeConsole();
    private final FakeContext context = new FakeContext().with(Console.class, console);
    private Device device = new Serial16550Factory().create(context);
    private Registers uart = Registers.of(device, "registers");
    private final FakeLine irq = context.wire("irq");

    Serial16550Test() {
        setUp();
    }

    private void setUp() {
        device.reset();
        uart.write(LINE_CONTROL, 0x83);
        uart.write(0, 1);
        uart.write(1, 0);
        uart.write(LINE_CONTROL, 0x03);
    }

    private void paced() {
        device = new Serial16550Factory().create(context.with("paced", "true"));
        uart = Registers.of(device, "registers");
        setUp();
    }

    private void enableFifos(int triggerBits) {
        uart.write(FIFO_CONTROL, triggerBits << 6 | 1);
    }

    private String receiveAll() {
        StringBuilder text = new StringBuilder();
        while ((uart.read(LINE_STATUS) & 1) != 0) {
            text.append((char) uart.read(DATA));
        }
        return text.toString();
    }

    @Test
    void showsTheStateAfterReset() {
        device.reset();
        assertThat(uart.read(INTERRUPT_ENABLE)).isZero();
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0x01);
        assertThat(uart.read(LINE_CONTROL)).isZero();
        assertThat(uart.read(MODEM_CONTROL)).isZero();
        assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
        assertThat(uart.read(MODEM_STATUS) & 0x0F).isZero();
    }

    @Test
    void keepsScratchAndDivisorApart() {
        uart.write(SCRATCH, 0x5A);
        uart.write(LINE_CONTROL, 0x80);
        uart.write(0, 0x34);
        uart.write(1, 0x12);
        assertThat(uart.read(0)).isEqualTo(0x34);
        assertThat(uart.read(1)).isEqualTo(0x12);
        uart.write(LINE_CONTROL, 0x03);
        assertThat(uart.read(INTERRUPT_ENABLE)).isZero();
        device.reset();
        assertThat(uart.read(SCRATCH)).isEqualTo(0x5A);
        uart.write(LINE_CONTROL, 0x80);
        assertThat(uart.read(0)).isEqualTo(0x34);
    }

    @Test
    void splitsWideAccessesIntoBytes() {
        uart.region().write(2, 4, 0x0203_0301L);
        assertThat(uart.read(INTERRUPT_IDENTIFICATION) & 0xC0).isEqualTo(0xC0);
        assertThat(uart.read(LINE_CONTROL)).isEqualTo(0x03);
        assertThat(uart.region().read(3, 2)).isEqualTo(0x0303);
    }

    @Test
    void hasNoReservedBits() {
        uart.write(INTERRUPT_ENABLE, 0xF0);
        assertThat(uart.read(INTERRUPT_ENABLE)).isZero();
        uart.write(MODEM_CONTROL, 0xE0);
        assertThat(uart.read(MODEM_CONTROL)).isZero();
    }

    @Nested
    class Sending {
        @Test
        void handsOverALineAtATime() {
            "hello\n".chars().forEach(character -> uart.write(DATA, character));
            assertThat(console.writes()).containsExactly("hello\n");
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
        }

        @Test
        void handsOverAPromptAfterAMillisecond() {
            "$ ".chars().forEach(character -> uart.write(DATA, character));
            context.clock().advance(999_999);
            assertThat(console.writes()).isEmpty();
            context.clock().advance(1);
            assertThat(console.writes()).containsExactly("$ ");
        }

        @Test
        void losesNothingWhenResetOrClosed() {
            uart.write(DATA, 'a');
            device.reset();
            uart.write(DATA, 'b');
            device.close();
            assertThat(console.writes()).containsExactly("a", "b");
            assertThat(console.connected()).isFalse();
        }

        @Test
        void passesAllBytesOn() {
            for (int value = 0; value < 1000; value++) {
                uart.write(DATA, value & 0xFF);
            }
            device.close();
            String all = String.join("", console.writes());
            assertThat(all).hasSize(1000);
            assertThat(all.charAt(255)).isEqualTo((char) 255);
        }

        @Test
        void raisesTheInterruptAgainAfterEachCharacter() {
            uart.write(INTERRUPT_ENABLE, 0x02);
            assertThat(irq.level()).isTrue();
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0x02);
            assertThat(irq.level()).as("reading the identification clears it").isFalse();
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0x01);
            uart.write(DATA, 'x');
            assertThat(irq.level()).isTrue();
            int rises = irq.rises();
            uart.write(DATA, 'y');
            assertThat(irq.rises()).as("an edge for each").isEqualTo(rises + 1);
        }

        @Test
        void raisesTheInterruptAgainWhenItIsEnabledAnew() {
            uart.write(INTERRUPT_ENABLE, 0x02);
            uart.read(INTERRUPT_IDENTIFICATION);
            uart.write(INTERRUPT_ENABLE, 0x00);
            uart.write(INTERRUPT_ENABLE, 0x02);
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0x02);
        }

        @Test
        void holdsTheLineWhileBreakIsSet() {
            uart.write(LINE_CONTROL, 0x43);
            uart.write(DATA, 'x');
            uart.write(LINE_CONTROL, 0x03);
            uart.write(DATA, '\n');
            assertThat(console.writes()).containsExactly("\n");
        }

        @Test
        void takesItsTimeWhenPaced() {
            paced();
            enableFifos(0);
            for (int index = 0; index < 17; index++) {
                uart.write(DATA, 'a' + index);
            }
            assertThat(uart.read(LINE_STATUS)).isZero();
            context.clock().advance(15 * (CHARACTER + 1));
            assertThat(uart.read(LINE_STATUS)).isZero();
            context.clock().advance(CHARACTER + 1);
            assertThat(uart.read(LINE_STATUS)).as("the last one is on the wire").isEqualTo(0x20);
            context.clock().advance(CHARACTER + 1);
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
            device.close();
            assertThat(String.join("", console.writes())).isEqualTo("abcdefghijklmnopq");
        }

        @Test
        void interruptsWhenThePacedFifoHasRunEmpty() {
            paced();
            enableFifos(0);
            uart.write(INTERRUPT_ENABLE, 0x02);
            uart.read(INTERRUPT_IDENTIFICATION);
            uart.write(DATA, 'a');
            uart.read(INTERRUPT_IDENTIFICATION);
            uart.write(DATA, 'b');
            assertThat(irq.level()).isFalse();
            context.clock().advance(CHARACTER + 1);
            assertThat(irq.level()).isTrue();
        }

        @Test
        void takesTheDivisorAndTheFrameIntoAccount() {
            paced();
            uart.write(LINE_CONTROL, 0x83);
            uart.write(0, 12);
            // 8 data bits, parity, two stop bits: 12 bits at 9600 baud, 1.25 ms
            uart.write(LINE_CONTROL, 0x0F);
            uart.write(DATA, '\n');
            context.clock().advance(1_249_999);
            assertThat(console.writes()).isEmpty();
            context.clock().advance(1);
            assertThat(console.writes()).containsExactly("\n");
        }
    }

    @Nested
    class Receiving {
        @Test
        void leavesInputWithTheConsoleUntilTheGuestListens() {
            console.type("early");
            context.clock().advance(1_000_000_000);
            assertThat(console.waiting()).isEqualTo(5);
            uart.write(FIFO_CONTROL, 0x07);
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            context.clock().advance(CHARACTER + 1);
            assertThat(receiveAll()).isEqualTo("early");
        }

        @Test
        void takesInputThatAnInterruptWaitsFor() {
            uart.write(INTERRUPT_ENABLE, 0x01);
            console.type("x");
            context.clock().advance(0);
            assertThat(irq.level()).isTrue();
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0x04);
            assertThat(uart.read(DATA)).isEqualTo('x');
            assertThat(irq.level()).isFalse();
        }

        @Test
        void losesNothingHoweverMuchComes() {
            enableFifos(3);
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            String text = "0123456789".repeat(100);
            console.type(text);
            StringBuilder received = new StringBuilder();
            while (received.length() < text.length()) {
                context.clock().advance(CHARACTER);
                assertThat(uart.read(LINE_STATUS) & 0x02).as("overrun").isZero();
                received.append(receiveAll());
            }
            assertThat(received).hasToString(text);
        }

        @Test
        void takesAsMuchAsThereIsRoom() {
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            console.type("0123456789abcdefghij");
            context.clock().advance(0);
            assertThat(console.waiting()).as("without FIFO").isEqualTo(19);
            uart.read(DATA);
            enableFifos(0);
            context.clock().advance(CHARACTER);
            assertThat(console.waiting()).isEqualTo(3);
            uart.read(DATA);
            context.clock().advance(CHARACTER);
            assertThat(console.waiting()).isEqualTo(2);
        }

        @Test
        void leavesInputToTheNextOneWhenClosed() {
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            console.type("x");
            device.close();
            context.clock().advance(CHARACTER);
            assertThat(console.waiting()).isEqualTo(1);
        }

        @Test
        void takesOneCharacterAtATimeWhenPaced() {
            paced();
            enableFifos(0);
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            console.type("abc");
            context.clock().advance(CHARACTER);
            assertThat(console.waiting()).isEqualTo(1);
            context.clock().advance(CHARACTER);
            assertThat(receiveAll()).isEqualTo("abc");
        }

        @ParameterizedTest
        @CsvSource({"0, 1", "1, 4", "2, 8", "3, 14"})
        void interruptsAtTheTriggerLevel(int bits, int level) {
            enableFifos(bits);
            uart.write(INTERRUPT_ENABLE, 0x01);
            console.type("x".repeat(level - 1));
            context.clock().advance(0);
            assertThat(irq.level()).isFalse();
            console.type("x");
            context.clock().advance(0);
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0xC4);
            uart.read(DATA);
            assertThat(irq.level()).as("below the trigger level again").isFalse();
        }

        @Test
        void interruptsWhenNoMoreCharactersCome() {
            enableFifos(3);
            uart.write(INTERRUPT_ENABLE, 0x01);
            console.type("ab");
            context.clock().advance(4 * CHARACTER - 1);
            assertThat(irq.level()).isFalse();
            context.clock().advance(1);
            assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0xCC);
            assertThat(uart.read(DATA)).isEqualTo('a');
            assertThat(irq.level()).as("reading clears the time-out").isFalse();
            context.clock().advance(4 * CHARACTER);
            assertThat(irq.level()).as("and starts it anew").isTrue();
        }

        @Test
        void startsTheTimeoutAnewWithEachCharacter() {
            enableFifos(3);
            uart.write(INTERRUPT_ENABLE, 0x01);
            console.type("a");
            context.clock().advance(3 * CHARACTER);
            console.type("b");
            context.clock().advance(3 * CHARACTER);
            assertThat(irq.level()).isFalse();
            context.clock().advance(CHARACTER);
            assertThat(irq.level()).isTrue();
        }
    }

    @Nested
    class Loopback {
        @Test
        void bringsBackWhatIsSent() {
            uart.write(MODEM_CONTROL, LOOPBACK);
            uart.write(DATA, 0xA5);
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x61);
            assertThat(uart.read(DATA)).isEqualTo(0xA5);
            device.close();
            assertThat(console.writes()).isEmpty();
        }

        @Test
        void hasSixteenCharactersInTheFifo() {
            enableFifos(0);
            uart.write(MODEM_CONTROL, LOOPBACK);
            for (int value = 0; value < 20; value++) {
                uart.write(DATA, value);
            }
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x63);
            assertThat(uart.read(LINE_STATUS)).as("reading clears the overrun").isEqualTo(0x61);
            assertThat(receiveAll()).hasSize(16).startsWith("\0\1").endsWith("\17");
        }

        @Test
        void overrunsTheBufferWithoutFifo() {
            uart.write(MODEM_CONTROL, LOOPBACK);
            uart.write(DATA, 1);
            uart.write(DATA, 2);
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x63);
            assertThat(uart.read(DATA)).isEqualTo(2);
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
        }

        @Test
        void connectsTheModemSignals() {
            uart.write(MODEM_CONTROL, LOOPBACK);
            uart.read(MODEM_STATUS);
            uart.write(MODEM_CONTROL, LOOPBACK | 0x02);
            assertThat(uart.read(MODEM_STATUS)).as("RTS is CTS").isEqualTo(0x11);
            assertThat(uart.read(MODEM_STATUS)).as("the change is told once").isEqualTo(0x10);
            uart.write(MODEM_CONTROL, LOOPBACK | 0x01);
            assertThat(uart.read(MODEM_STATUS)).as("DTR is DSR").isEqualTo(0x23);
            uart.write(MODEM_CONTROL, LOOPBACK | 0x04);
            assertThat(uart.read(MODEM_STATUS)).as("OUT1 is RI, whose leading edge does not count").isEqualTo(0x42);
            uart.write(MODEM_CONTROL, LOOPBACK | 0x08);
            assertThat(uart.read(MODEM_STATUS)).as("OUT2 is DCD, RI ends").isEqualTo(0x8C);
        }

        @Test
        void keepsTheConsoleAway() {
            uart.write(MODEM_CONTROL, LOOPBACK | REQUEST_TO_SEND);
            console.type("x");
            context.clock().advance(CHARACTER);
            assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
            uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
            context.clock().advance(CHARACTER);
            assertThat(receiveAll()).isEqualTo("x");
        }
    }

    @Test
    void identifiesInterruptsInTheOrderOfTheirPriority() {
        enableFifos(0);
        uart.write(MODEM_CONTROL, LOOPBACK);
        uart.write(INTERRUPT_ENABLE, 0x0F);
        for (int value = 0; value < 17; value++) {
            uart.write(DATA, value);
        }
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).as("line status").isEqualTo(0xC6);
        uart.read(LINE_STATUS);
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).as("received data").isEqualTo(0xC4);
        receiveAll();
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).as("transmitter empty").isEqualTo(0xC2);
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).as("modem status").isEqualTo(0xC0);
        assertThat(irq.level()).isTrue();
        uart.read(MODEM_STATUS);
        assertThat(uart.read(INTERRUPT_IDENTIFICATION)).isEqualTo(0xC1);
        assertThat(irq.level()).isFalse();
    }

    @Test
    void clearsTheReceiverWhenAsked() {
        enableFifos(0);
        uart.write(MODEM_CONTROL, LOOPBACK);
        uart.write(DATA, 1);
        uart.write(FIFO_CONTROL, 0x02);
        assertThat(uart.read(LINE_STATUS)).as("turning the FIFOs off clears them").isEqualTo(0x60);
        uart.write(DATA, 1);
        uart.write(FIFO_CONTROL, 0xC2);
        assertThat(uart.read(LINE_STATUS)).as("without bit 0 the others are not programmed").isEqualTo(0x61);
        uart.write(FIFO_CONTROL, 0x01);
        uart.write(DATA, 1);
        uart.write(FIFO_CONTROL, 0x03);
        assertThat(uart.read(LINE_STATUS)).isEqualTo(0x60);
    }

    @Test
    void showsThePeersSignalsOnlyWithAConsole() {
        assertThat(uart.read(MODEM_STATUS)).isEqualTo(0xB0);
        Device alone = new Serial16550Factory().create(new FakeContext());
        alone.reset();
        assertThat(Registers.of(alone, "registers").read(MODEM_STATUS)).isZero();
    }

    @Test
    void carriesCharactersOnTheirWayOverARestore() {
        paced();
        enableFifos(3);
        uart.write(INTERRUPT_ENABLE, 0x01);
        uart.write(MODEM_CONTROL, REQUEST_TO_SEND);
        console.type("in");
        context.clock().advance(2 * CHARACTER);
        uart.write(DATA, 'o');
        uart.write(DATA, 'k');
        context.clock().advance(CHARACTER / 2);

        FakeConsole otherConsole = new FakeConsole();
        FakeContext otherContext = new FakeContext().with(Console.class, otherConsole).with("paced", true);
        Device other = new Serial16550Factory().create(otherContext);
        other.reset();
        ((Snapshot) other).restore(((Snapshot) device).save());
        otherContext.clock().advance(2 * CHARACTER);
        other.close();
        assertThat(String.join("", otherConsole.writes())).isEqualTo("ok");
        uart = Registers.of(other, "registers");
        assertThat(receiveAll()).isEqualTo("in");
    }

    @Test
    void refusesAPropertyThatIsNoFlag() {
        assertThatThrownBy(() -> new Serial16550Factory().create(new FakeContext().with("paced", "maybe")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("device: the property paced is maybe (expected true or false); change it or leave it out");
    }

    @Nested
    class Contract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new Serial16550Factory();
        }

        @Override
        protected Set<String> keptOverReset() {
            return Set.of("scratch", "divisor");
        }
    }

    @Nested
    class PacedContract extends Contract {
        @Override
        protected FakeContext context() {
            return new FakeContext().with("paced", true);
        }
    }
}
