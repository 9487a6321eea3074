package org.bundlevisor.machine.boot;

import java.util.List;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.memory.GuestRam;
import org.bundlevisor.machine.memory.MemoryMap;

/**
 * A bzImage of the Linux/x86 boot protocol 2.06 or later (Documentation/arch/x86/boot.rst), entered at its 64-bit entry
 * point where it has one, else at the 32-bit one. Names of fields are those of the protocol.
 */
final class LinuxKernel {
    private static final int SETUP_SECTS = 0x1f1;
    private static final int SYSSIZE = 0x1f4;
    private static final int HEADER_LENGTH = 0x201;
    private static final int MAGIC = 0x202;
    private static final int VERSION = 0x206;
    private static final int TYPE_OF_LOADER = 0x210;
    private static final int LOADFLAGS = 0x211;
    private static final int CODE32_START = 0x214;
    private static final int RAMDISK_IMAGE = 0x218;
    private static final int RAMDISK_SIZE = 0x21c;
    private static final int CMD_LINE_PTR = 0x228;
    private static final int INITRD_ADDR_MAX = 0x22c;
    private static final int KERNEL_ALIGNMENT = 0x230;
    private static final int RELOCATABLE_KERNEL = 0x234;
    private static final int XLOADFLAGS = 0x236;
    private static final int CMDLINE_SIZE = 0x238;
    private static final int PREF_ADDRESS = 0x258;
    private static final int INIT_SIZE = 0x260;

    private static final int ACPI_RSDP_ADDR = 0x070;
    private static final int E820_ENTRIES = 0x1e8;
    private static final int E820_TABLE = 0x2d0;

    private static final int HDRS = 0x5372_6448;
    private static final int OLDEST = 0x206;
    private static final int VERSION_2_10 = 0x20a;
    private static final int VERSION_2_12 = 0x20c;
    private static final int LOADED_HIGH = 1;
    private static final int XLF_KERNEL_64 = 1;
    private static final int ENTRY_64 = 0x200;
    private static final int UNDEFINED_LOADER = 0xff;
    private static final int SECTOR = 512;
    private static final int SMALLEST_HEADER = 0x268;

    /** Places in conventional memory that nobody else uses before the kernel has taken over. */
    private static final long GDT = 0x1000;

    private static final long PAGE_TABLES = 0x2000;
    private static final long BOOT_PARAMS = 0x1_0000;
    private static final long COMMAND_LINE = 0x2_0000;

    private final ImageFile image;
    private final GuestRam ram;
    private final int version;
    private final long setupSize;
    private final long kernelSize;
    private final boolean entry64;

    LinuxKernel(ImageFile image, GuestRam ram) throws BootException {
        this.image = image;
        this.ram = ram;
        image.expectSize(SMALLEST_HEADER);
        version = image.unsignedShort(VERSION);
        if (version < OLDEST) {
            throw image.refuse("boot protocol %d.%02d is too old (expected 2.06 or later, Linux 2.6.22 of 2007)"
                    .formatted(version >> 8, version & 0xff));
        }
        if ((image.unsignedByte(LOADFLAGS) & LOADED_HIGH) == 0) {
            throw image
                    .refuse("a zImage, which runs below 1 MiB, cannot be booted (expected a bzImage): build bzImage");
        }
        int sectors = image.unsignedByte(SETUP_SECTS);
        setupSize = ((sectors == 0 ? 4 : sectors) + 1) * (long) SECTOR;
        // counted in paragraphs, the last of which need not be full
        long declared = image.unsignedInt(SYSSIZE) * 16;
        image.expectSize(setupSize + declared - 15);
        kernelSize = Math.min(declared, image.size() - setupSize);
        entry64 = version >= VERSION_2_12 && (image.unsignedShort(XLOADFLAGS) & XLF_KERNEL_64) != 0;
    }

    static boolean isMarked(ImageFile image) {
        return image.headSize() >= MAGIC + 6 && image.doubleword(MAGIC) == HDRS;
    }

