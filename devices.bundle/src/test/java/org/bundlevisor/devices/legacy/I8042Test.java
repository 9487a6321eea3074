package org.bundlevisor.devices.legacy;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeLine;
import org.bundlevisor.devices.test.Registers;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Against IBM's description of the PS/2's controller, and what Linux's driver asks of one. */
class I8042Test {
    private static final int OUTPUT_FULL = 0x01;
    private static final int AUXILIARY = 0x20;
    private static final int TIMEOUT = 0x40;

    private final FakeContext context = new FakeContext();
    private final Device device = new I8042Factory().create(context);
    private final Registers data = Registers.of(device, "data");
    private final Registers control = Registers.of(device, "command");
    private final Registers port92 = Registers.of(device, "port92");
    private final FakeLine irq1 = context.wire("irq1");
    private final FakeLine irq12 = context.wire("irq12");

    I8042Test() {
        device.reset();
    }

    private int status() {
        return control.read(0);
    }

    private void command(int value) {
        control.write(0, value);
    }

    private void command(int value, int parameter) {
        control.write(0, value);
        data.write(0, parameter);
    }

    /** Everything that the output buffer has to give. */
    private List<Integer> answers() {
        List<Integer> answers = new ArrayList<>();
        while ((status() & OUTPUT_FULL) != 0) {
            answers.add(data.read(0));
        }
        return answers;
    }

    private void toKeyboard(int... values) {
        for (int value : values) {
            data.write(0, value);
        }
    }

    @Test
    void hasAnEmptyOutputBufferAndAnUnlockedKeyboard() {
        assertThat(status()).isEqualTo(0x14);
    }

    @Test
    void tellsCommandsFromData() {
        command(0xAE);
        assertThat(status() & 0x08).isEqualTo(0x08);
        data.write(0, 0xF4);
        assertThat(status() & 0x08).isZero();
    }

    @ParameterizedTest
    @CsvSource({"0xAA, 0x55", "0xAB, 0x00", "0xA9, 0x00", "0xA4, 0xF1", "0xC0, 0xA0", "0xE0, 0x00"})
    void answersTests(String command, String answer) {
        command(Integer.decode(command));
        assertThat(status() & (OUTPUT_FULL | AUXILIARY)).isEqualTo(OUTPUT_FULL);
        assertThat(answers()).containsExactly(Integer.decode(answer));
    }

    @Test
    void keepsTheCommandByteAndItsMemory() {
        command(0x60, 0x47);
        command(0x20);
        assertThat(answers()).containsExactly(0x47);
        command(0x7F, 0xAB);
        command(0x3F);
        assertThat(answers()).containsExactly(0xAB);
    }

    @Test
    void enablesAndDisablesTheInterfaces() {
        command(0xA8);
        command(0x20);
        assertThat(answers().getFirst() & 0x20).isZero();
        command(0xA7);
        command(0x20);
        assertThat(answers().getFirst() & 0x20).isEqualTo(0x20);
        command(0xAD);
        command(0x20);
        assertThat(answers().getFirst() & 0x10).isEqualTo(0x10);
        command(0xAE);
        command(0x20);
        assertThat(answers().getFirst() & 0x10).isZero();
    }

    @Test
    void interruptsForTheKeyboard() {
        toKeyboard(0xF4);
        assertThat(irq1.level()).isTrue();
        assertThat(data.read(0)).isEqualTo(0xFA);
        assertThat(irq1.level()).isFalse();
        assertThat(irq12.rises()).isZero();
    }

    @Test
    void makesAnEdgeForEachByte() {
        toKeyboard(0xF2);
        assertThat(irq1.rises()).isEqualTo(1);
        data.read(0);
        assertThat(irq1.rises()).isEqualTo(2);
        data.read(0);
        data.read(0);
        assertThat(irq1.rises()).isEqualTo(3);
        assertThat(irq1.level()).isFalse();
    }

    @Test
    void staysSilentWhileInterruptsAreDisabled() {
        command(0x60, 0x00);
        toKeyboard(0xF4);
        command(0xD3, 0x5A);
        assertThat(irq1.rises() + irq12.rises()).isZero();
        assertThat(answers()).containsExactly(0xFA, 0x5A);
    }

    @Test
    void loopsBackAuxiliaryData() {
        command(0x60, 0x47);
        command(0xD3, 0x5A);
        assertThat(status() & (OUTPUT_FULL | AUXILIARY | TIMEOUT)).isEqualTo(OUTPUT_FULL | AUXILIARY);
        assertThat(irq12.level()).isTrue();
        assertThat(irq1.level()).isFalse();
        assertThat(data.read(0)).isEqualTo(0x5A);
        assertThat(irq12.level()).isFalse();
    }

