package org.bundlevisor.devices.interrupt;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/**
 * Makes the pair of 8259A interrupt controllers. Port regions {@code master} (2), {@code slave} (2), {@code elcr} (2); sixteen
 * inputs; output line {@code intr}. No properties.
 */
@Component(property = DeviceFactory.DEVICE + "=pic8259")
public final class Pic8259Factory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new Pic8259(context);
    }
}
