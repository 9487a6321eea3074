package org.bundlevisor.machine.boot;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.memory.GuestRam;
import org.bundlevisor.machine.memory.MemoryMap;

/**
 * A kernel of the Multiboot Specification 0.6.96: a 32-bit ELF file, or any file whose Multiboot header gives its load
 * addresses (flag 16). Section numbers are those of the specification.
 */
final class MultibootKernel {
    private static final int HEADER_MAGIC = 0x1bad_b002;
    private static final int LOADER_MAGIC = 0x2bad_b002;
    private static final int SEARCHED = 8192;

    /** Header flags, 3.1.2: 0 page-aligned modules, 1 memory information; both are always given. 16: load addresses. */
    private static final int SUPPORTED_REQUIREMENTS = 0x3;

    private static final int REQUIREMENTS = 0xffff;
    private static final int HAS_ADDRESSES = 1 << 16;

    /** Flags of the information structure, 3.3. */
    private static final int HAS_MEMORY = 1;

    private static final int HAS_COMMAND_LINE = 1 << 2;
    private static final int HAS_MODULES = 1 << 3;
    private static final int HAS_MEMORY_MAP = 1 << 6;
    private static final int HAS_LOADER_NAME = 1 << 9;

    private static final int ELF_MAGIC = 0x464c_457f;
    private static final int ELF_CLASS_32 = 1;
    private static final int ELF_MACHINE_386 = 3;
    private static final int PROGRAM_HEADER_SIZE = 32;
    private static final int PT_LOAD = 1;

    /** Places in conventional memory for what is handed over. */
    private static final long GDT = 0x1000;

    private static final long INFORMATION = 0x9000;
    private static final long LOADER_NAME = 0x9100;
    private static final long MODULE = 0x9200;
    private static final long MEMORY_MAP = 0x9400;
    private static final long COMMAND_LINE = 0xa000;
    private static final long MEMORY_END = 0x9_0000;

    private final ImageFile image;
    private final int header;
    private final GuestRam ram;

    /** The first address behind everything that was loaded. */
    private long end = MemoryMap.EXTENDED;

    MultibootKernel(ImageFile image, int header, GuestRam ram) {
        this.image = image;
        this.header = header;
        this.ram = ram;
    }

    /** Offset of the Multiboot header, 3.1: magic, flags and checksum, aligned, in the first 8192 bytes; or -1. */
    static int findHeader(ImageFile image) {
        int last = Math.min(SEARCHED, image.headSize()) - 12;
        for (int offset = 0; offset <= last; offset += 4) {
            if (image.doubleword(offset) == HEADER_MAGIC
                    && image.doubleword(offset) + image.doubleword(offset + 4) + image.doubleword(offset + 8) == 0) {
                return offset;
            }
        }
        return -1;
    }

    CpuState load(BootRequest request, CpuState powerUp) throws BootException {
        int flags = image.doubleword(header + 4);
        int unsupported = flags & REQUIREMENTS & ~SUPPORTED_REQUIREMENTS;
        if (unsupported != 0) {
            throw image.refuse(
                    "its Multiboot header asks for features 0x%x that are not there (expected only 0x3: page-aligned modules, memory information)"
                            .formatted(unsupported));
        }
        long entry = (flags & HAS_ADDRESSES) != 0 ? loadByAddresses() : loadElf();
        installInformation(request);
        return EntryState.protectedMode(ram, entry, GDT)
                .rax(LOADER_MAGIC)
                .rbx(INFORMATION)
                .from(powerUp);
    }

    /** 3.1.3 "The address fields of Multiboot header". */
    private long loadByAddresses() throws BootException {
        if (header + 32 > image.headSize()) {
            throw image.refuse("its Multiboot header has no room for the address fields that it announces");
        }
        long headerAddress = image.unsignedInt(header + 12);
        long loadAddress = image.unsignedInt(header + 16);
        long loadEnd = image.unsignedInt(header + 20);
        long bssEnd = image.unsignedInt(header + 24);
        long start = header - (headerAddress - loadAddress);
        if (start < 0 || start > image.size()) {
            throw image.refuse(
                    "its Multiboot header gives a load address of 0x%x, before the file begins".formatted(loadAddress));
        }
        long length = loadEnd == 0 ? image.size() - start : loadEnd - loadAddress;
        loadSegment(start, length, loadAddress, Math.max(length, bssEnd - loadAddress));
        return image.unsignedInt(header + 28);
    }

