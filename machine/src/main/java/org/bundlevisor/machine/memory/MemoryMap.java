package org.bundlevisor.machine.memory;

import java.util.ArrayList;
import java.util.List;

/**
 * Where a PC's RAM lies. Below 4 GiB there is room for at most 3 GiB of it, because the register blocks of devices have
 * their place under 4 GiB; the rest continues at 4 GiB. Of the first MiB, the range of video memory and option ROMs stays
 * empty, and the one of the system BIOS is RAM that holds the firmware tables: there guests search for them that are not
 * told where they are.
 */
public final class MemoryMap {
    /** The smallest memory that a PC can have here. */
    public static final long SMALLEST = 4L << 20;

    /** The largest: half of what 40 bits can address, so that the part above 4 GiB fits too. */
    public static final long LARGEST = 1L << 39;

    /** The extended BIOS data area: the last KiB of conventional memory. */
    public static final long EXTENDED_BIOS_DATA = 0x9_fc00;

    /** Where conventional memory ends and video memory would begin. */
    public static final long CONVENTIONAL_END = 0xa_0000;

    /** The range of the system BIOS, which holds the firmware tables. */
    public static final long FIRMWARE = 0xe_0000;

    public static final long FIRMWARE_SIZE = 0x2_0000;

    /** Extended memory begins here. */
    public static final long EXTENDED = 0x10_0000;

    private static final long HOLE = 3L << 30;
    private static final long HIGH = 4L << 30;

    /** What a range is to the guest, with the type that E820 gives it. */
    public enum Kind {
        USABLE(1),
        RESERVED(2);

        private final int type;

        Kind(int type) {
            this.type = type;
        }

        /** The address range type of INT 15H, AX=E820H, ACPI specification, 15.1. */
        public int type() {
            return type;
        }
    }

    /** A range as firmware reports it. */
    public record Entry(long address, long size, Kind kind) {}

    /**
     * A piece of RAM.
     *
     * @param address guest-physical address
     * @param offset in the machine's RAM
     */
    public record Block(long address, long offset, long size) {}

    private final long size;

    /** @throws IllegalArgumentException in one sentence, when a PC cannot have that much memory */
    public MemoryMap(long size) {
        if (size < SMALLEST || size > LARGEST || size % 4096 != 0) {
            throw new IllegalArgumentException(
                    "a memory of %d bytes is not possible (expected a multiple of 4 KiB from 4 MiB to 512 GiB, for example 512M)"
                            .formatted(size));
        }
        this.size = size;
    }

    /** RAM in bytes, including what the holes of the first MiB hide. */
    public long size() {
        return size;
    }

    /** Where RAM below 4 GiB ends. */
    public long lowEnd() {
        return Math.min(size, HOLE);
    }

    /** Pieces of RAM by rising address. */
    public List<Block> blocks() {
        List<Block> blocks = new ArrayList<>();
        blocks.add(new Block(0, 0, CONVENTIONAL_END));
        blocks.add(new Block(FIRMWARE, FIRMWARE, lowEnd() - FIRMWARE));
        if (size > HOLE) {
            blocks.add(new Block(HIGH, HOLE, size - HOLE));
        }
        return List.copyOf(blocks);
    }

    /** What INT 15H, AX=E820H would report. */
    public List<Entry> entries() {
        List<Entry> entries = new ArrayList<>();
        entries.add(new Entry(0, EXTENDED_BIOS_DATA, Kind.USABLE));
        entries.add(new Entry(EXTENDED_BIOS_DATA, CONVENTIONAL_END - EXTENDED_BIOS_DATA, Kind.RESERVED));
        entries.add(new Entry(FIRMWARE, FIRMWARE_SIZE, Kind.RESERVED));
        entries.add(new Entry(EXTENDED, lowEnd() - EXTENDED, Kind.USABLE));
        if (size > HOLE) {
            entries.add(new Entry(HIGH, size - HOLE, Kind.USABLE));
        }
        return List.copyOf(entries);
    }

    /** Offset in the machine's RAM of a range that lies in one piece of RAM as a whole, or -1. */
    public long offset(long address, long length) {
        if (address >= 0 && length >= 0) {
            if (address >= HIGH) {
                long offset = address - HIGH + HOLE;
                return length <= size - offset ? offset : -1;
            }
            if (address >= FIRMWARE ? length <= lowEnd() - address : length <= CONVENTIONAL_END - address) {
                return address;
            }
        }
        return -1;
    }
}
