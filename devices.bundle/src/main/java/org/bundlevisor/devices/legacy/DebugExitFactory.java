package org.bundlevisor.devices.legacy;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/** Makes debug-exit ports. */
@Component(property = DeviceFactory.DEVICE + "=debug-exit")
public final class DebugExitFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new DebugExit(context.machine());
    }
}
