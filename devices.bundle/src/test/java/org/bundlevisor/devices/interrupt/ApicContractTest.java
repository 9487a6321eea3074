package org.bundlevisor.devices.interrupt;

import java.util.Set;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;
import org.bundlevisor.devices.test.FakeContext;

class ApicContractTest extends DeviceContract {
    @Override
    protected DeviceFactory factory() {
        return new ApicFactory();
    }

    @Override
    protected FakeContext context() {
        return new FakeContext(3).withExternalController(() -> 0x20);
    }

    @Override
    protected Set<String> keptOverReset() {
        return Set.of("pinLevels");
    }
}
