package org.bundlevisor.machine.memory;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Optional;
import org.bundlevisor.device.GuestMemory;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;

/** The RAM of one machine: host memory in the places that a memory map gives it. */
public final class GuestRam implements GuestMemory, AutoCloseable {
    private static final long LARGE_PAGE = 2L << 20;
    private static final long HUGE_PAGE = 1L << 30;
    private static final int CHUNK = 16 << 20;

    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED
            .withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final MemoryMap map;
    private final HostMemory host;
    private final HostRange range;
    private final MemorySegment bytes;

    private volatile WriteListener writeListener = (gpa, size) -> {};

    /** Wants to know what bus masters have written, since processors may hold decoded code of it. */
    @FunctionalInterface
    public interface WriteListener {
        void written(long gpa, long size);
    }

    public GuestRam(HostMemory host, MemoryMap map) throws HostMemoryExhaustedException {
        this.map = map;
        this.host = host;
        range = host.allocate(map.size(), map.size() >= HUGE_PAGE ? HUGE_PAGE : LARGE_PAGE);
        bytes = host.segment().asSlice(range.address(), map.size());
    }

    /** Says who is told of {@link #write}, in place of who was before. */
    public void onWrite(WriteListener listener) {
        writeListener = listener;
    }

    public MemoryMap map() {
        return map;
    }

    /** Maps all of it, with every right. */
    public void mapInto(SecondLevelTables tables) throws HostMemoryExhaustedException {
        for (MemoryMap.Block block : map.blocks()) {
            tables.map(
                    block.address(),
                    range.address() + block.offset(),
                    block.size(),
                    SecondLevelTables.ALL,
                    MemoryType.WRITE_BACK);
        }
    }

    /** Whether there is RAM at an address. */
    public boolean contains(long gpa) {
        return map.offset(gpa, 1) >= 0;
    }

    /** The bytes of a range, or empty where it is not RAM as a whole. */
    public Optional<MemorySegment> slice(long gpa, long size) {
        long offset = map.offset(gpa, size);
        return offset < 0 ? Optional.empty() : Optional.of(bytes.asSlice(offset, size));
    }

    @Override
    public boolean read(long gpa, MemorySegment to) {
        long offset = map.offset(gpa, to.byteSize());
        if (offset < 0) {
            return false;
        }
        MemorySegment.copy(bytes, offset, to, 0, to.byteSize());
        return true;
    }

    @Override
    public boolean write(long gpa, MemorySegment from) {
        long offset = map.offset(gpa, from.byteSize());
        if (offset < 0) {
            return false;
        }
        MemorySegment.copy(from, 0, bytes, offset, from.byteSize());
        writeListener.written(gpa, from.byteSize());
        return true;
    }

    /**
     * Fills a range from a file.
     *
     * @throws IndexOutOfBoundsException when the range is not RAM
     * @throws EOFException when the file ends too early
     */
    public void load(long gpa, FileChannel file, long position, long size) throws IOException {
        MemorySegment target = existing(gpa, size);
        long done = 0;
        while (done < size) {
            ByteBuffer chunk = target.asSlice(done, Math.min(CHUNK, size - done)).asByteBuffer();
            int count = file.read(chunk, position + done);
            if (count < 0) {
                throw new EOFException("the file ends at " + (position + done));
            }
            done += count;
        }
    }

    /** Writes bytes. @throws IndexOutOfBoundsException when the range is not RAM */
    public void put(long gpa, byte... values) {
        existing(gpa, values.length).copyFrom(MemorySegment.ofArray(values));
    }

    /** Writes a word. @throws IndexOutOfBoundsException when the range is not RAM */
    public void putShort(long gpa, int value) {
        existing(gpa, 2).set(SHORT, 0, (short) value);
    }

    /** Writes a doubleword. @throws IndexOutOfBoundsException when the range is not RAM */
    public void putInt(long gpa, int value) {
        existing(gpa, 4).set(INT, 0, value);
    }

    /** Writes a quadword. @throws IndexOutOfBoundsException when the range is not RAM */
    public void putLong(long gpa, long value) {
        existing(gpa, 8).set(LONG, 0, value);
    }

    /** Clears a range. @throws IndexOutOfBoundsException when the range is not RAM */
    public void clear(long gpa, long size) {
        existing(gpa, size).fill((byte) 0);
    }

    private MemorySegment existing(long gpa, long size) {
        return slice(gpa, size)
                .orElseThrow(() -> new IndexOutOfBoundsException("no RAM at 0x%x + 0x%x".formatted(gpa, size)));
    }

    @Override
    public void close() {
        host.free(range);
    }
}
