package org.bundlevisor.guests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GuestStoreTest {
    @TempDir
    Path folder;

    @Test
    void namesTheGuestsThatItKnowsWhenAskedForAnother() {
        GuestStore store = new GuestStore(folder, line -> {});

        assertThatThrownBy(() -> store.fetch("plan9"))
                .isInstanceOf(GuestException.class)
                .hasMessage("unknown guest \"plan9\" (known are: linux, memtest, hello)");
    }

    @Test
    void helloNeedsNoNetwork() throws Exception {
        GuestStore store = new GuestStore(folder.resolve("cache"), line -> {});

        Guest hello = store.fetch("hello");

        assertThat(hello.kernel()).hasBinaryContent(GuestStore.class
                .getResourceAsStream("hello.elf")
                .readAllBytes());
        assertThat(hello.initramfs()).isEmpty();
        assertThat(store.fetch("hello")).isEqualTo(hello);
    }

    @Test
    void manyMayFetchAtOnceAndLeaveNothingElseBehind() throws Exception {
        Callable<Guest> fetch = () -> new GuestStore(folder, line -> {}).fetch("hello");
        try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
            List<Future<Guest>> guests = threads.invokeAll(Stream.generate(() -> fetch).limit(8).toList());
            for (Future<Guest> guest : guests) {
                assertThat(guest.get()).isEqualTo(guests.getFirst().get());
            }
        }

        try (Stream<Path> files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile).map(file -> file.getFileName().toString()))
                    .hasSize(2)
                    .contains("lock");
        }
    }

    @Test
    void aFolderThatCannotBeMadeIsNamed() throws Exception {
        Path file = Files.createFile(folder.resolve("file"));

        assertThatThrownBy(() -> new GuestStore(file.resolve("cache"), line -> {}).fetch("hello"))
                .isInstanceOf(GuestException.class)
                .hasMessageStartingWith("guest \"hello\" cannot be kept in " + file.resolve("cache"));
    }

    @Test
    void theUsersCacheFolderIsWhereTheDesktopSpecificationSays() throws Exception {
        GuestStore store = GuestStore.ofUser(Map.of("XDG_CACHE_HOME", folder.toString()), line -> {});

        assertThat(store.fetch("hello").kernel()).startsWith(folder.resolve("bundlevisor/hello"));
    }

    @Test
    void onlyWhatIsThereIsOfferedAsFetched() throws Exception {
        Files.createDirectories(folder.resolve("memtest"));

        assertThat(new GuestStore(folder, line -> {}).offers())
                .extracting(GuestStore.Offer::name, GuestStore.Offer::fetched)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple("linux", false),
                        org.assertj.core.groups.Tuple.tuple("memtest", true),
                        org.assertj.core.groups.Tuple.tuple("hello", true));
    }
}
