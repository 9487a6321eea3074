package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AptTest {
    /** SHA-256 of "abc": FIPS 180-2, appendix B.1. */
    private static final String DIGEST = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    private static final String LINE = "'http://host/pool/a_1.deb' a_1_amd64.deb 3 SHA256:" + DIGEST;

    @TempDir
    Path folder;

    @Test
    void readsWhatAptAnnounces() {
        assertThat(Apt.Announcement.parse(LINE)).isEqualTo(new Apt.Announcement(3, "SHA256", DIGEST));
    }

    @Test
    void acceptsThePackageThatWasAnnounced() throws Exception {
        Path file = Files.writeString(folder.resolve("a.deb"), "abc");

        assertThatCode(() -> Apt.Announcement.parse(LINE).verify(file)).doesNotThrowAnyException();
    }

    @Test
    void refusesAPackageOfAnotherSize() throws Exception {
        Path file = Files.writeString(folder.resolve("a.deb"), "abcd");

        assertThatThrownBy(() -> Apt.Announcement.parse(LINE).verify(file))
                .isInstanceOf(GuestException.class)
                .hasMessage("a.deb has 4 bytes, but apt announced 3; fetch again");
    }

    @Test
    void refusesAPackageOfOtherContent() throws Exception {
        Path file = Files.writeString(folder.resolve("a.deb"), "abd");

        assertThatThrownBy(() -> Apt.Announcement.parse(LINE).verify(file))
                .isInstanceOf(GuestException.class)
                .hasMessage("a.deb does not have the SHA-256 that apt announced; fetch again");
    }
}
