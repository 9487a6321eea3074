package org.bundlevisor.devices.timer;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/**
 * Makes an 8254 with what a PC has around it. Port regions {@code counters} (4) and {@code speaker} (1, port 61H); output line
 * {@code irq}, which counter 0 drives. No properties.
 */
@Component(property = DeviceFactory.DEVICE + "=pit8254")
public final class Pit8254Factory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new Pit8254(context);
    }
}
