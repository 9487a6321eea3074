package org.bundlevisor.devices.interrupt;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.device.IoRegion;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.FakeContext.Message;
import org.junit.jupiter.api.Test;

/** The behaviour that the 82093AA data sheet (Intel 290566) states, and the EOI register of the ICH. */
class IoApicTest {
    private static final int MASKED = 1 << 16;
    private static final int LEVEL = 1 << 15;
    private static final int REMOTE_IRR = 1 << 14;
    private static final int LOW_ACTIVE = 1 << 13;
    private static final int LOGICAL = 1 << 11;

    private final FakeContext context = new FakeContext().with("identifier", 5);
    private final IoApic apic = (IoApic) new IoApicFactory().create(context);
    private final IoRegion registers = apic.memoryRegions().getFirst();

    private int read(int register) {
        registers.write(0x00, 4, register);
        return (int) registers.read(0x10, 4);
    }

    private void write(int register, int value) {
        registers.write(0x00, 4, register);
        registers.write(0x10, 4, value & 0xFFFF_FFFFL);
    }

    private void route(int input, int control, int destination) {
        write(0x11 + 2 * input, destination << 24);
        write(0x10 + 2 * input, control);
    }

    private void raise(int input) {
        apic.input(input).set(true);
    }

    private void lower(int input) {
        apic.input(input).set(false);
    }

    @Test
    void tellsItsVersionSizeAndIdentifier() {
        assertThat(read(0x01)).isEqualTo(0x0017_0020);
        assertThat(read(0x00)).isEqualTo(0x0500_0000);
        assertThat(apic.inputCount()).isEqualTo(24);

        write(0x00, 0xFFFF_FFFF);
        assertThat(read(0x00)).isEqualTo(0x0F00_0000);
        assertThat(read(0x02)).isEqualTo(0x0F00_0000);
        write(0x01, 0);
        assertThat(read(0x01)).isEqualTo(0x0017_0020);
    }

    @Test
    void allInputsAreMaskedAfterReset() {
        for (int input = 0; input < 24; input++) {
            assertThat(read(0x10 + 2 * input)).isEqualTo(MASKED);
            assertThat(read(0x11 + 2 * input)).isZero();
            raise(input);
        }
        assertThat(context.sent()).isEmpty();
    }

    @Test
    void keepsTheWritableBitsOfAnEntry() {
        write(0x10, -1);
        write(0x11, -1);
        assertThat(read(0x10)).isEqualTo(0x0001_AFFF);
        assertThat(read(0x11)).isEqualTo(0xFF00_0000);
    }

    @Test
    void reservedRegistersReadAsZero() {
        write(0x40, -1);
        assertThat(read(0x40)).isZero();
        assertThat(read(0x0F)).isZero();
        assertThat(registers.read(0x20, 4)).isZero();
        assertThat(registers.read(0xFFC, 4)).isZero();
    }

    @Test
    void theWindowTakesOnlyDoublewords() {
        registers.write(0x00, 1, 0x10);
        registers.write(0x10, 1, 0x55);
        registers.write(0x10, 8, 0x55);
        assertThat(registers.read(0x10, 4)).isEqualTo(MASKED);
        assertThat(registers.read(0x10, 1)).isZero();
        assertThat(registers.read(0x00, 1)).isEqualTo(0x10);
    }

    @Test
    void anEdgeSendsOneMessage() {
        route(4, 0x31, 0x02);
        raise(4);
        raise(4);
        assertThat(context.sent()).containsExactly(new Message(0xFEE0_2000L, 0x4031));
        lower(4);
        raise(4);
        assertThat(context.sent()).hasSize(2);
    }

    @Test
    void theMessageCarriesDeliveryModeAndLogicalDestination() {
        route(7, LOGICAL | 0x100 | 0x41, 0xFF);
        raise(7);
        assertThat(context.sent()).containsExactly(new Message(0xFEEF_F004L, 0x4141));
    }

    @Test
    void anEdgeOnAMaskedInputIsLost() {
        route(4, MASKED | 0x31, 0);
        raise(4);
        route(4, 0x31, 0);
        assertThat(context.sent()).isEmpty();
    }

    @Test
    void aLevelIsSentOnceUntilItsEndOfInterrupt() {
        route(9, LEVEL | LOW_ACTIVE | 0x39, 1);
        raise(9);
        assertThat(context.sent()).containsExactly(new Message(0xFEE0_1000L, 0xC039));
        assertThat(read(0x10 + 18) & REMOTE_IRR).isEqualTo(REMOTE_IRR);
        lower(9);
        raise(9);
        assertThat(context.sent()).hasSize(1);

        apic.endOfInterrupt(0x38);
        assertThat(context.sent()).hasSize(1);
        apic.endOfInterrupt(0x39);
        assertThat(context.sent()).as("the line is still asserted").hasSize(2);

        lower(9);
        apic.endOfInterrupt(0x39);
        assertThat(context.sent()).hasSize(2);
        assertThat(read(0x10 + 18) & REMOTE_IRR).isZero();
    }

    @Test
    void aMaskedLevelIsSentWhenItIsUnmasked() {
        route(9, MASKED | LEVEL | 0x39, 0);
        raise(9);
        assertThat(context.sent()).isEmpty();
        route(9, LEVEL | 0x39, 0);
        assertThat(context.sent()).hasSize(1);
    }

    @Test
    void theEndOfInterruptRegisterServesDirectedEnds() {
        route(9, LEVEL | 0x39, 0);
        raise(9);
        lower(9);
        registers.write(0x40, 4, 0x39);
        assertThat(read(0x10 + 18) & REMOTE_IRR).isZero();
    }

    @Test
    void switchingToEdgeAndBackClearsRemoteIrr() {
        route(9, LEVEL | 0x39, 0);
        raise(9);
        lower(9);
        write(0x10 + 18, MASKED | 0x39);
        write(0x10 + 18, LEVEL | 0x39);
        assertThat(read(0x10 + 18) & REMOTE_IRR).isZero();
    }

    @Test
    void remoteIrrIsReadOnly() {
        route(9, LEVEL | 0x39, 0);
        raise(9);
        write(0x10 + 18, LEVEL | MASKED | 0x39);
        assertThat(read(0x10 + 18) & REMOTE_IRR).isEqualTo(REMOTE_IRR);
        write(0x10 + 20, LEVEL | REMOTE_IRR | MASKED);
        assertThat(read(0x10 + 20) & REMOTE_IRR).isZero();
    }

    @Test
    void nonMaskableAndExternalInterruptsAreEdges() {
        route(0, LEVEL | 0x700, 0);
        raise(0);
        lower(0);
        raise(0);
        assertThat(context.sent())
                .containsExactly(new Message(0xFEE0_0000L, 0x4700), new Message(0xFEE0_0000L, 0x4700));
        assertThat(read(0x10) & REMOTE_IRR).isZero();
    }
}