    @Test
    void loopsBackKeyboardData() {
        command(0xD2, 0x1C);
        assertThat(status() & (OUTPUT_FULL | AUXILIARY)).isEqualTo(OUTPUT_FULL);
        assertThat(irq1.level()).isTrue();
        assertThat(answers()).containsExactly(0x1C);
    }

    @Test
    void saysAtOnceThatThereIsNoPointingDevice() {
        command(0x60, 0x47);
        command(0xD4, 0xF2);
        assertThat(status() & (OUTPUT_FULL | AUXILIARY | TIMEOUT)).isEqualTo(OUTPUT_FULL | AUXILIARY | TIMEOUT);
        assertThat(irq12.level()).isTrue();
        assertThat(answers()).containsExactly(0xFE);
        assertThat(status() & TIMEOUT).isZero();
    }

    @Test
    void holdsTheKeyboardBackWhileItsInterfaceIsDisabled() {
        toKeyboard(0xF2);
        command(0xAD);
        assertThat(data.read(0)).isEqualTo(0xFA);
        assertThat(status() & OUTPUT_FULL).isZero();
        command(0xAE);
        assertThat(answers()).containsExactly(0xAB, 0x41);
    }

    @Test
    void enablesTheKeyboardWhenItIsSentData() {
        command(0xAD);
        toKeyboard(0xEE);
        assertThat(answers()).containsExactly(0xEE);
    }

    @Test
    void hasAKeyboardThatAnswers() {
        command(0x60, 0x05);
        toKeyboard(0xFF);
        assertThat(answers()).containsExactly(0xFA, 0xAA);
        toKeyboard(0xF2);
        assertThat(answers()).containsExactly(0xFA, 0xAB, 0x83);
        toKeyboard(0xED);
        assertThat(answers()).containsExactly(0xFA);
        toKeyboard(0x07);
        assertThat(answers()).containsExactly(0xFA);
        toKeyboard(0xF0);
        assertThat(answers()).containsExactly(0xFA);
        toKeyboard(0x00);
        assertThat(answers()).containsExactly(0xFA, 0x02);
        toKeyboard(0x00);
        assertThat(answers()).as("no command").containsExactly(0xFE);
        toKeyboard(0xFE);
        assertThat(answers()).as("the last answer again").containsExactly(0x02);
    }

    @Test
    void remembersTheScanCodeSet() {
        command(0x60, 0x05);
        toKeyboard(0xF0, 0x01, 0xF0, 0x00);
        assertThat(answers()).endsWith(0xFA, 0x01);
        toKeyboard(0xF6, 0xF0, 0x00);
        assertThat(answers()).endsWith(0xFA, 0x02);
    }

    @Test
    void translatesScanCodes() {
        toKeyboard(0xF2);
        assertThat(answers()).containsExactly(0xFA, 0xAB, 0x41);
    }

    @ParameterizedTest
    @ValueSource(ints = {0xFE, 0xF0, 0xFC})
    void resetsTheMachineByAPulse(int command) {
        command(command);
        assertThat(context.requests()).containsExactly("reset");
    }

    @Test
    void pulsesOtherLinesWithoutReset() {
        command(0xFF);
        command(0xFD);
        assertThat(context.requests()).isEmpty();
    }

    @Test
    void resetsTheMachineByTheOutputPort() {
        command(0xD1, 0xDF);
        assertThat(context.requests()).isEmpty();
        command(0xD1, 0xDE);
        assertThat(context.requests()).containsExactly("reset");
    }

    @Test
    void keepsTheGateOfAddressLine20() {
        command(0xD0);
        assertThat(answers().getFirst() & 0x03).isEqualTo(0x03);
        command(0xDD);
        command(0xD0);
        assertThat(answers().getFirst() & 0x02).isZero();
        command(0xDF);
        command(0xD0);
        assertThat(answers().getFirst() & 0x02).isEqualTo(0x02);
        command(0xD1, 0xDD);
        command(0xD0);
        assertThat(answers().getFirst() & 0x02).isZero();
    }

    @Test
    void showsTheInterruptsInTheOutputPort() {
        command(0xD0);
        assertThat(answers().getFirst() & 0x30).as("the buffer was empty").isZero();
        command(0xD3, 0x00);
        command(0xD0);
        assertThat(answers().get(1) & 0x30).isEqualTo(0x30);
    }

    @Test
    void resetsTheMachineByPort92WhenItsBitRises() {
        assertThat(port92.read(0)).isEqualTo(0x02);
        port92.write(0, 0x00);
        assertThat(port92.read(0)).isZero();
        port92.write(0, 0x02);
        assertThat(context.requests()).isEmpty();
        port92.write(0, 0x03);
        port92.write(0, 0x03);
        assertThat(context.requests()).containsExactly("reset");
    }

    @Nested
    class Contract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new I8042Factory();
        }
    }
}
