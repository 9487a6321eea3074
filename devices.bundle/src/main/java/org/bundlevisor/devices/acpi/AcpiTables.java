package org.bundlevisor.devices.acpi;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.bundlevisor.device.Device;
import org.bundlevisor.device.FirmwareTables;
import org.bundlevisor.device.GuestMemory;
import org.bundlevisor.device.MachineLayout;
import org.bundlevisor.device.MachineLayout.PlacedRegion;
import org.bundlevisor.device.Snapshot;
import org.bundlevisor.state.SavedState;

/**
 * Describes the machine to the guest by ACPI tables, ACPI 5 "ACPI Software Programming Model". It has no state: once
 * written, the tables are the guest's memory.
 */
final class AcpiTables implements Device, FirmwareTables, Snapshot {
    private static final int RSDP_LENGTH = 36;
    private static final int RSDP_REVISION = 2;
    /** What the checksum of ACPI 1.0 covers. */
    private static final int RSDP_FIRST_PART = 20;

    private static final int FACS_LENGTH = 64;
    private static final int FACS_VERSION = 2;

    private static final int HPET_REVISION = 1;
    /** Intel's IA-PC HPET specification 1.0a, 3.2.4: GCAP_ID's low half: Intel, legacy routes, 64 bits, 3 timers, revision 1. */
    private static final long HPET_BLOCK_IDENTIFIER = 0x8086_A201L;
    /** The shortest period in counter ticks that loses no interrupt. */
    private static final int HPET_MINIMUM_TICK = 128;

    private static final long FOUR_GIBIBYTES = 1L << 32;

    private final int timerBits;

    AcpiTables(int timerBits) {
        this.timerBits = timerBits;
    }

    @Override
    public void reset() {}

    @Override
    public SavedState save() {
        return SavedState.EMPTY;
    }

    @Override
    public void restore(SavedState state) {}

    @Override
    public long install(MachineLayout layout, GuestMemory memory) {
        Board board = new Board(layout);
        Area area = new Area(layout, memory);
        // ACPI 5.2.5.1: on a 16-byte boundary; it is written last, since it points to the others
        long rsdp = area.reserve(RSDP_LENGTH, 16);
        // ACPI 5.2.10: on a 64-byte boundary
        long facs = area.put(facs(), 64);
        long dsdt = area.put(new Dsdt(board).write(), 16);
        List<Long> tables = new ArrayList<>();
        tables.add(area.put(new Fadt(board, timerBits).write(facs, dsdt), 16));
        tables.add(area.put(new Madt(board).write(), 16));
        for (PlacedRegion registers : board.registers(Board.EVENT_TIMER)) {
            tables.add(area.put(hpet(registers), 16));
        }
        long xsdt = area.put(xsdt(tables), 16);
        area.write(rsdp, rsdp(xsdt));
        return rsdp;
    }

    /** Root system description pointer, ACPI 5.2.5.3. */
    private static byte[] rsdp(long xsdt) {
        ByteBuffer bytes = ByteBuffer.allocate(RSDP_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put("RSD PTR ".getBytes(StandardCharsets.US_ASCII));
        bytes.put(9, "BNDLVR".getBytes(StandardCharsets.US_ASCII));
        bytes.put(15, (byte) RSDP_REVISION);
        bytes.putInt(20, RSDP_LENGTH);
        bytes.putLong(24, xsdt);
        bytes.put(8, Table.checksum(bytes.array(), RSDP_FIRST_PART));
        bytes.put(32, Table.checksum(bytes.array(), RSDP_LENGTH));
        return bytes.array();
    }

    /** Extended system description table, ACPI 5.2.8. */
    private static byte[] xsdt(List<Long> tables) {
        Table table = new Table("XSDT", 1, Table.HEADER_LENGTH + 8 * tables.size());
        tables.forEach(table::u64);
        return table.finish();
    }

    /** Firmware ACPI control structure, ACPI 5.2.10; it has neither the common header nor a checksum. */
    private static byte[] facs() {
        ByteBuffer bytes = ByteBuffer.allocate(FACS_LENGTH).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put("FACS".getBytes(StandardCharsets.US_ASCII));
        bytes.putInt(4, FACS_LENGTH);
        bytes.put(32, (byte) FACS_VERSION);
        return bytes.array();
    }

    /** Event timer description table, IA-PC HPET specification 1.0a, 3.2.4. */
    private static byte[] hpet(PlacedRegion registers) {
        return new Table("HPET", HPET_REVISION, 56)
                .u32(HPET_BLOCK_IDENTIFIER)
                .address(Table.SYSTEM_MEMORY, 64, 0, registers.address())
                .u8(0)
                .u16(HPET_MINIMUM_TICK)
                .u8(0)
                .finish();
    }

    /** The memory that the tables go to, filled from its start. */
    private static final class Area {
        private final MachineLayout layout;
        private final GuestMemory memory;
        private long next;

        Area(MachineLayout layout, GuestMemory memory) {
            this.layout = layout;
            this.memory = memory;
            this.next = layout.tablesAddress();
            if (next < 0 || next > FOUR_GIBIBYTES - layout.tablesSize()) {
                throw new IllegalArgumentException("the ACPI tables are to lie at 0x" + Long.toHexString(next)
                        + " (expected below 4 GiB, where 32-bit pointers reach); reserve memory there");
            }
        }

        long put(byte[] bytes, int alignment) {
            long address = reserve(bytes.length, alignment);
            write(address, bytes);
            return address;
        }

        long reserve(int length, int alignment) {
            long address = next + alignment - 1 & -alignment;
            next = address + length;
            if (next - layout.tablesAddress() > layout.tablesSize()) {
                throw new IllegalArgumentException(
                        "the ACPI tables need more than the " + layout.tablesSize() + " bytes that are reserved at 0x"
                                + Long.toHexString(layout.tablesAddress()) + "; reserve more memory");
            }
            return address;
        }

        void write(long address, byte[] bytes) {
            if (!memory.write(address, MemorySegment.ofArray(bytes))) {
                throw new IllegalArgumentException("the ACPI tables do not lie in RAM at 0x"
                        + Long.toHexString(address) + "; reserve RAM for them");
            }
        }
    }
}
