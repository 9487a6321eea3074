package org.bundlevisor.devices.legacy;

/** What a PC's firmware leaves in CMOS memory: the IBM AT's layout, and the bytes that SeaBIOS and others agree on. */
final class CmosContents {
    /** The clock's and the firmware's registers together. */
    static final int SIZE = 128;

    private static final long KIBIBYTE = 1 << 10;
    private static final long MEBIBYTE = 1 << 20;

    private CmosContents() {}

    /**
     * @param below RAM below 4 GiB, in bytes
     * @param above RAM above 4 GiB, in bytes
     */
    static byte[] of(long below, long above, int cpuCount) {
        byte[] memory = new byte[SIZE];
        // equipment: a mathematics coprocessor and a pointing device's interface, no floppy drive, no display adapter
        memory[0x14] = 0x06;
        // base memory, then memory above 1 MiB twice: as set up and as found; in KiB
        put(memory, 0x15, Math.min(below / KIBIBYTE, 640));
        long extended = Math.clamp((below - MEBIBYTE) / KIBIBYTE, 0, 0xFFFF);
        put(memory, 0x17, extended);
        put(memory, 0x30, extended);
        // memory above 16 MiB, then above 4 GiB, in units of 64 KiB
        put(memory, 0x34, Math.clamp((below - 16 * MEBIBYTE) / (64 * KIBIBYTE), 0, 0xFFFF));
        long high = Math.min(above / (64 * KIBIBYTE), 0xFFFFFF);
        put(memory, 0x5B, high & 0xFFFF);
        memory[0x5D] = (byte) (high >> 16);
        // processors beyond the first
        memory[0x5F] = (byte) (cpuCount - 1);
        int sum = 0;
        for (int index = 0x10; index <= 0x2D; index++) {
            sum += memory[index] & 0xFF;
        }
        memory[0x2E] = (byte) (sum >> 8);
        memory[0x2F] = (byte) sum;
        return memory;
    }

    private static void put(byte[] memory, int index, long value) {
        memory[index] = (byte) value;
        memory[index + 1] = (byte) (value >> 8);
    }
}
