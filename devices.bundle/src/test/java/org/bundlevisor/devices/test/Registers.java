package org.bundlevisor.devices.test;

import org.bundlevisor.device.Device;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.PortIo;

/** Byte-wide port registers of a device, for tests: read and write by offset. */
public record Registers(IoRegion region) {
    /** The device's region of that name. */
    public static Registers of(Device device, String name) {
        return ((PortIo) device)
                .portRegions().stream()
                .filter(region -> region.name().equals(name))
                .map(Registers::new)
                .findFirst()
                .orElseThrow();
    }

    public int read(int offset) {
        return (int) region.read(offset, 1);
    }

    public void write(int offset, int value) {
        region.write(offset, 1, value);
    }
}
