package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Fetches from Debian's archive, as a user would, into the user's own cache: later tests and users find it there. */
class GuestStoreIT {
    private final GuestStore store = GuestStore.ofUser(System.getenv(), System.out::println);

    @Test
    void debiansKernelAndAnInitialRamDiskAreThere() throws Exception {
        assumeTrue(InitialRamDiskTest.isOnPath("apt-get"), "apt is not installed");

        Guest linux = store.fetch("linux");

        byte[] kernel = BootImage.vmlinux(linux.kernel());
        assertThat(kernel).startsWith(0x7f, 'E', 'L', 'F');
        assertThat(new String(kernel, StandardCharsets.ISO_8859_1)).containsPattern("Linux version [^ ]*-cloud-amd64 ");
        assumeTrue(InitialRamDiskTest.isOnPath("cpio"), "cpio is not installed");
        List<String> files = InitialRamDiskTest.output(
                "cpio", "-itn", "-F", linux.initramfs().orElseThrow().toString());
        assertThat(files).contains("init", "bin/busybox", "bin/sh", "dev/console", "etc/profile");
    }

    @Test
    void memtestIsABootImage() throws Exception {
        assumeTrue(InitialRamDiskTest.isOnPath("apt-get"), "apt is not installed");

        Path kernel = store.fetch("memtest").kernel();

        assertThat(new String(Files.readAllBytes(kernel), 0x202, 4, StandardCharsets.US_ASCII)).isEqualTo("HdrS");
    }
}
