package org.bundlevisor.devices.timer;

import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;

class Pit8254ContractTest extends DeviceContract {
    @Override
    protected DeviceFactory factory() {
        return new Pit8254Factory();
    }
}
