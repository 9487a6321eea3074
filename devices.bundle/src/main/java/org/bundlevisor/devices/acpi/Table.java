package org.bundlevisor.devices.acpi;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A system description table under construction: little-endian, with the header of ACPI 5.2.6. */
final class Table {
    static final int HEADER_LENGTH = 36;

    /** Address spaces of the generic address structure, ACPI 5.2.3.2. */
    static final int SYSTEM_MEMORY = 0;

    static final int SYSTEM_IO = 1;

    private static final String OEM_IDENTIFIER = "BNDLVR";
    private static final String OEM_TABLE_IDENTIFIER = "BNDLVSOR";
    private static final String CREATOR_IDENTIFIER = "BNDL";
    private static final int CHECKSUM = 9;

    private final ByteBuffer bytes;

    /** Starts a table of a given length with its header. */
    Table(String signature, int revision, int length) {
        bytes = ByteBuffer.allocate(length).order(ByteOrder.LITTLE_ENDIAN);
        text(signature);
        u32(length);
        u8(revision);
        u8(0);
        text(OEM_IDENTIFIER);
        text(OEM_TABLE_IDENTIFIER);
        u32(1);
        text(CREATOR_IDENTIFIER);
        u32(1);
    }

    static byte[] of(String signature, int revision, byte[] body) {
        return new Table(signature, revision, HEADER_LENGTH + body.length).raw(body).finish();
    }

    Table at(int offset) {
        bytes.position(offset);
        return this;
    }

    Table u8(int value) {
        bytes.put((byte) value);
        return this;
    }

    Table u16(int value) {
        bytes.putShort((short) value);
        return this;
    }

    Table u32(long value) {
        bytes.putInt((int) value);
        return this;
    }

    Table u64(long value) {
        bytes.putLong(value);
        return this;
    }

    Table text(String value) {
        return raw(value.getBytes(StandardCharsets.US_ASCII));
    }

    Table raw(byte[] value) {
        bytes.put(value);
        return this;
    }

    /**
     * A generic address structure, ACPI 5.2.3.2.
     *
     * @param width of the register in bits
     * @param accessSize 0 undefined, 1 byte, 2 word, 3 double word, 4 quad word
     */
    Table address(int space, int width, int accessSize, long address) {
        return u8(space).u8(width).u8(0).u8(accessSize).u64(address);
    }

    /** Sets the checksum; the table is complete. */
    byte[] finish() {
        byte[] table = bytes.array();
        table[CHECKSUM] = checksum(table, table.length);
        return table;
    }

    /** The byte that makes the sum of the first so many bytes zero. */
    static byte checksum(byte[] bytes, int length) {
        int sum = 0;
        for (int index = 0; index < length; index++) {
            sum += bytes[index];
        }
        return (byte) -sum;
    }
}
