package org.bundlevisor.guests;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * Writes a cpio archive in the "newc" format, which the kernel unpacks into its first root file system; see the kernel's
 * {@code Documentation/driver-api/early-userspace/buffer-format.rst}. The same entries give the same bytes: no times, no
 * owners. It is not compressed, because unpacking would cost the guest more than the memory does.
 */
final class InitialRamDisk {
    private static final int DIRECTORY = 0040755;
    private static final int EXECUTABLE = 0100755;
    private static final int PLAIN_FILE = 0100644;
    private static final int SYMBOLIC_LINK = 0120777;
    private static final int CHARACTER_DEVICE = 0020600;
    private static final int HEADER_SIZE = 110;

    private final ByteArrayOutputStream archive = new ByteArrayOutputStream(1 << 21);
    private int inode;

    InitialRamDisk directory(String path) {
        return entry(path, DIRECTORY, 0, 0, new byte[0]);
    }

    InitialRamDisk executable(String path, byte[] content) {
        return entry(path, EXECUTABLE, 0, 0, content);
    }

    InitialRamDisk file(String path, String content) {
        return entry(path, PLAIN_FILE, 0, 0, content.getBytes(StandardCharsets.UTF_8));
    }

    InitialRamDisk link(String path, String target) {
        return entry(path, SYMBOLIC_LINK, 0, 0, target.getBytes(StandardCharsets.UTF_8));
    }

    InitialRamDisk characterDevice(String path, int major, int minor) {
        return entry(path, CHARACTER_DEVICE, major, minor, new byte[0]);
    }

    /** Ends the archive. */
    byte[] bytes() {
        write("TRAILER!!!", 0, 0, 1, 0, 0, new byte[0]);
        return archive.toByteArray();
    }

    private InitialRamDisk entry(String path, int mode, int major, int minor, byte[] content) {
        boolean isDirectory = mode == DIRECTORY;
        write(path, ++inode, mode, isDirectory ? 2 : 1, major, minor, content);
        return this;
    }

    private void write(String path, int number, int mode, int links, int major, int minor, byte[] content) {
        byte[] name = path.getBytes(StandardCharsets.UTF_8);
        int[] fields = {number, mode, 0, 0, links, 0, content.length, 0, 0, major, minor, name.length + 1, 0};
        StringBuilder header = new StringBuilder(HEADER_SIZE).append("070701");
        for (int field : fields) {
            header.append(String.format(Locale.ROOT, "%08X", field));
        }
        archive.writeBytes(header.toString().getBytes(StandardCharsets.US_ASCII));
        archive.writeBytes(name);
        archive.write(0);
        align();
        archive.writeBytes(content);
        align();
    }

    /** Header with name, and content, both end on a multiple of four bytes. */
    private void align() {
        while (archive.size() % 4 != 0) {
            archive.write(0);
        }
    }
}
