package org.bundlevisor.devices.acpi;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Writes ACPI Machine Language, ACPI 20 "ACPI Machine Language (AML) Specification", as far as a description of devices
 * needs it. Each method gives the bytes of one term, so that nested calls read like the ASL source:
 *
 * <pre>scope("\\_SB", device("COM1", name("_HID", eisaId("PNP0501")), name("_CRS", resources(ports(0x3F8, 8), interrupt(4)))))</pre>
 */
final class Aml {
    private static final int ZERO_OP = 0x00;
    private static final int ONE_OP = 0x01;
    private static final int NAME_OP = 0x08;
    private static final int BYTE_PREFIX = 0x0A;
    private static final int WORD_PREFIX = 0x0B;
    private static final int DOUBLE_WORD_PREFIX = 0x0C;
    private static final int STRING_PREFIX = 0x0D;
    private static final int QUAD_WORD_PREFIX = 0x0E;
    private static final int SCOPE_OP = 0x10;
    private static final int BUFFER_OP = 0x11;
    private static final int PACKAGE_OP = 0x12;
    private static final int EXTENDED_OP_PREFIX = 0x5B;
    private static final int DEVICE_OP = 0x82;

    private Aml() {}

    /** {@code Scope (path) {terms}} */
    static byte[] scope(String path, byte[]... terms) {
        return concatenate(bytes(SCOPE_OP), sized(nameString(path), concatenate(terms)));
    }

    /** {@code Device (name) {terms}} */
    static byte[] device(String name, byte[]... terms) {
        return concatenate(bytes(EXTENDED_OP_PREFIX, DEVICE_OP), sized(nameString(name), concatenate(terms)));
    }

    /** {@code Name (path, value)} */
    static byte[] name(String path, byte[] value) {
        return concatenate(bytes(NAME_OP), nameString(path), value);
    }

    /** An integer in its shortest form. */
    static byte[] integer(long value) {
        if (value == 0) {
            return bytes(ZERO_OP);
        }
        if (value == 1) {
            return bytes(ONE_OP);
        }
        if (value >>> 8 == 0) {
            return concatenate(bytes(BYTE_PREFIX), littleEndian(value, 1));
        }
        if (value >>> 16 == 0) {
            return concatenate(bytes(WORD_PREFIX), littleEndian(value, 2));
        }
        if (value >>> 32 == 0) {
            return concatenate(bytes(DOUBLE_WORD_PREFIX), littleEndian(value, 4));
        }
        return concatenate(bytes(QUAD_WORD_PREFIX), littleEndian(value, 8));
    }

    /** A string of ASCII characters. */
    static byte[] text(String value) {
        return concatenate(bytes(STRING_PREFIX), value.getBytes(StandardCharsets.US_ASCII), bytes(0));
    }

    /**
     * {@code EISAID (identifier)}: three letters of five bits and four hexadecimal digits, the most significant byte first
     * in a double word.
     */
    static byte[] eisaId(String identifier) {
        int letters = 0;
        for (int index = 0; index < 3; index++) {
            letters = letters << 5 | identifier.charAt(index) - '@';
        }
        int digits = Integer.parseInt(identifier.substring(3), 16);
        return concatenate(
                bytes(DOUBLE_WORD_PREFIX), bytes(letters >> 8, letters & 0xFF, digits >> 8, digits & 0xFF));
    }

    /** {@code Package () {elements}} */
    static byte[] packageOf(byte[]... elements) {
        return concatenate(bytes(PACKAGE_OP), sized(bytes(elements.length), concatenate(elements)));
    }

    /** {@code ResourceTemplate () {descriptors}}: a buffer that ends with an end tag, ACPI 6.4.2.9. */
    static byte[] resources(byte[]... descriptors) {
        byte[] endTag = bytes(0x79, 0);
        byte[] contents = concatenate(concatenate(descriptors), endTag);
        return concatenate(bytes(BUFFER_OP), sized(integer(contents.length), contents));
    }

    /** {@code IO (Decode16, …)}: ports that lie where they lie, ACPI 6.4.2.5. */
    static byte[] ports(long address, long length) {
        return concatenate(
                bytes(0x47, 1), littleEndian(address, 2), littleEndian(address, 2), littleEndian(1, 1),
                littleEndian(length, 1));
    }

    /** {@code Memory32Fixed (ReadWrite, …)}, ACPI 6.4.3.4. */
    static byte[] memory(long address, long length) {
        return concatenate(bytes(0x86, 9, 0, 1), littleEndian(address, 4), littleEndian(length, 4));
    }

    /** An edge-triggered, active-high, exclusive interrupt: {@code IRQNoFlags} for an ISA interrupt, else {@code Interrupt}. */
    static byte[] interrupt(int number) {
        if (number < 16) {
            return concatenate(bytes(0x22), littleEndian(1L << number, 2));
        }
        return concatenate(bytes(0x89, 6, 0, 0x03, 1), littleEndian(number, 4));
    }

    /** A number of so many bytes, the least significant one first. */
    static byte[] littleEndian(long value, int size) {
        byte[] bytes = new byte[size];
        for (int index = 0; index < size; index++) {
            bytes[index] = (byte) (value >>> 8 * index);
        }
        return bytes;
    }

    static byte[] concatenate(byte[]... parts) {
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            whole.writeBytes(part);
        }
        return whole.toByteArray();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int index = 0; index < values.length; index++) {
            bytes[index] = (byte) values[index];
        }
        return bytes;
    }

    /** One name of up to four characters, padded with underscores, from the root if it begins with a backslash. */
    private static byte[] nameString(String name) {
        boolean root = name.startsWith("\\");
        String segment = root ? name.substring(1) : name;
        if (segment.isEmpty() || segment.length() > 4) {
            throw new IllegalArgumentException("an AML name has one to four characters, not " + segment.length());
        }
        String padded = segment + "_".repeat(4 - segment.length());
        return (root ? "\\" + padded : padded).getBytes(StandardCharsets.US_ASCII);
    }

    /** Puts a package length before the parts, which counts itself: ACPI 20.2.4. */
    private static byte[] sized(byte[]... parts) {
        byte[] body = concatenate(parts);
        int length = body.length;
        if (length + 1 < 1 << 6) {
            return concatenate(bytes(length + 1), body);
        }
        int extra = length + 2 < 1 << 12 ? 1 : length + 3 < 1 << 20 ? 2 : 3;
        int total = length + 1 + extra;
        return concatenate(bytes(extra << 6 | total & 0x0F), littleEndian(total >> 4, extra), body);
    }
}
