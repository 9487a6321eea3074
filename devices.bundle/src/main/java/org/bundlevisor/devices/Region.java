package org.bundlevisor.devices;

import org.bundlevisor.device.IoRegion;

/** A block of registers made of two functions of the device. */
public final class Region implements IoRegion {
    private final String name;
    private final long length;
    private final Reader reader;
    private final Writer writer;

    /** Reads as {@link IoRegion#read} does. */
    @FunctionalInterface
    public interface Reader {
        long read(long offset, int size);
    }

    /** Writes as {@link IoRegion#write} does. */
    @FunctionalInterface
    public interface Writer {
        void write(long offset, int size, long value);
    }

    /** Reads one byte, 0 to 255. */
    @FunctionalInterface
    public interface ByteReader {
        int read(int offset);
    }

    /** Writes one byte, 0 to 255. */
    @FunctionalInterface
    public interface ByteWriter {
        void write(int offset, int value);
    }

    public Region(String name, long length, Reader reader, Writer writer) {
        this.name = name;
        this.length = length;
        this.reader = reader;
        this.writer = writer;
    }

    /** Registers of eight bits: the bus splits a wider access into single bytes, lowest address first. */
    public static Region ofBytes(String name, long length, ByteReader reader, ByteWriter writer) {
        return new Region(
                name,
                length,
                (offset, size) -> {
                    long value = 0;
                    for (int i = 0; i < size; i++) {
                        value |= (long) reader.read((int) offset + i) << 8 * i;
                    }
                    return value;
                },
                (offset, size, value) -> {
                    for (int i = 0; i < size; i++) {
                        writer.write((int) offset + i, (int) (value >>> 8 * i) & 0xFF);
                    }
                });
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long length() {
        return length;
    }

    @Override
    public long read(long offset, int size) {
        return reader.read(offset, size);
    }

    @Override
    public void write(long offset, int size, long value) {
        writer.write(offset, size, value);
    }
}
