package org.bundlevisor.guests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Stream;

/**
 * The host's apt, used without privileges: its package lists and its cache lie in a folder of ours, the sources, keys and
 * proxies are the host's. apt checks each list against the archive's signature and each package against the list.
 */
final class Apt {
    private static final String INSTEAD = "; pass a kernel of your own with --kernel and --initrd";

    private final Path state;
    private final Consumer<String> progress;

    Apt(Path state, Consumer<String> progress) {
        this.state = state;
        this.progress = progress;
    }

    /** Reads the package lists of the host's sources anew. */
    void update() throws GuestException, IOException {
        Files.createDirectories(state.resolve("lists/partial"));
        Files.createDirectories(state.resolve("cache/archives/partial"));
        progress.accept("reading the package lists of this host's apt sources");
        run(state, "apt-get", "-q", "update");
    }

    /** The package that a meta package stands for. */
    String dependency(String metaPackage, String prefix) throws GuestException, IOException {
        return run(state, "apt-cache", "depends", metaPackage).stream()
                .map(String::strip)
                .filter(line -> line.startsWith("Depends: " + prefix))
                .map(line -> line.substring("Depends: ".length()))
                .findFirst()
                .orElseThrow(() -> new GuestException("apt knows no package that " + metaPackage + " depends on; add"
                        + " Debian's archive to this host's apt sources" + INSTEAD));
    }

    /** Downloads a package and unpacks it into a folder. */
    void unpack(String name, Path folder) throws GuestException, IOException {
        Path download = Files.createDirectories(folder.resolveSibling(folder.getFileName() + ".download"));
        List<String> announced = run(download, "apt-get", "-qq", "--print-uris", "download", name);
        Announcement announcement = announced.stream()
                .filter(line -> line.startsWith("'"))
                .map(Announcement::parse)
                .findFirst()
                .orElseThrow(() -> new GuestException("apt does not say where package " + name + " is" + INSTEAD));
        progress.accept("fetching %s (%.1f MB)".formatted(name, announcement.size() / 1e6));
        run(download, "apt-get", "-q", "download", name);
        Path archive;
        try (Stream<Path> files = Files.list(download)) {
            archive = files.filter(file -> file.toString().endsWith(".deb"))
                    .findFirst()
                    .orElseThrow(
                            () -> new GuestException("apt-get download left no package file of " + name + INSTEAD));
        }
        announcement.verify(archive);
        run(download, "dpkg-deb", "-x", archive.toString(), folder.toString());
    }

    /** What apt says of a package file before it fetches it: {@code 'uri' file size algorithm:digest}. */
    record Announcement(long size, String algorithm, String digest) {
        static Announcement parse(String line) {
            String[] words = line.split(" ");
            String[] hash = words.length > 3 ? words[3].split(":", 2) : new String[0];
            return new Announcement(
                    words.length > 2 ? Long.parseLong(words[2]) : -1,
                    hash.length == 2 ? hash[0] : "",
                    hash.length == 2 ? hash[1] : "");
        }

        void verify(Path file) throws GuestException, IOException {
            if (Files.size(file) != size) {
                throw new GuestException("%s has %d bytes, but apt announced %d; fetch again"
                        .formatted(file.getFileName(), Files.size(file), size));
            }
            if (algorithm.equals("SHA256") && !digest.equals(sha256(file))) {
                throw new GuestException(
                        file.getFileName() + " does not have the SHA-256 that apt announced; fetch again");
            }
        }

        private static String sha256(Path file) throws IOException {
            try (InputStream in = Files.newInputStream(file)) {
                MessageDigest digest = MessageDigest.getInstance("SHA-256");
                byte[] buffer = new byte[1 << 16];
                for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                    digest.update(buffer, 0, n);
                }
                return HexFormat.of().formatHex(digest.digest());
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("every Java platform has SHA-256", e);
            }
        }
    }

    private List<String> run(Path directory, String program, String... arguments) throws GuestException, IOException {
        List<String> command = new ArrayList<>();
        command.add(program);
        if (program.startsWith("apt")) {
            for (String option : options()) {
                command.add("-o");
                command.add(option);
            }
        }
        command.addAll(List.of(arguments));
        ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile()).redirectErrorStream(true);
        builder.environment().put("LC_ALL", "C.UTF-8");
        builder.environment().put("DEBIAN_FRONTEND", "noninteractive");
        Process process;
        try {
            process = builder.start();
        } catch (IOException e) {
            throw new GuestException(program + " was not found on this host, so nothing can be fetched" + INSTEAD, e);
        }
        process.getOutputStream().close();
        List<String> output = new ArrayList<>();
        try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                output.add(line);
                if (line.startsWith("Get:")) {
                    progress.accept(line);
                }
            }
        }
        int status = waitFor(process);
        if (status != 0) {
            String said = output.stream()
                    .filter(line -> line.startsWith("E: "))
                    .map(line -> line.substring(3))
                    .findFirst()
                    .orElse("status " + status);
            throw new GuestException(
                    "%s %s failed: %s%s".formatted(program, arguments[arguments.length - 1], said, INSTEAD));
        }
        return output;
    }

    private static int waitFor(Process process) throws GuestException {
        try {
            return process.waitFor();
        } catch (InterruptedException e) {
            process.destroy();
            Thread.currentThread().interrupt();
            throw new GuestException("fetching was interrupted", e);
        }
    }

    /**
     * Guests are amd64 whatever the host is. Root would hand downloads to the user {@code _apt}, who cannot write here.
     */
    private List<String> options() {
        return List.of(
                "Dir::State=" + state,
                "Dir::State::Lists=" + state.resolve("lists"),
                "Dir::State::Status=/dev/null",
                "Dir::Cache=" + state.resolve("cache"),
                "Dir::Log=" + state,
                "APT::Architecture=amd64",
                "APT::Architectures=amd64",
                "APT::Sandbox::User=root",
                "Acquire::Languages=none");
    }
}
