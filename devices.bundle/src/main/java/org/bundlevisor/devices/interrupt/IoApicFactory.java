package org.bundlevisor.devices.interrupt;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.DeviceProperties;
import org.osgi.service.component.annotations.Component;

/**
 * Makes an I/O APIC. Memory region {@code registers} (4096); twenty-four inputs. Property {@code identifier}: its APIC
 * identifier after a reset, 0 to 15, default 0.
 */
@Component(property = DeviceFactory.DEVICE + "=ioapic")
public final class IoApicFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new IoApic(context, (int) DeviceProperties.number(context, "identifier", 0, 0, 15));
    }
}
