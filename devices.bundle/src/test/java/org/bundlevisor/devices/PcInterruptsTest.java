package org.bundlevisor.devices;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.EndOfInterrupt;
import org.bundlevisor.device.InterruptAcknowledge;
import org.bundlevisor.device.InterruptInputs;
import org.bundlevisor.device.InterruptLine;
import org.bundlevisor.device.LocalInterruptControllers;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.device.MemoryIo;
import org.bundlevisor.device.MessageInterrupts;
import org.bundlevisor.device.PortIo;
import org.bundlevisor.devices.interrupt.ApicFactory;
import org.bundlevisor.devices.interrupt.IoApicFactory;
import org.bundlevisor.devices.interrupt.Pic8259Factory;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.timer.HpetFactory;
import org.bundlevisor.devices.timer.Pit8254Factory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The interrupt wiring of a PC, from a timer to a vCPU. */
class PcInterruptsTest {
    private static final int EOI = 0x0B0;

    private final List<EndOfInterrupt> listeners = new ArrayList<>();
    private final List<InterruptAcknowledge> controllers = new ArrayList<>();

    private final FakeContext apicContext = new FakeContext(2)
            .withExternalController(() -> controllers.getFirst().acknowledge())
            .onEndOfInterrupt(vector -> listeners.forEach(listener -> listener.endOfInterrupt(vector)));
    private final LocalInterruptControllers apics = (LocalInterruptControllers) new ApicFactory().create(apicContext);
    private final LocalInterruptController boot = apics.of(0);

    private final FakeContext ioApicContext = new FakeContext().onMessage((MessageInterrupts) apics);
    private final InterruptInputs ioApic = (InterruptInputs) new IoApicFactory().create(ioApicContext);

    private final FakeContext picContext = new FakeContext().connect("intr", boot.localInterrupt(0));
    private final InterruptInputs pic = (InterruptInputs) new Pic8259Factory().create(picContext);

    private final FakeContext hpetContext = new FakeContext().connect("irq0", both(pic.input(0), ioApic.input(2)));
    private final InterruptInputs hpet = (InterruptInputs) new HpetFactory().create(hpetContext);

    private final FakeContext pitContext = new FakeContext().connect("irq", hpet.input(0));
    private final PortIo pit = (PortIo) new Pit8254Factory().create(pitContext);

    PcInterruptsTest() {
        listeners.add((EndOfInterrupt) ioApic);
        controllers.add((InterruptAcknowledge) pic);
        for (Object device : List.of(apics, ioApic, pic, hpet, pit)) {
            ((Device) device).reset();
        }
    }

    private static InterruptLine both(InterruptLine one, InterruptLine other) {
        return asserted -> {
            one.set(asserted);
            other.set(asserted);
        };
    }

    /** Counter 0, both bytes, mode 2, 100 Hz. */
    private void startTimer() {
        port(pit, 0, 3, 0x34);
        port(pit, 0, 0, 11_932 & 0xFF);
        port(pit, 0, 0, 11_932 >> 8);
    }

    private static void port(PortIo device, int region, int offset, int value) {
        device.portRegions().get(region).write(offset, 1, value);
    }

    private void route(int input, int control) {
        var registers = ((MemoryIo) ioApic).memoryRegions().getFirst();
        registers.write(0x00, 4, 0x10 + 2 * input);
        registers.write(0x10, 4, control);
    }

    @Test
    void theTimerReachesTheProcessorThroughThePicAndTheVirtualWire() {
        PortIo ports = (PortIo) pic;
        port(ports, 0, 0, 0x11);
        port(ports, 0, 1, 0x20);
        port(ports, 0, 1, 0x04);
        port(ports, 0, 1, 0x01);
        startTimer();
        // the output has risen with the control word
        assertThat(boot.acknowledge()).isEqualTo(0x20);
        port(ports, 0, 0, 0x20);
        for (int i = 0; i < 3; i++) {
            assertThat(apicContext.fakeCpu(0).requested()).isFalse();
            pitContext.clock().advance(10_001_000);
            assertThat(apicContext.fakeCpu(0).requested()).isTrue();
            assertThat(boot.acknowledge()).isEqualTo(0x20);
            port(ports, 0, 0, 0x20);
        }
    }

    @Test
    void theTimerReachesTheProcessorThroughTheIoApic() {
        port((PortIo) pic, 0, 1, 0xFF);
        route(2, 0x30);
        startTimer();
        assertThat(boot.acknowledge()).isEqualTo(0x30);
        boot.registers().write(EOI, 4, 0);
        pitContext.clock().advance(10_001_000);
        assertThat(boot.acknowledge()).isEqualTo(0x30);
    }

    @Test
    void aLevelComesAgainUntilItsDeviceIsServed() {
        route(9, 1 << 15 | 0x49);
        ioApic.input(9).set(true);
        for (int i = 0; i < 3; i++) {
            assertThat(boot.acknowledge()).isEqualTo(0x49);
            boot.registers().write(EOI, 4, 0);
        }
        ioApic.input(9).set(false);
        assertThat(boot.acknowledge()).isEqualTo(0x49);
        boot.registers().write(EOI, 4, 0);
        assertThat(apicContext.fakeCpu(0).requested()).isFalse();
    }

    /** Lines one way and ends of interrupt the other way, from two threads at once: neither waits for the other for ever. */
    @Test
    @Timeout(60)
    void signalsInBothDirectionsDoNotBlockEachOther() throws InterruptedException {
        route(9, 1 << 15 | 0x49);
        Thread device = new Thread(() -> {
            for (int i = 0; i < 20_000; i++) {
                ioApic.input(9).set((i & 1) == 0);
                pic.input(5).set((i & 1) == 0);
            }
        });
        Thread processor = new Thread(() -> {
            for (int i = 0; i < 20_000; i++) {
                boot.acknowledge();
                boot.registers().write(EOI, 4, 0);
                port((PortIo) pic, 0, 0, 0x20);
            }
        });
        device.start();
        processor.start();
        device.join();
        processor.join();

        ioApic.input(9).set(false);
        while (boot.acknowledge() >= 0) {
            boot.registers().write(EOI, 4, 0);
            port((PortIo) pic, 0, 0, 0x20);
        }
        ioApic.input(9).set(true);
        assertThat(apicContext.fakeCpu(0).requested()).isTrue();
    }
}
