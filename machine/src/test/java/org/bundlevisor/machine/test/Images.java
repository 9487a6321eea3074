package org.bundlevisor.machine.test;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;

/** Kernel images that are right in every field that a loader looks at, for a test to damage. */
public final class Images {
    /** Where the ELF image is loaded and entered. */
    public static final int ELF_ADDRESS = 0x10_0000;

    private Images() {}

    /** A bzImage of protocol 2.15 with 64-bit entry: 4 setup sectors, 8 KiB of kernel filled with 0xc5. */
    public static byte[] linux(Consumer<ByteBuffer> change) {
        ByteBuffer image = ByteBuffer.allocate(5 * 512 + 8192).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) 4);
        image.putInt(0x1f4, 8192 / 16);
        image.putShort(0x1fe, (short) 0xaa55);
        image.put(0x200, (byte) 0xeb);
        image.put(0x201, (byte) 0x6a);
        image.putInt(0x202, 0x5372_6448);
        image.putShort(0x206, (short) 0x20f);
        image.put(0x211, (byte) 1);
        image.putInt(0x214, 0x10_0000);
        image.putInt(0x22c, 0x7fff_ffff);
        image.putInt(0x230, 0x20_0000);
        image.put(0x234, (byte) 1);
        image.putShort(0x236, (short) 0x3f);
        image.putInt(0x238, 2047);
        image.putLong(0x258, 0x100_0000);
        image.putInt(0x260, 0x40_0000);
        for (int index = 5 * 512; index < image.capacity(); index++) {
            image.put(index, (byte) 0xc5);
        }
        change.accept(image);
        return image.array();
    }

    /** A Multiboot 1 ELF with one PT_LOAD segment: 16 bytes of 0xa5 in the file, 64 in memory; header at 0x100. */
    public static byte[] multiboot(Consumer<ByteBuffer> change) {
        ByteBuffer image = ByteBuffer.allocate(0x400).order(ByteOrder.LITTLE_ENDIAN);
        image.putInt(0, 0x464c_457f);
        image.put(4, (byte) 1).put(5, (byte) 1).put(6, (byte) 1);
        image.putShort(16, (short) 2).putShort(18, (short) 3).putInt(20, 1);
        image.putInt(24, ELF_ADDRESS + 4);
        image.putInt(28, 52);
        image.putShort(40, (short) 52).putShort(42, (short) 32).putShort(44, (short) 1);
        image.putInt(52, 1).putInt(56, 0x200).putInt(60, 0xc010_0000).putInt(64, ELF_ADDRESS);
        image.putInt(68, 16).putInt(72, 64).putInt(76, 7).putInt(80, 4096);
        image.putInt(0x100, 0x1bad_b002).putInt(0x104, 3).putInt(0x108, -(0x1bad_b002 + 3));
        for (int index = 0x200; index < 0x210; index++) {
            image.put(index, (byte) 0xa5);
        }
        change.accept(image);
        return image.array();
    }

    public static Path write(Path folder, String name, byte[] content) {
        try {
            return Files.write(folder.resolve(name), content);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }
}
