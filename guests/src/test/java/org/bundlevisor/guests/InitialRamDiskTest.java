package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InitialRamDiskTest {
    @TempDir
    Path folder;

    @Test
    void headerIsThatOfTheNewAsciiFormat() {
        byte[] archive = new InitialRamDisk().file("etc/a", "12345").bytes();

        String text = new String(archive, StandardCharsets.ISO_8859_1);
        // magic, inode, mode, uid, gid, links, time, size, device, special device, name size, check sum
        assertThat(text)
                .startsWith("070701" + "00000001" + "000081A4" + "00000000" + "00000000" + "00000001" + "00000000"
                        + "00000005" + "00000000" + "00000000" + "00000000" + "00000000" + "00000006" + "00000000"
                        + "etc/a\0");
        // 110 bytes of header and 6 of name end on a multiple of four, five bytes of content do not
        assertThat(text.indexOf("12345")).isEqualTo(116);
        assertThat(text.indexOf("070701", 6)).isEqualTo(124);
        assertThat(text).contains("TRAILER!!!\0");
        assertThat(archive.length % 4).isZero();
    }

    @Test
    void cpioReadsWhatIsWritten() throws Exception {
        assumeTrue(isOnPath("cpio"), "cpio is not installed");
        Path archive = Files.write(
                folder.resolve("disk.cpio"),
                new InitialRamDisk()
                        .directory("dev")
                        .characterDevice("dev/console", 5, 1)
                        .executable("init", new byte[4097])
                        .link("sh", "init")
                        .file("file", "text\n")
                        .bytes());

        List<String> lines = output("cpio", "-itvn", "-F", archive.toString());

        assertThat(lines).hasSize(5);
        assertThat(lines.get(0)).startsWith("drwxr-xr-x   2 0        0").endsWith(" dev");
        assertThat(lines.get(1)).startsWith("crw-------   1 0        0").contains("5,   1").endsWith(" dev/console");
        assertThat(lines.get(2)).startsWith("-rwxr-xr-x").contains(" 4097 ").endsWith(" init");
        assertThat(lines.get(3)).startsWith("lrwxrwxrwx").endsWith(" sh -> init");
        assertThat(lines.get(4)).startsWith("-rw-r--r--").contains(" 5 ").endsWith(" file");
    }

    @Test
    void theSameEntriesGiveTheSameBytes() {
        byte[] busybox = {1, 2, 3};
        byte[] script = "#!/bin/sh\n".getBytes(StandardCharsets.UTF_8);

        assertThat(GuestStore.linuxRamDisk(busybox, script, script))
                .isEqualTo(GuestStore.linuxRamDisk(busybox, script, script));
    }

    static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(File.pathSeparator))
                .anyMatch(directory -> Files.isExecutable(Path.of(directory, program)));
    }

    static List<String> output(String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> lines = process.inputReader().readAllLines();
        assertThat(process.waitFor()).isZero();
        return lines;
    }
}
