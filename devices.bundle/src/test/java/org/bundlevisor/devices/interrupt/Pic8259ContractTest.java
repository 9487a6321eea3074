package org.bundlevisor.devices.interrupt;

import java.util.Set;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;

class Pic8259ContractTest extends DeviceContract {
    @Override
    protected DeviceFactory factory() {
        return new Pic8259Factory();
    }

    @Override
    protected Set<String> keptOverReset() {
        return Set.of("levels");
    }
}
