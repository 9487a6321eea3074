package org.bundlevisor.machine.bus;

import org.bundlevisor.device.IoRegion;

/**
 * A device's register block in its place on a bus.
 *
 * @param device the device's name in its machine
 * @param address of the first byte
 */
public record Placement(String device, IoRegion region, long address) {
    /** The last address of the block. */
    long last() {
        return address + region.length() - 1;
    }

    boolean overlaps(Placement other) {
        return address <= other.last() && other.address <= last();
    }

    /** For messages: whose block it is and where. */
    String describe() {
        return "%s of %s at 0x%x-0x%x".formatted(region.name(), device, address, last());
    }
}
