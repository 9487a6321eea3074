package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HelloTest {
    private static final Path SOURCE = Path.of("src/guest/hello.asm");
    private static final int PROGRAM_LOAD = 1;

    @TempDir
    Path folder;

    @Test
    void theCheckedInProgramIsWhatItsSourceAssemblesTo() throws Exception {
        assumeTrue(InitialRamDiskTest.isOnPath("nasm"), "nasm is not installed");
        assumeTrue(InitialRamDiskTest.isOnPath("ld"), "ld is not installed");
        Path object = folder.resolve("hello.o");
        Path program = folder.resolve("hello.elf");
        InitialRamDiskTest.output("nasm", "-f", "elf32", SOURCE.toString(), "-o", object.toString());
        InitialRamDiskTest.output(
                "ld", "-m", "elf_i386", "-n", "-N", "-s", "-Ttext=0x100000", "-o", program.toString(),
                object.toString());

        // linkers differ in what they write around it; what is loaded is the program
        assertThat(loaded(checkedIn()))
                .as("run the two commands at the top of %s and copy hello.elf to the resources", SOURCE)
                .isEqualTo(loaded(ByteBuffer.wrap(Files.readAllBytes(program))));
    }

    /** The Multiboot specification, version 0.6.96, 3.1.1: three words that add up to zero, in the first 8192 bytes. */
    @Test
    void theProgramHasAMultibootHeader() throws Exception {
        ByteBuffer file = checkedIn();
        int at = 0;
        while (at < 8192 && file.getInt(at) != 0x1badb002) {
            at += 4;
        }

        assertThat(at).isLessThan(8192);
        assertThat(file.getInt(at) + file.getInt(at + 4) + file.getInt(at + 8)).isZero();
    }

    private static ByteBuffer checkedIn() throws Exception {
        try (InputStream in = HelloTest.class.getResourceAsStream("hello.elf")) {
            return ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    /** Entry point and loadable segments of a 32-bit ELF file, by address. */
    private static Map<Integer, ByteBuffer> loaded(ByteBuffer file) {
        file.order(ByteOrder.LITTLE_ENDIAN);
        Map<Integer, ByteBuffer> segments = new TreeMap<>();
        segments.put(-1, ByteBuffer.allocate(4).putInt(0, file.getInt(24)));
        for (int i = 0; i < file.getShort(44); i++) {
            int header = file.getInt(28) + i * file.getShort(42);
            if (file.getInt(header) == PROGRAM_LOAD) {
                segments.put(file.getInt(header + 12), file.slice(file.getInt(header + 4), file.getInt(header + 16)));
            }
        }
        return segments;
    }
}
