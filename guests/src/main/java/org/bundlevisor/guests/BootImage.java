package org.bundlevisor.guests;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.zip.GZIPInputStream;

/**
 * Takes the kernel proper, an ELF file, out of a Linux bzImage. Field offsets are of the kernel's
 * {@code Documentation/arch/x86/boot.rst}.
 */
public final class BootImage {
    private static final int SETUP_SECTORS = 0x1f1;
    private static final int HEADER_MAGIC = 0x202;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24c;
    private static final int SECTOR = 512;

    /** "HdrS". */
    private static final int MAGIC = 0x5372_6448;

    /** {@code scripts/Makefile.lib} of the kernel appends the unpacked size to each payload but gzip's, which ends with it. */
    private static final int SIZE_FIELD = 4;

    private static final int GZIP_MAGIC = 0x8b1f;

    /** What {@code lz4 -l} writes: this magic, then blocks, each behind its length. */
    private static final int LZ4_LEGACY_MAGIC = 0x184c_2102;

    private BootImage() {}

    /**
     * The unpacked {@code vmlinux}.
     *
     * @throws GuestException in one sentence, when the file is no bzImage, or is packed in a way that is not known here
     */
    public static byte[] vmlinux(Path bzImage) throws GuestException, IOException {
        ByteBuffer image = ByteBuffer.wrap(Files.readAllBytes(bzImage)).order(ByteOrder.LITTLE_ENDIAN);
        if (image.limit() < PAYLOAD_LENGTH + 4 || image.getInt(HEADER_MAGIC) != MAGIC) {
            throw new GuestException(bzImage + ": no Linux boot header (expected \"HdrS\" at 0x202)");
        }
        int setupSectors = Byte.toUnsignedInt(image.get(SETUP_SECTORS));
        // boot.rst: "For backwards compatibility, if the setup_sects field contains 0, the real value is 4."
        int start = ((setupSectors == 0 ? 4 : setupSectors) + 1) * SECTOR + image.getInt(PAYLOAD_OFFSET);
        int length = image.getInt(PAYLOAD_LENGTH);
        if (start < 0 || length < 2 * SIZE_FIELD || start > image.limit() - length) {
            throw new GuestException(bzImage + ": truncated, the payload ends behind the end of the file");
        }
        byte[] payload = Arrays.copyOfRange(image.array(), start, start + length);
        if ((image.getShort(start) & 0xffff) == GZIP_MAGIC) {
            try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(payload))) {
                return in.readAllBytes();
            }
        }
        if (image.getInt(start) == LZ4_LEGACY_MAGIC) {
            return lz4(ByteBuffer.wrap(payload).order(ByteOrder.LITTLE_ENDIAN), bzImage);
        }
        throw new GuestException("%s: payload starts with 0x%08x (expected gzip or lz4); take a kernel of Debian's"
                .formatted(bzImage, image.getInt(start)));
    }

    private static byte[] lz4(ByteBuffer payload, Path bzImage) throws GuestException {
        int end = payload.limit() - SIZE_FIELD;
        byte[] unpacked = new byte[payload.getInt(end)];
        int written = 0;
        payload.position(4);
        try {
            while (payload.position() < end) {
                int length = payload.getInt();
                ByteBuffer block = payload.slice(payload.position(), length);
                written = lz4Block(block, unpacked, written);
                payload.position(payload.position() + length);
            }
        } catch (IndexOutOfBoundsException | IllegalArgumentException | java.nio.BufferUnderflowException e) {
            throw new GuestException(bzImage + ": the lz4 payload is damaged", e);
        }
        if (written != unpacked.length) {
            throw new GuestException("%s: the lz4 payload unpacks to %d bytes (expected %d)"
                    .formatted(bzImage, written, unpacked.length));
        }
        return unpacked;
    }

    /** One block as in lz4's {@code doc/lz4_Block_format.md}. */
    private static int lz4Block(ByteBuffer in, byte[] out, int start) {
        int at = start;
        while (in.hasRemaining()) {
            int token = Byte.toUnsignedInt(in.get());
            int literals = lz4Length(in, token >>> 4);
            in.get(out, at, literals);
            at += literals;
            if (!in.hasRemaining()) {
                break; // the last sequence ends after its literals
            }
            int distance = Short.toUnsignedInt(in.order(ByteOrder.LITTLE_ENDIAN).getShort());
            int length = lz4Length(in, token & 15) + 4;
            for (int i = 0; i < length; i++, at++) {
                out[at] = out[at - distance]; // bytewise, for source and target may overlap
            }
        }
        return at;
    }

    private static int lz4Length(ByteBuffer in, int nibble) {
        int length = nibble;
        if (nibble == 15) {
            int more;
            do {
                more = Byte.toUnsignedInt(in.get());
                length += more;
            } while (more == 255);
        }
        return length;
    }
}
