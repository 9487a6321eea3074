package org.bundlevisor.machine.boot;

import org.bundlevisor.machine.memory.GuestRam;
import org.bundlevisor.machine.memory.MemoryMap;

/**
 * The words of the BIOS data area that kernels read without asking a BIOS: where the extended BIOS data area begins, how
 * much conventional memory there is, where the first serial port lies.
 */
final class BiosData {
    private static final int FIRST_SERIAL_PORT = 0x400;
    private static final int EXTENDED_DATA_SEGMENT = 0x40e;
    private static final int CONVENTIONAL_KIBIBYTES = 0x413;

    private BiosData() {}

    static void install(GuestRam ram) {
        ram.putShort(FIRST_SERIAL_PORT, 0x3f8);
        ram.putShort(EXTENDED_DATA_SEGMENT, (int) (MemoryMap.EXTENDED_BIOS_DATA >> 4));
        ram.putShort(CONVENTIONAL_KIBIBYTES, (int) (MemoryMap.EXTENDED_BIOS_DATA >> 10));
        // the extended BIOS data area begins with its own size in KiB
        ram.putShort(MemoryMap.EXTENDED_BIOS_DATA, 1);
    }
}
