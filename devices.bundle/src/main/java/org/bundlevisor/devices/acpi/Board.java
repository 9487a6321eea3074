package org.bundlevisor.devices.acpi;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.device.MachineLayout.PlacedLine;
import org.bundlevisor.device.MachineLayout.PlacedRegion;

/** What the tables ask a machine's layout for: the devices that ACPI knows, by their kinds. */
record Board(MachineLayout layout) {
    static final String SERIAL = "serial16550";
    static final String CLOCK = "rtc146818";
    static final String KEYBOARD_CONTROLLER = "i8042";
    static final String EVENT_TIMER = "hpet";
    static final String LEGACY_CONTROLLERS = "pic8259";
    static final String IO_APIC = "ioapic";

    private static final String REGISTERS = "registers";

    int cpuCount() {
        return layout.cpuCount();
    }

    boolean has(String kind) {
        return layout.regions().stream().anyMatch(region -> region.kind().equals(kind));
    }

    /** The register blocks of all devices of a kind that have but one. */
    List<PlacedRegion> registers(String kind) {
        return layout.regions().stream()
                .filter(region -> region.kind().equals(kind) && region.region().equals(REGISTERS))
                .toList();
    }

    Optional<PlacedRegion> region(String kind, String region) {
        return layout.region(kind, region);
    }

    /** Where a device's line leads, if anywhere. */
    OptionalInt interrupt(String device, String line) {
        return layout.lines().stream()
                .filter(placed -> placed.device().equals(device) && placed.line().equals(line))
                .mapToInt(PlacedLine::interrupt)
                .findFirst();
    }

    /** Where the system control interrupt leads, if anywhere. */
    OptionalInt systemControlInterrupt() {
        return layout.lines().stream()
                .filter(placed -> placed.kind().equals(PowerManagement.KIND)
                        && placed.line().equals(PowerManagement.SYSTEM_CONTROL_INTERRUPT))
                .mapToInt(PlacedLine::interrupt)
                .findFirst();
    }

    /** Whether some device raises ISA interrupt 0: the timer. */
    boolean hasTimerInterrupt() {
        return layout.lines().stream().anyMatch(placed -> placed.interrupt() == 0);
    }
}
