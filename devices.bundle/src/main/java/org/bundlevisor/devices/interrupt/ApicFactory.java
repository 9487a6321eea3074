package org.bundlevisor.devices.interrupt;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.DeviceContext;
import org.bundlevisor.device.DeviceFactory;
import org.bundlevisor.devices.DeviceProperties;
import org.bundlevisor.devices.Rate;
import org.osgi.service.component.annotations.Component;

/**
 * Makes the local APICs of all vCPUs, as one device. Properties:
 * <ul>
 *   <li>{@code tscFrequency}: what the platform's TSC runs at, in Hz, 1 MHz to 9 GHz, default 1000000000. It must be the CPU
 *       model's. The platform's TSC is floor(clock nanoseconds × tscFrequency ÷ 10⁹), and IA32_TSC_DEADLINE is compared with it:
 *       where the guest has a TSC offset, the backend subtracts it from a deadline that is written, and adds it to one other than
 *       0 that is read.
 *   <li>{@code timerFrequency}: what the divide configuration register divides, in Hz, 1 MHz to 9 GHz, default 1000000000:
 *       CPUID leaf 15H calls it the core crystal clock.
 *   <li>{@code physicalAddressBits}: MAXPHYADDR, 36 to 52, default 40: what IA32_APIC_BASE takes as an address.
 *   <li>{@code virtualWire}: whether the boot processor's APIC comes out of a reset as firmware leaves it, which is in virtual wire
 *       mode: enabled, LINT0 ExtINT, LINT1 NMI. Default true; false where real firmware runs.
 * </ul>
 */
@Component(property = DeviceFactory.DEVICE + "=apic")
public final class ApicFactory implements DeviceFactory {
    private static final long LOWEST = 1_000_000;
    private static final long HIGHEST = 9_000_000_000L;

    @Override
    public Device create(DeviceContext context) {
        long tsc = DeviceProperties.number(context, "tscFrequency", 1_000_000_000, LOWEST, HIGHEST);
        long timer = DeviceProperties.number(context, "timerFrequency", 1_000_000_000, LOWEST, HIGHEST);
        int addressBits = (int) DeviceProperties.number(context, "physicalAddressBits", 40, 36, 52);
        boolean virtualWire = DeviceProperties.flag(context, "virtualWire", true);
        return new LocalApics(context, Rate.hertz(tsc), Rate.hertz(timer), addressBits, virtualWire);
    }
}
