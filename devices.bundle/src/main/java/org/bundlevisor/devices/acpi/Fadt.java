package org.bundlevisor.devices.acpi;

import java.util.Optional;
import org.bundlevisor.device.MachineLayout.PlacedRegion;
import org.bundlevisor.device.MachineLayout.Space;

/** Writes the fixed ACPI description table, ACPI 5.2.9. */
final class Fadt {
    private static final String SIGNATURE = "FACP";
    private static final int REVISION = 6;
    private static final int MINOR_REVISION = 3;
    private static final int LENGTH = 276;

    // IA-PC boot architecture flags, ACPI 5.2.9.3
    private static final int LEGACY_DEVICES = 1 << 0;
    private static final int KEYBOARD_CONTROLLER = 1 << 1;
    private static final int VGA_NOT_PRESENT = 1 << 2;
    private static final int CMOS_RTC_NOT_PRESENT = 1 << 5;

    // fixed feature flags, ACPI table 5-35
    private static final int WRITE_BACK_INVALIDATE = 1 << 0;
    private static final int C1_ON_ALL_PROCESSORS = 1 << 2;
    private static final int NO_FIXED_POWER_BUTTON = 1 << 4;
    private static final int NO_FIXED_SLEEP_BUTTON = 1 << 5;
    private static final int NO_FIXED_RTC_WAKE = 1 << 6;
    private static final int TIMER_HAS_32_BITS = 1 << 8;
    private static final int RESET_REGISTER_SUPPORTED = 1 << 10;
    private static final int HARDWARE_REDUCED = 1 << 20;

    /** Latencies beyond which a processor power state is not supported. */
    private static final int NO_C2 = 101;

    private static final int NO_C3 = 1001;

    private final Board board;
    private final int timerBits;

    Fadt(Board board, int timerBits) {
        this.board = board;
        this.timerBits = timerBits;
    }

    /** @param facs address of the firmware ACPI control structure, below 4 GiB, as is that of the DSDT */
    byte[] write(long facs, long dsdt) {
        Table table = new Table(SIGNATURE, REVISION, LENGTH);
        table.at(36).u32(facs).u32(dsdt);
        table.at(46).u16(board.systemControlInterrupt().orElse(0));
        block(table, PowerManagement.PM1_EVENT, 56, 88, 148, 2);
        block(table, PowerManagement.PM1_CONTROL, 64, 89, 172, 2);
        block(table, PowerManagement.PM_TIMER, 76, 91, 208, 3);
        block(table, PowerManagement.GPE0, 80, 92, 220, 1);
        table.at(96).u16(NO_C2).u16(NO_C3);
        table.at(108).u8(board.has(Board.CLOCK) ? 0x32 : 0).u16(bootArchitecture());
        table.at(112).u32(features());
        pm(PowerManagement.RESET)
                .ifPresent(region -> table.at(116)
                        .address(space(region), 8, 1, region.address())
                        .u8(PowerManagement.RESET_VALUE));
        table.at(131).u8(MINOR_REVISION);
        // the 64-bit address of the FACS stays zero, since the 32-bit one is used: ACPI 5.2.9, X_FIRMWARE_CTRL
        table.at(140).u64(dsdt);
        return table.finish();
    }

    /** Enters a register block in the form of ACPI 1.0, where it is one of ports, and in that of 2.0. */
    private void block(Table table, String name, int address, int length, int extended, int accessSize) {
        pm(name).ifPresent(region -> {
            if (region.space() == Space.PORT) {
                table.at(address).u32(region.address());
            }
            table.at(length).u8((int) region.length());
            table.at(extended).address(space(region), (int) region.length() * 8, accessSize, region.address());
        });
    }

    private Optional<PlacedRegion> pm(String region) {
        return board.region(PowerManagement.KIND, region);
    }

    private static int space(PlacedRegion region) {
        return region.space() == Space.PORT ? Table.SYSTEM_IO : Table.SYSTEM_MEMORY;
    }

    private int bootArchitecture() {
        return VGA_NOT_PRESENT
                | (board.has(Board.SERIAL) || board.has(Board.KEYBOARD_CONTROLLER) ? LEGACY_DEVICES : 0)
                | (board.has(Board.KEYBOARD_CONTROLLER) ? KEYBOARD_CONTROLLER : 0)
                | (board.has(Board.CLOCK) ? 0 : CMOS_RTC_NOT_PRESENT);
    }

    private int features() {
        return WRITE_BACK_INVALIDATE
                | C1_ON_ALL_PROCESSORS
                | NO_FIXED_POWER_BUTTON
                | NO_FIXED_SLEEP_BUTTON
                | NO_FIXED_RTC_WAKE
                | (timerBits == 32 ? TIMER_HAS_32_BITS : 0)
                | (pm(PowerManagement.RESET).isPresent() ? RESET_REGISTER_SUPPORTED : 0)
                | (pm(PowerManagement.PM1_CONTROL).isPresent() ? 0 : HARDWARE_REDUCED);
    }
}
