package org.bundlevisor.devices.timer;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/**
 * Makes a high precision event timer with three comparators at 100 MHz. Memory region {@code registers} (4096). No properties.
 *
 * <p>It lies on the wires of the timers that legacy replacement replaces: the PIT's leads to input 0, the real-time clock's to
 * input 1, and the lines {@code irq0} and {@code irq8} lead on to ISA interrupts 0 and 8. Without legacy replacement, the inputs pass
 * through. Comparators can be routed to the lines {@code gsi16} to {@code gsi23}, which lead to the I/O APIC's inputs of these numbers.
 */
@Component(property = DeviceFactory.DEVICE + "=hpet")
public final class HpetFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new Hpet(context);
    }
}