    CpuState load(BootRequest request, long rootPointer, CpuState powerUp) throws BootException {
        long address = placeKernel();
        image.copy(setupSize, kernelSize, ram, address);

        ram.clear(BOOT_PARAMS, 4096);
        int headerEnd = Math.min(MAGIC + image.unsignedByte(HEADER_LENGTH), image.headSize());
        ram.put(BOOT_PARAMS + SETUP_SECTS, image.bytes(SETUP_SECTS, headerEnd - SETUP_SECTS));
        ram.put(BOOT_PARAMS + TYPE_OF_LOADER, (byte) UNDEFINED_LOADER);
        ram.putInt(BOOT_PARAMS + CODE32_START, (int) address);
        ram.putLong(BOOT_PARAMS + ACPI_RSDP_ADDR, rootPointer);
        installCommandLine(request);
        installMemoryMap();
        if (request.initrd().isPresent()) {
            try (ImageFile initrd = new ImageFile(request.initrd().get(), "initial RAM disk")) {
                installInitrd(initrd, address);
            }
        }
        EntryState state = entry64
                ? EntryState.longMode(ram, address + ENTRY_64, GDT, PAGE_TABLES)
                : EntryState.protectedMode(ram, address, GDT);
        return state.rsi(BOOT_PARAMS).from(powerUp);
    }

    /** What the kernel needs from its load address on until it has unpacked itself. */
    private long workingSize() {
        return version >= VERSION_2_10 ? Math.max(kernelSize, image.unsignedInt(INIT_SIZE)) : kernelSize;
    }

    private long placeKernel() throws BootException {
        boolean relocatable = image.unsignedByte(RELOCATABLE_KERNEL) != 0;
        long preferred = relocatable && version >= VERSION_2_10
                ? image.quadword(PREF_ADDRESS)
                : image.unsignedInt(CODE32_START);
        if (ram.map().offset(preferred, workingSize()) >= 0 && preferred >= MemoryMap.EXTENDED) {
            return preferred;
        }
        long alignment = Math.max(4096, image.unsignedInt(KERNEL_ALIGNMENT));
        long lowest = (MemoryMap.EXTENDED + alignment - 1) / alignment * alignment;
        if (relocatable && ram.map().offset(lowest, workingSize()) >= 0) {
            return lowest;
        }
        throw image.refuse(
                "needs %d KiB of memory from address 0x%x on to unpack itself (the machine has %d KiB in all): give it more"
                        .formatted(workingSize() >> 10, relocatable ? lowest : preferred, ram.map().size() >> 10));
    }

    private void installCommandLine(BootRequest request) throws BootException {
        byte[] line = request.commandLineBytes();
        long longest = image.unsignedInt(CMDLINE_SIZE);
        if (line.length - 1 > longest || COMMAND_LINE + line.length > MemoryMap.EXTENDED_BIOS_DATA) {
            throw image
                    .refuse("a command line of %d bytes is too long for this kernel (expected at most %d): shorten it"
                            .formatted(line.length - 1, longest));
        }
        ram.put(COMMAND_LINE, line);
        ram.putInt(BOOT_PARAMS + CMD_LINE_PTR, (int) COMMAND_LINE);
    }

    private void installMemoryMap() {
        List<MemoryMap.Entry> entries = ram.map().entries();
        ram.put(BOOT_PARAMS + E820_ENTRIES, (byte) entries.size());
        long row = BOOT_PARAMS + E820_TABLE;
        for (MemoryMap.Entry entry : entries) {
            ram.putLong(row, entry.address());
            ram.putLong(row + 8, entry.size());
            ram.putInt(row + 16, entry.kind().type());
            row += 20;
        }
    }

    /** As high as the kernel allows, where it will not be in the way. */
    private void installInitrd(ImageFile initrd, long kernel) throws BootException {
        long end = Math.min(image.unsignedInt(INITRD_ADDR_MAX) + 1, ram.map().lowEnd());
        long address = end - initrd.size() & -4096;
        if (address < kernel + workingSize()) {
            throw initrd.refuse(
                    "an initial RAM disk of %d MiB does not fit into a memory of %d MiB beside the kernel: give it more"
                            .formatted((initrd.size() + (1 << 20) - 1) >> 20, ram.map().size() >> 20));
        }
        initrd.copy(0, initrd.size(), ram, address);
        ram.putInt(BOOT_PARAMS + RAMDISK_IMAGE, (int) address);
        ram.putInt(BOOT_PARAMS + RAMDISK_SIZE, (int) initrd.size());
    }
}
