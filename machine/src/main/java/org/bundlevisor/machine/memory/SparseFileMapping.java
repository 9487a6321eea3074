package org.bundlevisor.machine.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A mapped sparse temporary file: the portable way to memory that costs nothing before it is written. */
final class SparseFileMapping implements Reservation {
    private final Arena arena = Arena.ofShared();
    private final Path folder;
    private final Path file;
    private final MemorySegment segment;

    SparseFileMapping(long size) throws IOException {
        folder = Files.createTempDirectory("bundlevisor");
        file = folder.resolve("memory");
        try (FileChannel channel = FileChannel.open(
                file,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.SPARSE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
            segment = channel.map(MapMode.READ_WRITE, 0, size, arena);
        }
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public void discard(long address, long size) {
        segment.asSlice(address, size).fill((byte) 0);
    }

    @Override
    public String description() {
        return "a sparse file";
    }

    @Override
    public void close() {
        arena.close();
        try {
            Files.deleteIfExists(file);
            Files.deleteIfExists(folder);
        } catch (IOException e) {
            throw new UncheckedIOException("the temporary file of host memory, " + file + ", could not be deleted", e);
        }
    }
}
