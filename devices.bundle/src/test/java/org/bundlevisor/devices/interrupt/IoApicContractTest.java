package org.bundlevisor.devices.interrupt;

import java.util.Set;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;

class IoApicContractTest extends DeviceContract {
    @Override
    protected DeviceFactory factory() {
        return new IoApicFactory();
    }

    @Override
    protected Set<String> keptOverReset() {
        return Set.of("levels");
    }
}
