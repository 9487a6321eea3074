package org.bundlevisor.itest.commandline;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Guests of a few instructions. */
final class Images {
    private static final int ADDRESS = 0x10_0000;

    private Images() {}

    /** A Multiboot 1 kernel that gives its own load address; entered in 32-bit protected mode. @param code its bytes */
    static Path multiboot(Path file, int... code) throws IOException {
        int flags = 1 << 16;
        int entry = ADDRESS + 32;
        ByteBuffer header = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
        header.putInt(0x1bad_b002).putInt(flags).putInt(-(0x1bad_b002 + flags));
        // addresses of the header, of the image, of its end; no BSS; the entry
        header.putInt(ADDRESS).putInt(ADDRESS).putInt(entry + code.length).putInt(0).putInt(entry);
        ByteArrayOutputStream image = new ByteArrayOutputStream();
        image.writeBytes(header.array());
        for (int value : code) {
            image.write(value);
        }
        return Files.write(file, image.toByteArray());
    }

    /**
     * A bzImage of boot protocol 2.12 that has a 64-bit entry point. @param missing how many bytes at its end are left out
     * @param code what is there, at the 64-bit entry point
     */
    static Path bzImage(Path file, int missing, int... code) throws IOException {
        int setup = 1024;
        int entry = 0x200;
        int kernel = 4096;
        ByteBuffer image = ByteBuffer.allocate(setup + kernel).order(ByteOrder.LITTLE_ENDIAN);
        // names of the fields as in Documentation/arch/x86/boot.rst
        image.put(0x1f1, (byte) (setup / 512 - 1)); // setup_sects
        image.putInt(0x1f4, kernel / 16); // syssize
        image.putShort(0x1fe, (short) 0xaa55); // boot_flag
        image.put(0x200, (byte) 0xeb).put(0x201, (byte) 0x66); // jump, behind the header
        image.putInt(0x202, 0x5372_6448); // header: HdrS
        image.putShort(0x206, (short) 0x20c); // version
        image.put(0x211, (byte) 1); // loadflags: LOADED_HIGH
        image.putInt(0x214, ADDRESS); // code32_start
        image.putInt(0x22c, 0x7fff_ffff); // initrd_addr_max
        image.putInt(0x230, 4096); // kernel_alignment
        image.put(0x234, (byte) 1); // relocatable_kernel
        image.putShort(0x236, (short) 1); // xloadflags: XLF_KERNEL_64
        image.putInt(0x238, 255); // cmdline_size
        image.putLong(0x258, ADDRESS); // pref_address
        image.putInt(0x260, kernel); // init_size
        image.position(setup + entry);
        for (int value : code) {
            image.put((byte) value);
        }
        byte[] bytes = image.array();
        return Files.write(file, Arrays.copyOf(bytes, bytes.length - missing));
    }
}
