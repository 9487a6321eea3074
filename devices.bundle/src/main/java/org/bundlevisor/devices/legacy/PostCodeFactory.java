package org.bundlevisor.devices.legacy;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/** Makes power-on self test code ports. */
@Component(property = DeviceFactory.DEVICE + "=post-code")
public final class PostCodeFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new PostCode();
    }
}
