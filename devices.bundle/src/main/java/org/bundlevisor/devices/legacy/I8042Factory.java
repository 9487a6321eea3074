package org.bundlevisor.devices.legacy;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/** Makes keyboard controllers with an idle keyboard and no pointing device. */
@Component(property = DeviceFactory.DEVICE + "=i8042")
public final class I8042Factory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new I8042(context.machine(), context.line("irq1"), context.line("irq12"));
    }
}
