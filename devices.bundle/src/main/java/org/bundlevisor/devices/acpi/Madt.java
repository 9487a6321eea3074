package org.bundlevisor.devices.acpi;

import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.MachineLayout.PlacedRegion;

/** Writes the multiple APIC description table, ACPI 5.2.12. */
final class Madt {
    private static final String SIGNATURE = "APIC";
    private static final int REVISION = 5;

    /** Where processors have their local APIC after a reset: SDM vol. 3A, 11.4.1 "The Local APIC Block Diagram". */
    private static final long LOCAL_APIC_ADDRESS = 0xFEE0_0000L;

    private static final int PC_AT_COMPATIBLE = 1;

    // interrupt controller structures, ACPI table 5-46
    private static final int LOCAL_APIC = 0;
    private static final int IO_APIC = 1;
    private static final int INTERRUPT_SOURCE_OVERRIDE = 2;
    private static final int LOCAL_APIC_NMI = 4;

    private static final int ENABLED = 1;
    private static final int ALL_PROCESSORS = 0xFF;

    // MPS INTI flags, ACPI table 5-50
    private static final int CONFORMS_TO_BUS = 0;
    private static final int ACTIVE_HIGH = 1;
    private static final int LEVEL_TRIGGERED = 3 << 2;

    private final Board board;

    Madt(Board board) {
        this.board = board;
    }

    byte[] write() {
        List<byte[]> structures = new ArrayList<>();
        for (int cpu = 0; cpu < board.cpuCount(); cpu++) {
            structures.add(structure(LOCAL_APIC, field(cpu, 1), field(cpu, 1), field(ENABLED, 4)));
        }
        int identifier = 0;
        for (PlacedRegion ioApic : board.registers(Board.IO_APIC)) {
            // one I/O APIC has 24 inputs; the identifiers count up as the interrupts do
            structures.add(structure(
                    IO_APIC, field(identifier, 2), field(ioApic.address(), 4), field(24L * identifier, 4)));
            identifier++;
        }
        if (identifier > 0) {
            if (board.hasTimerInterrupt()) {
                // input 0 is where the 8259 pair would come in: the timer goes to input 2, as on every PC
                structures.add(override(0, 2, CONFORMS_TO_BUS));
            }
            board.systemControlInterrupt()
                    .ifPresent(number -> structures.add(override(number, number, ACTIVE_HIGH | LEVEL_TRIGGERED)));
        }
        structures.add(structure(
                LOCAL_APIC_NMI, field(ALL_PROCESSORS, 1), field(CONFORMS_TO_BUS, 2), field(1, 1)));
        byte[] body = Aml.concatenate(
                field(LOCAL_APIC_ADDRESS, 4),
                field(board.has(Board.LEGACY_CONTROLLERS) ? PC_AT_COMPATIBLE : 0, 4),
                Aml.concatenate(structures.toArray(byte[][]::new)));
        return Table.of(SIGNATURE, REVISION, body);
    }

    private static byte[] override(int source, int globalSystemInterrupt, int flags) {
        return structure(
                INTERRUPT_SOURCE_OVERRIDE,
                field(0, 1),
                field(source, 1),
                field(globalSystemInterrupt, 4),
                field(flags, 2));
    }

    private static byte[] structure(int type, byte[]... fields) {
        byte[] body = Aml.concatenate(fields);
        return Aml.concatenate(field(type, 1), field(body.length + 2L, 1), body);
    }

    private static byte[] field(long value, int size) {
        return Aml.littleEndian(value, size);
    }
}
