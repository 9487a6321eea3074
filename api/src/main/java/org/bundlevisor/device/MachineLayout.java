package org.bundlevisor.device;

import java.util.List;
import java.util.Optional;

/**
 * What a machine is made of and where it lies, for those who must describe it to the guest.
 *
 * @param cpuCount number of vCPUs; the index is the local APIC identifier
 * @param tablesAddress where firmware tables are to be written, in RAM that the memory map reserves for them
 * @param tablesSize bytes reserved there
 * @param regions all register blocks of all devices
 * @param lines all interrupt lines of all devices that lead to a global system interrupt
 */
public record MachineLayout(
        int cpuCount, long tablesAddress, long tablesSize, List<PlacedRegion> regions, List<PlacedLine> lines) {
    public MachineLayout {
        regions = List.copyOf(regions);
        lines = List.copyOf(lines);
    }

    /** Address spaces of a region. */
    public enum Space {
        PORT,
        MEMORY
    }

    /**
     * A register block in its place.
     *
     * @param kind the device's kind, as in {@link DeviceFactory#DEVICE}
     * @param device the device's name in its machine
     * @param region the region's name in the device
     */
    public record PlacedRegion(String kind, String device, String region, Space space, long address, long length) {}

    /**
     * An interrupt line in its place.
     *
     * @param kind the device's kind, as in {@link DeviceFactory#DEVICE}
     * @param device the device's name in its machine
     * @param line the line's name in the device
     * @param interrupt ISA interrupt number or global system interrupt
     */
    public record PlacedLine(String kind, String device, String line, int interrupt) {}

    /** The first region with these names, if the machine has such a device. */
    public Optional<PlacedRegion> region(String kind, String region) {
        return regions.stream()
                .filter(placed -> placed.kind().equals(kind) && placed.region().equals(region))
                .findFirst();
    }
}
