package org.bundlevisor.devices.acpi;

import static org.bundlevisor.devices.acpi.Aml.device;
import static org.bundlevisor.devices.acpi.Aml.eisaId;
import static org.bundlevisor.devices.acpi.Aml.integer;
import static org.bundlevisor.devices.acpi.Aml.name;
import static org.bundlevisor.devices.acpi.Aml.packageOf;
import static org.bundlevisor.devices.acpi.Aml.resources;
import static org.bundlevisor.devices.acpi.Aml.scope;
import static org.bundlevisor.devices.acpi.Aml.text;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.MachineLayout.PlacedRegion;
import org.bundlevisor.device.MachineLayout.Space;

/** Writes the differentiated system description table, ACPI 5.2.11.1: the devices that cannot be found by looking. */
final class Dsdt {
    private static final String SIGNATURE = "DSDT";
    /** From revision 2 on integers have 64 bits. */
    private static final int REVISION = 2;

    private final Board board;

    Dsdt(Board board) {
        this.board = board;
    }

    byte[] write() {
        List<byte[]> devices = new ArrayList<>();
        for (int cpu = 0; cpu < board.cpuCount(); cpu++) {
            devices.add(device("C%03X".formatted(cpu), name("_HID", text("ACPI0007")), name("_UID", integer(cpu))));
        }
        int port = 0;
        for (PlacedRegion registers : board.registers(Board.SERIAL)) {
            port++;
            devices.add(device(
                    "COM%X".formatted(port),
                    name("_HID", eisaId("PNP0501")),
                    name("_UID", integer(port)),
                    name("_CRS", resources(place(registers), interrupt(registers, "irq")))));
        }
        for (PlacedRegion registers : board.registers(Board.CLOCK)) {
            devices.add(device(
                    "RTC",
                    name("_HID", eisaId("PNP0B00")),
                    name("_CRS", resources(place(registers), clockInterrupt(registers)))));
        }
        board.region(Board.KEYBOARD_CONTROLLER, "data").ifPresent(data -> addKeyboardController(devices, data));
        for (PlacedRegion registers : board.registers(Board.EVENT_TIMER)) {
            devices.add(device(
                    "HPET", name("_HID", eisaId("PNP0103")), name("_CRS", resources(place(registers)))));
        }
        byte[] body = scope("\\_SB", devices.toArray(byte[][]::new));
        if (board.region(PowerManagement.KIND, PowerManagement.PM1_CONTROL).isPresent()) {
            byte[] type = integer(PowerManagement.SLEEP_TYPE_S5);
            // ACPI 7.4.2: SLP_TYPa, SLP_TYPb, two reserved
            body = Aml.concatenate(body, name("\\_S5", packageOf(type, type, integer(0), integer(0))));
        }
        return Table.of(SIGNATURE, REVISION, body);
    }

    /** The keyboard has the ports, the auxiliary device nothing but its interrupt: so PCs describe them. */
    private void addKeyboardController(List<byte[]> devices, PlacedRegion data) {
        byte[] command = board.region(Board.KEYBOARD_CONTROLLER, "command").map(Dsdt::place).orElse(new byte[0]);
        devices.add(device(
                "KBD",
                name("_HID", eisaId("PNP0303")),
                name("_CRS", resources(place(data), command, interrupt(data, "irq1")))));
        devices.add(device(
                "MOU", name("_HID", eisaId("PNP0F13")), name("_CRS", resources(interrupt(data, "irq12")))));
    }

    private static byte[] place(PlacedRegion region) {
        return region.space() == Space.PORT
                ? Aml.ports(region.address(), region.length())
                : Aml.memory(region.address(), region.length());
    }

    /** The clock's line may pass through the HPET, which takes its place in legacy replacement mode. */
    private byte[] clockInterrupt(PlacedRegion registers) {
        byte[] direct = interrupt(registers, "irq");
        return direct.length > 0
                ? direct
                : board.registers(Board.EVENT_TIMER).stream()
                        .map(timer -> interrupt(timer, "irq8"))
                        .findFirst()
                        .orElse(direct);
    }

    private byte[] interrupt(PlacedRegion region, String line) {
        return board.interrupt(region.device(), line).stream()
                .mapToObj(Aml::interrupt)
                .findFirst()
                .orElse(new byte[0]);
    }
}
