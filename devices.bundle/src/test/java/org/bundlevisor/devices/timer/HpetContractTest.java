package org.bundlevisor.devices.timer;

import java.util.Set;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.test.DeviceContract;

class HpetContractTest extends DeviceContract {
    @Override
    protected DeviceFactory factory() {
        return new HpetFactory();
    }

    @Override
    protected Set<String> keptOverReset() {
        return Set.of("input0", "input1");
    }

    @Override
    protected Set<String> linesKeptOverReset() {
        return Set.of("irq0", "irq8");
    }
}
