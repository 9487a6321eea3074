package org.bundlevisor.machine.boot;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.bundlevisor.machine.memory.GuestRam;

/** An open kernel or initial RAM disk, with little-endian access to its head. */
final class ImageFile implements AutoCloseable {
    /** As many bytes as are looked at before it is known what the file is. */
    private static final int HEAD = 0x1_0000;

    private final String name;
    private final FileChannel channel;
    private final long size;
    private final ByteBuffer head;

    /** @param role what the file is to be, for messages: {@code kernel} */
    ImageFile(Path path, String role) throws BootException {
        name = path.toString();
        if (Files.isDirectory(path)) {
            throw refuse("is a folder (expected the file of a " + role + ")");
        }
        FileChannel opened;
        try {
            opened = FileChannel.open(path, StandardOpenOption.READ);
        } catch (NoSuchFileException e) {
            throw refuse("no such file (expected the " + role + "): check the path");
        } catch (AccessDeniedException e) {
            throw refuse("may not be read (expected a readable " + role + "): check its permissions");
        } catch (IOException e) {
            throw refuse("cannot be opened: " + e.getMessage());
        }
        channel = opened;
        try {
            size = channel.size();
            head = ByteBuffer.allocate((int) Math.min(HEAD, size)).order(ByteOrder.LITTLE_ENDIAN);
            while (head.hasRemaining() && channel.read(head, head.position()) >= 0) {
                // until the head is full or the file ends
            }
        } catch (IOException e) {
            close();
            throw refuse("cannot be read: " + e.getMessage());
        }
        head.flip();
    }

    String name() {
        return name;
    }

    long size() {
        return size;
    }

    /** How many bytes the accessors below reach. */
    int headSize() {
        return head.limit();
    }

    int unsignedByte(int offset) {
        return head.get(offset) & 0xff;
    }

    int unsignedShort(int offset) {
        return head.getShort(offset) & 0xffff;
    }

    int doubleword(int offset) {
        return head.getInt(offset);
    }

    long unsignedInt(int offset) {
        return head.getInt(offset) & 0xffff_ffffL;
    }

    long quadword(int offset) {
        return head.getLong(offset);
    }

    byte[] bytes(int offset, int length) {
        byte[] bytes = new byte[length];
        head.get(offset, bytes);
        return bytes;
    }

    /** Copies a part of the file into guest memory, which is known to be RAM. */
    void copy(long position, long length, GuestRam ram, long gpa) throws BootException {
        try {
            ram.load(gpa, channel, position, length);
        } catch (EOFException e) {
            throw truncated(position + length);
        } catch (IOException e) {
            throw refuse("cannot be read: " + e.getMessage());
        }
    }

    /** Checks that the file reaches as far as it says. */
    void expectSize(long expected) throws BootException {
        if (size < expected) {
            throw truncated(expected);
        }
    }

    private BootException truncated(long expected) {
        return refuse("the file is truncated (expected " + expected + " bytes as its header says, found " + size
                + "): fetch or copy it again");
    }

    BootException refuse(String reason) {
        return new BootException(name + ": " + reason);
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new IllegalStateException(name + " could not be closed after reading", e);
        }
    }
}
