package org.bundlevisor.devices.legacy;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.DeviceProperties;
import org.osgi.service.component.annotations.Component;

/**
 * Makes real-time clocks with CMOS memory. The properties {@code memory.below4g} and {@code memory.above4g} (bytes, default
 * 0) say how much RAM the machine has below and above 4 GiB, as a BIOS would have noted it.
 */
@Component(property = DeviceFactory.DEVICE + "=rtc146818")
public final class Rtc146818Factory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        long below = DeviceProperties.number(context, "memory.below4g", 0, 0, 1L << 32);
        long above = DeviceProperties.number(context, "memory.above4g", 0, 0, 1L << 52);
        return new Rtc146818(
                context.clock(), context.line("irq"), CmosContents.of(below, above, context.cpuCount()));
    }
}
