package org.bundlevisor.devices.legacy;

import org.bundlevisor.device.Console;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.DeviceProperties;
import org.osgi.service.component.annotations.Component;

/**
 * Makes serial ports. The property {@code paced} (default false) says whether characters take the time on the wire that
 * the divisor asks for; without a {@link Console} nothing is plugged into the port.
 */
@Component(property = DeviceFactory.DEVICE + "=serial16550")
public final class Serial16550Factory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new Serial16550(
                context.clock(),
                context.line("irq"),
                context.resource(Console.class).orElse(null),
                DeviceProperties.flag(context, "paced", false));
    }
}