    private long loadElf() throws BootException {
        if (image.headSize() < 52
                || image.doubleword(0) != ELF_MAGIC
                || image.unsignedByte(4) != ELF_CLASS_32
                || image.unsignedShort(18) != ELF_MACHINE_386) {
            throw image.refuse(
                    "a Multiboot header but no 32-bit x86 ELF file (expected that, or load addresses in the header)");
        }
        long table = image.unsignedInt(28);
        int entrySize = image.unsignedShort(42);
        int count = image.unsignedShort(44);
        if (entrySize < PROGRAM_HEADER_SIZE || table + (long) entrySize * count > image.headSize()) {
            throw image.refuse(
                    "the file is truncated or damaged (its ELF program headers lie outside of it): fetch or copy it again");
        }
        boolean loaded = false;
        for (int index = 0; index < count; index++) {
            int row = (int) table + index * entrySize;
            if (image.doubleword(row) == PT_LOAD && image.unsignedInt(row + 20) != 0) {
                loadSegment(
                        image.unsignedInt(row + 4),
                        image.unsignedInt(row + 16),
                        image.unsignedInt(row + 12),
                        image.unsignedInt(row + 20));
                loaded = true;
            }
        }
        if (!loaded) {
            throw image.refuse("an ELF file without anything to load (expected a PT_LOAD program header)");
        }
        return image.unsignedInt(24);
    }

    private void loadSegment(long position, long fileSize, long address, long memorySize) throws BootException {
        if (fileSize < 0 || fileSize > memorySize) {
            throw image
                    .refuse("a part that is longer in the file than in memory (%d and %d bytes): fetch or copy it again"
                            .formatted(fileSize, memorySize));
        }
        image.expectSize(position + fileSize);
        if (address < MemoryMap.EXTENDED || ram.map().offset(address, memorySize) < 0) {
            throw image.refuse(
                    "loads %d bytes at 0x%x, where there is no memory (expected 0x100000 to 0x%x): give the machine more"
                            .formatted(memorySize, address, ram.map().lowEnd()));
        }
        ram.clear(address, memorySize);
        image.copy(position, fileSize, ram, address);
        end = Math.max(end, address + memorySize);
    }

    /** 3.3 "Boot information format". */
    private void installInformation(BootRequest request) throws BootException {
        int flags = HAS_MEMORY | HAS_COMMAND_LINE | HAS_MEMORY_MAP | HAS_LOADER_NAME;
        ram.clear(INFORMATION, 0x1000);
        ram.putInt(INFORMATION + 4, (int) (MemoryMap.EXTENDED_BIOS_DATA >> 10));
        ram.putInt(INFORMATION + 8, (int) ((ram.map().lowEnd() - MemoryMap.EXTENDED) >> 10));
        byte[] line = request.commandLineBytes();
        if (COMMAND_LINE + line.length > MEMORY_END) {
            throw image.refuse("a command line of %d bytes is too long (expected at most %d): shorten it"
                    .formatted(line.length - 1, MEMORY_END - COMMAND_LINE - 1));
        }
        ram.put(COMMAND_LINE, line);
        ram.putInt(INFORMATION + 16, (int) COMMAND_LINE);
        if (request.initrd().isPresent()) {
            try (ImageFile module = new ImageFile(request.initrd().get(), "module")) {
                installModule(module);
            }
            flags |= HAS_MODULES;
        }
        ram.putInt(INFORMATION + 44, installMemoryMap());
        ram.putInt(INFORMATION + 48, (int) MEMORY_MAP);
        ram.put(LOADER_NAME, "Bundlevisor\0".getBytes(StandardCharsets.US_ASCII));
        ram.putInt(INFORMATION + 64, (int) LOADER_NAME);
        ram.putInt(INFORMATION, flags);
    }

    private void installModule(ImageFile module) throws BootException {
        long address = end + 4095 & -4096;
        if (ram.map().offset(address, module.size()) < 0) {
            throw module
                    .refuse("a module of %d MiB does not fit into a memory of %d MiB beside the kernel: give it more"
                            .formatted((module.size() + (1 << 20) - 1) >> 20, ram.map().size() >> 20));
        }
        module.copy(0, module.size(), ram, address);
        ram.putInt(MODULE, (int) address);
        ram.putInt(MODULE + 4, (int) (address + module.size()));
        ram.putInt(INFORMATION + 20, 1);
        ram.putInt(INFORMATION + 24, (int) MODULE);
    }

    private int installMemoryMap() {
        List<MemoryMap.Entry> entries = ram.map().entries();
        long row = MEMORY_MAP;
        for (MemoryMap.Entry entry : entries) {
            // the size of the rest of the row stands before it
            ram.putInt(row, 20);
            ram.putLong(row + 4, entry.address());
            ram.putLong(row + 12, entry.size());
            ram.putInt(row + 20, entry.kind().type());
            row += 24;
        }
        return (int) (row - MEMORY_MAP);
    }
}
