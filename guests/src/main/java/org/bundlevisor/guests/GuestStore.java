package org.bundlevisor.guests;

import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;

/**
 * The guests that can be run by name, in a folder of the user's cache. What is not there yet is fetched; what is there is
 * never changed, so any number of processes may use the same folder. To fetch a newer kernel, remove the guest's folder.
 */
public final class GuestStore {
    /** What the shell of the guest {@code linux} asks for a command with. */
    public static final String LINUX_PROMPT = "guest:/# ";

    /** How the first line that the guest {@code linux} writes from user space begins. */
    public static final String LINUX_FIRST_LINE = "Bundlevisor guest: ";

    private static final String HELLO = "hello.elf";

    private final Path folder;
    private final Consumer<String> progress;

    /**
     * @param folder where the guests' files lie; made when it is first needed
     * @param progress is told in short lines what a fetch does
     */
    public GuestStore(Path folder, Consumer<String> progress) {
        this.folder = folder.toAbsolutePath();
        this.progress = progress;
    }

    /** The store of this user: {@code $XDG_CACHE_HOME/bundlevisor} or {@code ~/.cache/bundlevisor}. */
    public static GuestStore ofUser(Map<String, String> environment, Consumer<String> progress) {
        String base = environment.getOrDefault("XDG_CACHE_HOME", "");
        // the XDG base directory specification has relative paths ignored
        Path cache = Path.of(base).isAbsolute() ? Path.of(base) : Path.of(System.getProperty("user.home"), ".cache");
        return new GuestStore(cache.resolve("bundlevisor"), progress);
    }

    /** A guest that can be named. @param fetched whether nothing needs to be fetched any more */
    public record Offer(String name, String description, boolean fetched) {}

    /** All guests, in the order to show them. */
    public List<Offer> offers() {
        return Arrays.stream(Kind.values())
                .map(kind -> new Offer(
                        kind.label, kind.description,
                        kind == Kind.HELLO || Files.isDirectory(folder.resolve(kind.label))))
                .toList();
    }

    /**
     * The guest of this name, fetched first when it is not there yet.
     *
     * @throws GuestException in one sentence, when there is no such guest or when it cannot be fetched
     */
    public Guest fetch(String name) throws GuestException {
        Kind kind = Arrays.stream(Kind.values())
                .filter(known -> known.label.equals(name))
                .findFirst()
                .orElseThrow(() -> new GuestException("unknown guest \"%s\" (known are: %s)"
                        .formatted(
                                name,
                                String.join(", ", offers().stream().map(Offer::name).toList()))));
        try {
            Path home = folder.resolve(kind.label);
            if (!Files.isDirectory(home)) {
                fetchOnce(kind, home);
            }
            return switch (kind) {
                case LINUX ->
                        new Guest(name, home.resolve("kernel"), Optional.of(initramfs(home)), "console=ttyS0 panic=-1");
                case MEMTEST -> new Guest(name, home.resolve("kernel"), Optional.empty(), "console=ttyS0,115200");
                case HELLO -> new Guest(name, shipped(home), Optional.empty(), "");
            };
        } catch (IOException e) {
            throw new GuestException("guest \"%s\" cannot be kept in %s: %s".formatted(name, folder, e.getMessage()),
                    e);
        }
    }

    private enum Kind {
        LINUX("linux", "Debian's cloud kernel and a shell of BusyBox"),
        MEMTEST("memtest", "memtest86+"),
        HELLO("hello", "ships with Bundlevisor: shows its CPU, counts timer ticks and powers off");

        private final String label;
        private final String description;

        Kind(String label, String description) {
            this.label = label;
            this.description = description;
        }
    }

    private void fetchOnce(Kind kind, Path home) throws GuestException, IOException {
        Files.createDirectories(folder);
        try (FileChannel channel = FileChannel.open(folder.resolve("lock"), StandardOpenOption.CREATE,
                StandardOpenOption.WRITE);
                FileLock lock = lock(channel)) {
            if (!lock.isValid() || Files.isDirectory(home)) {
                return;
            }
            Path staging = Files.createTempDirectory(folder, "fetch-");
            try {
                Path complete = Files.createDirectory(staging.resolve("complete"));
                switch (kind) {
                    case LINUX -> fetchLinux(staging, complete);
                    case MEMTEST -> fetchMemtest(staging, complete);
                    case HELLO -> {}
                }
                Files.move(complete, home, StandardCopyOption.ATOMIC_MOVE);
            } finally {
                delete(staging);
            }
        }
    }

