package org.bundlevisor.devices.legacy;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;
import org.bundlevisor.devices.test.Registers;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DebugPortsTest {
    @Test
    void keepsTheLastPostCode() {
        Device device = new PostCodeFactory().create(new FakeContext());
        Registers port = Registers.of(device, "registers");
        assertThat(port.read(0)).isZero();
        port.write(0, 0x12);
        port.write(0, 0xED);
        assertThat(port.read(0)).isEqualTo(0xED);
        device.reset();
        assertThat(port.read(0)).isZero();
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 1", "1, 16, 33", "2, 16, 33", "4, 127, 255", "4, 128, 1"})
    void endsTheRunWithAnOddStatus(int size, long value, int status) {
        FakeContext context = new FakeContext();
        Device device = new DebugExitFactory().create(context);
        Registers.of(device, "registers").region().write(0, size, value);
        assertThat(context.requests()).containsExactly("exit " + status);
    }

    @Nested
    class PostCodeContract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new PostCodeFactory();
        }
    }

    @Nested
    class DebugExitContract extends DeviceContract {
        @Override
        protected DeviceFactory factory() {
            return new DebugExitFactory();
        }
    }
}
