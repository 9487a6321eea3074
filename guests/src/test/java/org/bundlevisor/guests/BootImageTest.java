package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BootImageTest {
    @TempDir
    Path folder;

    @Test
    void unpacksLz4() throws Exception {
        // three literals and a match of 17 bytes at distance 3 that overlaps itself, then the closing literals
        byte[] block = {
            0x3d, 'a', 'b', 'c', 3, 0, // token: 3 literals, match of 4 + 13
            0x50, 'v', 'w', 'x', 'y', 'z'
        };
        byte[] payload = ByteBuffer.allocate(4 + 4 + block.length + 4)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x184c2102)
                .putInt(block.length)
                .put(block)
                .putInt(3 + 17 + 5)
                .array();

        assertThat(new String(BootImage.vmlinux(bzImage(payload)), StandardCharsets.US_ASCII))
                .isEqualTo("abcabcabcabcabcabcab" + "vwxyz");
    }

    @Test
    void unpacksGzip() throws Exception {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write("the kernel".getBytes(StandardCharsets.US_ASCII));
        }

        assertThat(BootImage.vmlinux(bzImage(packed.toByteArray())))
                .isEqualTo("the kernel".getBytes(StandardCharsets.US_ASCII));
    }

    @Test
    void refusesWhatIsNoKernelInOneSentence() throws Exception {
        Path file = Files.write(folder.resolve("text"), new byte[2000]);

        assertThatThrownBy(() -> BootImage.vmlinux(file))
                .isInstanceOf(GuestException.class)
                .hasMessage(file + ": no Linux boot header (expected \"HdrS\" at 0x202)");
    }

    @Test
    void refusesATruncatedKernel() throws Exception {
        Path image = bzImage(new byte[5000]);
        byte[] bytes = Files.readAllBytes(image);
        Files.write(image, java.util.Arrays.copyOf(bytes, bytes.length - 1));

        assertThatThrownBy(() -> BootImage.vmlinux(image))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("truncated");
    }

    @Test
    void refusesADamagedPayload() throws Exception {
        byte[] payload = ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(0x184c2102)
                .putInt(1_000_000)
                .putInt(12, 10)
                .array();
        Path image = bzImage(payload);

        assertThatThrownBy(() -> BootImage.vmlinux(image))
                .isInstanceOf(GuestException.class)
                .hasMessageContaining("damaged");
    }

    /** One setup sector and a payload, placed 100 bytes into the protected-mode part. */
    private Path bzImage(byte[] payload) throws Exception {
        ByteBuffer image = ByteBuffer.allocate(2 * 512 + 100 + payload.length).order(ByteOrder.LITTLE_ENDIAN);
        image.put(0x1f1, (byte) 1);
        image.putInt(0x202, 0x53726448);
        image.putInt(0x248, 100).putInt(0x24c, payload.length);
        image.put(2 * 512 + 100, payload);
        return Files.write(folder.resolve("bzImage"), image.array());
    }
}