    /** Waits for the lock as processes do, also against another thread of this process. */
    private FileLock lock(FileChannel channel) throws GuestException, IOException {
        boolean told = false;
        while (true) {
            FileLock lock = tryLock(channel);
            if (lock != null) {
                return lock;
            }
            if (!told) {
                progress.accept("waiting for another Bundlevisor that is fetching into " + folder);
                told = true;
            }
            try {
                TimeUnit.MILLISECONDS.sleep(200);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new GuestException("fetching was interrupted", e);
            }
        }
    }

    private static @Nullable FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // another thread of this process holds it; the caller waits for it as for another process
            return null;
        }
    }

    private void fetchLinux(Path staging, Path complete) throws GuestException, IOException {
        Apt apt = new Apt(folder.resolve("apt"), progress);
        apt.update();
        String kernelPackage = apt.dependency("linux-image-cloud-amd64", "linux-image-");
        Path kernel = staging.resolve("kernel");
        apt.unpack(kernelPackage, kernel);
        Path busybox = staging.resolve("busybox");
        apt.unpack("busybox-static", busybox);
        Files.move(only(kernel.resolve("boot"), "vmlinuz-"), complete.resolve("kernel"));
        // Debian's usr-merged releases have moved it
        Path program = Stream.of("bin/busybox", "usr/bin/busybox")
                .map(busybox::resolve)
                .filter(Files::isRegularFile)
                .findFirst()
                .orElseThrow(() -> new GuestException("package busybox-static holds no program bin/busybox"));
        Files.move(program, complete.resolve("busybox"));
    }

    private void fetchMemtest(Path staging, Path complete) throws GuestException, IOException {
        Apt apt = new Apt(folder.resolve("apt"), progress);
        apt.update();
        Path files = staging.resolve("memtest");
        apt.unpack("memtest86+", files);
        Files.move(only(files.resolve("boot"), "memtest86+x64.bin"), complete.resolve("kernel"));
    }

    private static Path only(Path directory, String prefix) throws GuestException, IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.filter(file -> file.getFileName().toString().startsWith(prefix))
                    .findFirst()
                    .orElseThrow(() -> new GuestException("the fetched package holds no file boot/" + prefix));
        }
    }

    /** Other versions of this code write other contents, so each has a name of its own. */
    private static Path initramfs(Path home) throws IOException {
        byte[] init = resource("init");
        byte[] profile = resource("profile");
        CRC32 version = new CRC32();
        version.update(init);
        version.update(profile);
        Path file = home.resolve("initramfs-%08x.cpio".formatted(version.getValue()));
        if (!Files.exists(file)) {
            replace(file, linuxRamDisk(Files.readAllBytes(home.resolve("busybox")), init, profile));
        }
        return file;
    }

    static byte[] linuxRamDisk(byte[] busybox, byte[] init, byte[] profile) {
        InitialRamDisk disk = new InitialRamDisk();
        for (String directory : List.of("bin", "dev", "etc", "proc", "root", "sys", "tmp", "usr")) {
            disk.directory(directory);
        }
        // the kernel opens it for the first process before anything is mounted
        disk.characterDevice("dev/console", 5, 1);
        disk.link("sbin", "bin").link("usr/bin", "../bin").link("usr/sbin", "../bin");
        disk.executable("bin/busybox", busybox).link("bin/sh", "busybox");
        disk.file("etc/passwd", "root::0:0:root:/root:/bin/sh\n").file("etc/group", "root:x:0:\n");
        disk.file("etc/profile", new String(profile, StandardCharsets.UTF_8));
        disk.executable("init", init);
        return disk.bytes();
    }

    private static Path shipped(Path home) throws IOException {
        byte[] program = resource(HELLO);
        CRC32 version = new CRC32();
        version.update(program);
        Path file = home.resolve("hello-%08x.elf".formatted(version.getValue()));
        if (!Files.exists(file)) {
            replace(file, program);
        }
        return file;
    }

    private static byte[] resource(String name) throws IOException {
        try (InputStream in = GuestStore.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("the resource " + name + " is missing in this build; build again");
            }
            return in.readAllBytes();
        }
    }

    /** Whoever reads meanwhile sees no file or the whole file. */
    private static void replace(Path file, byte[] content) throws IOException {
        Path temporary = Files.createTempFile(file.getParent(), "write-", ".tmp");
        try {
            Files.write(temporary, content);
            Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(temporary);
        }
    }

    private static void delete(Path root) throws IOException {
        Files.walkFileTree(root, new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) throws IOException {
                Files.delete(file);
                return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path directory, @Nullable IOException failure)
                    throws IOException {
                if (failure != null) {
                    throw failure;
                }
                Files.delete(directory);
                return FileVisitResult.CONTINUE;
            }
        });
    }
}
