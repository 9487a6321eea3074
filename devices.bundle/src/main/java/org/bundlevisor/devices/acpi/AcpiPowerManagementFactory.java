package org.bundlevisor.devices.acpi;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.DeviceProperties;
import org.osgi.service.component.annotations.Component;

/**
 * Makes ACPI fixed hardware. Port regions {@code pm1-event} (4), {@code pm1-control} (2), {@code pm-timer} (4), {@code gpe0}
 * (4) and {@code reset} (1); output line {@code sci}; sixteen inputs, the general-purpose events. Property
 * {@code timer.bits}: width of the power management timer, 24 or 32 (default); the tables have the same property.
 */
@Component(property = DeviceFactory.DEVICE + "=" + PowerManagement.KIND)
public final class AcpiPowerManagementFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new AcpiPowerManagement(
                context.clock(),
                context.machine(),
                context.line(PowerManagement.SYSTEM_CONTROL_INTERRUPT),
                timerBits(context));
    }

    /** The width of the timer that a device's configuration asks for. */
    static int timerBits(DeviceContext context) {
        int bits = (int) DeviceProperties.number(context, "timer.bits", 32, 24, 32);
        if (bits != 24 && bits != 32) {
            throw new IllegalArgumentException(context.name() + ": the property timer.bits is " + bits
                    + " (expected 24 or 32); change it or leave it out");
        }
        return bits;
    }
}
