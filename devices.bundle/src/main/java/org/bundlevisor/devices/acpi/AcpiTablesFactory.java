package org.bundlevisor.devices.acpi;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.osgi.service.component.annotations.Component;

/**
 * Makes the writer of the ACPI tables, a device without registers. Property {@code timer.bits}: width of the power
 * management timer, 24 or 32 (default), as that device has it.
 */
@Component(property = DeviceFactory.DEVICE + "=acpi-tables")
public final class AcpiTablesFactory implements DeviceFactory {
    @Override
    public Device create(DeviceContext context) {
        return new AcpiTables(AcpiPowerManagementFactory.timerBits(context));
    }
}
