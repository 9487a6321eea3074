import java.io.IOException;
import java.io.InputStream;
import java.lang.ProcessBuilder.Redirect;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Boots the same kernel with the same initial RAM disk and the same command line under several emulators, one after the
 * other, and compares the time from process start to the first line of user space. See bench/boot. Linux hosts only: what
 * a process has used is read from /proc.
 */
final class Boot {
    private static final String FIRST_LINE = "Bundlevisor guest: ";
    private static final String APPEND = "console=ttyS0";
    private static final int LIMIT_SECONDS = 300;

    private final Path top;
    private final Path scratch;
    private int runs = 3;
    private int mebibytes = 512;
    private List<String> only = List.of("bundlevisor", "qemu", "bochs");
    private Path kernel;
    private Path initramfs;

    private Boot(Path top, Path scratch) {
        this.top = top;
        this.scratch = scratch;
    }

    public static void main(String[] arguments) throws Exception {
        Path scratch = Files.createTempDirectory("boot-");
        try {
            Boot boot = new Boot(Path.of(arguments[0]), scratch);
            for (int i = 1; i + 1 < arguments.length; i += 2) {
                switch (arguments[i]) {
                    case "--runs" -> boot.runs = Integer.parseInt(arguments[i + 1]);
                    case "--memory" -> boot.mebibytes = Integer.parseInt(arguments[i + 1]);
                    case "--only" -> boot.only = List.of(arguments[i + 1].split(","));
                    default -> throw new IllegalArgumentException(
                            arguments[i] + " is unknown (expected --runs N, --memory MIB or --only NAMES)");
                }
            }
            boot.compare();
        } catch (IllegalArgumentException | IllegalStateException e) {
            System.err.println("bench/boot: " + e.getMessage());
            System.exit(2);
        } finally {
            try (Stream<Path> files = Files.walk(scratch)) {
                for (Path file : files.sorted(Comparator.reverseOrder()).toList()) Files.delete(file);
            }
        }
    }

    /**
     * One boot.
     *
     * @param wall seconds from process start to the first line
     * @param cpu seconds of CPU time until then
     * @param instructions guest instructions, 0 where nobody counts them
     * @param resident bytes of physical memory at that moment, guest RAM included
     * @param overhead bytes of it outside guest RAM
     */
    private record Sample(double wall, double cpu, long instructions, long resident, long overhead) {}

    private void compare() throws Exception {
        fetch();
        describe();
        System.out.printf("%-12s %8s %8s %14s %7s %9s %12s %7s%n", "", "wall s", "CPU s", "instructions", "MIPS", "RSS MiB",
                "beyond RAM", "ratio");
        double first = 0;
        for (String name : only) {
            Optional<String> missing = missing(name);
            if (missing.isPresent()) {
                System.out.printf("%-12s left out: %s%n", name, missing.get());
                continue;
            }
            List<Sample> samples = new ArrayList<>();
            for (int i = 0; i < runs; i++) samples.add(boot(name));
            samples.sort(Comparator.comparingDouble(Sample::wall));
            Sample median = samples.get((runs - 1) / 2);
            if (first == 0) first = median.wall();
            System.out.printf(Locale.ROOT, "%-12s %8.2f %8.2f %14s %7s %9.0f %12.0f %7.2f%n", name, median.wall(),
                    median.cpu(), median.instructions() == 0 ? "-" : String.format("%,d", median.instructions()),
                    median.instructions() == 0 ? "-"
                            : String.format(Locale.ROOT, "%.1f", median.instructions() / median.wall() / 1e6),
                    median.resident() / 0x1p20, median.overhead() / 0x1p20, first / median.wall());
        }
        System.out.printf("Median of %d run%s. ratio: how many times faster than the first row.%n", runs,
                runs == 1 ? "" : "s");
    }

    private Sample boot(String name) throws Exception {
        return switch (name) {
            case "bundlevisor" -> bundlevisor();
            case "qemu" -> qemu();
            default -> bochs();
        };
    }

    private Optional<String> missing(String name) throws IOException {
        return switch (name) {
            case "bundlevisor" -> Optional.empty();
            case "qemu" -> isOnPath("qemu-system-x86_64") ? Optional.empty()
                    : Optional.of("not installed (Debian: qemu-system-x86)");
            case "bochs" -> !isOnPath("bochs") ? Optional.of("not installed (Debian: bochs)")
                    : bochsFile("BIOS-bochs-latest").isEmpty() ? Optional.of("its BIOS is not installed (Debian: bochsbios)")
                    : bochsVideoBios().isEmpty() ? Optional.of("its video BIOS is not installed (Debian: vgabios)")
                    : Optional.empty();
            default -> throw new IllegalArgumentException(name + " is unknown (expected bundlevisor, qemu or bochs)");
        };
    }

    private void fetch() throws Exception {
        String said = output(top.resolve("bundlevisor").toString(), "guest", "fetch", "linux");
        kernel = Path.of(field(said, "kernel +(.*)").orElseThrow());
        initramfs = Path.of(field(said, "initramfs +(.*)").orElseThrow());
    }

    private void describe() throws Exception {
        String cpu = field(Files.readString(Path.of("/proc/cpuinfo")), "model name\\s*: (.*)").orElse("unknown CPU");
        String memory = field(Files.readString(Path.of("/proc/meminfo")), "MemTotal: +(\\d+) kB").orElse("0");
        System.out.printf("Host:   %s, %d CPUs, %.1f GiB, %s%n", cpu, Runtime.getRuntime().availableProcessors(),
                Long.parseLong(memory) / 0x1p20, output("uname", "-sr").strip());
        System.out.printf("Java:   %s%n", System.getProperty("java.vm.version"));
        System.out.printf("Commit: %s%n", optional("git", "-C", top.toString(), "describe", "--always", "--dirty"));
        if (isOnPath("qemu-system-x86_64")) {
            System.out.printf("QEMU:   %s%n", optional("qemu-system-x86_64", "--version"));
        }
        System.out.printf("Guest:  %s, 1 CPU, %d MiB, \"%s\"%n", kernelVersion(), mebibytes, APPEND);
        System.out.println();
    }

    // ---- the three

    private Sample bundlevisor() throws Exception {
        Path statistics = scratch.resolve("statistics.json");
        Process process = start(top.resolve("bundlevisor").toString(), "run", "--kernel", kernel.toString(), "--initrd",
                initramfs.toString(), "--append", APPEND, "--memory", mebibytes + "M", "--stats", statistics.toString());
        Sample sample = measure(process, process.getInputStream());
        process.getOutputStream().write(new byte[]{1, 'x'});
        process.getOutputStream().flush();
        if (!process.waitFor(60, TimeUnit.SECONDS)) throw new IllegalStateException("Bundlevisor does not quit");
        long instructions =
                Long.parseLong(field(Files.readString(statistics), "\"instructions\" *: *(\\d+)").orElseThrow());
        return new Sample(sample.wall(), sample.cpu(), instructions, sample.resident(), sample.overhead());
    }

    private Sample qemu() throws Exception {
        Process process = start("qemu-system-x86_64", "-accel", "tcg", "-machine", "pc", "-cpu", "Nehalem", "-m",
                Integer.toString(mebibytes), "-nodefaults", "-display", "none", "-serial", "stdio", "-kernel",
                kernel.toString(), "-initrd", initramfs.toString(), "-append", APPEND);
        try {
            return measure(process, process.getInputStream());
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    /**
     * Bochs has no way to be given a kernel, so boot parameters, RAM disk and kernel are put into RAM as one image, and the
     * boot sector of a floppy disk jumps to the kernel's 32-bit entry.
     *
     * <p>Bochs gives out memory in blocks of 128 KiB, in the order of first use, but reads an image into it as if it lay
     * in one piece. So the boot sector touches the blocks of the image one after the other; those that the BIOS came to
     * use in between are left empty in the image.
     */
    private Sample bochs() throws Exception {
        byte[] bzImage = Files.readAllBytes(kernel);
        byte[] disk = Files.readAllBytes(initramfs);
        int setup = (Byte.toUnsignedInt(bzImage[0x1f1]) + 1) * 512;
        int entry = IMAGE + RAM_DISK_OFFSET + disk.length + KERNEL_ALIGNMENT - 1 & -KERNEL_ALIGNMENT;
        int size = entry - IMAGE + bzImage.length - setup;
        ByteBuffer image = ByteBuffer.allocate((1 + BIOS_BLOCKS) * BLOCK + size);
        int first = image.capacity() - size;
        image.put(first, bootParameters(bzImage, entry, disk.length));
        image.put(first + RAM_DISK_OFFSET, disk);
        image.put(first + entry - IMAGE, bzImage, setup, bzImage.length - setup);
        Path memory = Files.write(scratch.resolve("memory"), image.array());
        Path serial = Files.createFile(scratch.resolve("serial-" + System.nanoTime()));
        Path floppy = Files.write(scratch.resolve("floppy"), bootSector(entry, IMAGE + size));
        String configuration = """
            display_library: rfb, options="timeout=0"
            megs: %d
            romimage: file=%s
            vgaromimage: file=%s
            cpu: model=corei5_arrandale_m520, count=1, ips=50000000, reset_on_triple_fault=0
            clock: sync=none
            floppya: 1_44=%s, status=inserted
            boot: floppy
            floppy_bootsig_check: disabled=0
            com1: enabled=1, mode=file, dev=%s
            optramimage1: file=%s, address=0x%x
            log: %s
            panic: action=fatal
            error: action=ignore
            info: action=ignore
            """.formatted(mebibytes, bochsFile("BIOS-bochs-latest").orElseThrow(), bochsVideoBios().orElseThrow(), floppy,
                serial, memory, IMAGE - BLOCK, scratch.resolve("bochs.log"));
        Path file = Files.writeString(scratch.resolve("bochsrc"), configuration);
        // Debian's Bochs has its debugger built in, which waits to be told to go on
        Path go = Files.writeString(scratch.resolve("commands"), "continue\n");
        Process process = start("bochs", "-q", "-f", file.toString(), "-rc", go.toString());
        try (InputStream in = Files.newInputStream(serial)) {
            return measure(process, in);
        } finally {
            process.destroyForcibly().waitFor();
        }
    }

    private static final int IMAGE = 0x100_0000;
    private static final int RAM_DISK_OFFSET = 0x2000;
    private static final int BLOCK = 0x2_0000;
    private static final int BIOS_BLOCKS = 6;
    private static final int KERNEL_ALIGNMENT = 0x20_0000;

    /** The kernel's Documentation/arch/x86/zero-page.rst and boot.rst, "32-bit Boot Protocol". */
    private byte[] bootParameters(byte[] image, int entry, int ramDiskSize) {
        ByteBuffer page = ByteBuffer.allocate(4096 + 512).order(ByteOrder.LITTLE_ENDIAN);
        int headerEnd = 0x202 + Byte.toUnsignedInt(image[0x201]);
        page.put(0x1f1, image, 0x1f1, headerEnd - 0x1f1);
        page.put(0x210, (byte) 0xff); // type_of_loader: not registered
        page.putInt(0x214, entry); // code32_start
        page.putInt(0x218, IMAGE + RAM_DISK_OFFSET).putInt(0x21c, ramDiskSize);
        page.putInt(0x228, IMAGE + 4096);
        page.put(4096, APPEND.getBytes(StandardCharsets.US_ASCII));
        long[][] map = {{0, 0x9fc00}, {0x10_0000, ((long) mebibytes << 20) - 0x10_0000 - 0x1_0000}};
        page.put(0x1e8, (byte) map.length); // e820_entries
        for (int i = 0; i < map.length; i++) {
            page.putLong(0x2d0 + i * 20, map[i][0]).putLong(0x2d8 + i * 20, map[i][1]).putInt(0x2e0 + i * 20, 1);
        }
        return page.array();
    }

    /** Switches to flat protected mode and jumps to the kernel, with ESI at its parameters. */
    private static byte[] bootSector(int entry, int end) {
        ByteBuffer sector = ByteBuffer.allocate(1440 * 1024).order(ByteOrder.LITTLE_ENDIAN);
        int gdt = 0x7c80;
        sector.put(bytes(0xfa, 0xfc, 0x31, 0xc0, 0x8e, 0xd8)); // cli; cld; xor ax, ax; mov ds, ax
        sector.put(bytes(0xe4, 0x92, 0x0c, 0x02, 0xe6, 0x92)); // A20 through port 0x92
        sector.put(bytes(0x0f, 0x01, 0x16)).putShort((short) (gdt - 8)); // lgdt [gdt - 8]
        sector.put(bytes(0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0)); // CR0.PE
        int target = 0x7c00 + sector.position() + 5;
        sector.put(bytes(0xea)).putShort((short) target).putShort((short) 0x10); // jmp 0x10:target
        sector.put(bytes(0xb8, 0x18, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0)); // mov eax, 0x18; DS, ES, SS
        sector.put(bytes(0xbe)).putInt(IMAGE); // mov esi, parameters
        sector.put(bytes(0x89, 0xf7)); // mov edi, esi
        sector.put(bytes(0x8a, 0x07)); // next: mov al, [edi]
        sector.put(bytes(0x81, 0xc7)).putInt(0x2_0000); // add edi, 128 KiB
        sector.put(bytes(0x81, 0xff)).putInt(end).put(bytes(0x72, 0xf0)); // cmp edi, end; jb next
        sector.put(bytes(0x31, 0xed, 0x31, 0xff, 0x31, 0xdb)); // EBP, EDI, EBX = 0
        sector.put(bytes(0xb8)).putInt(entry).put(bytes(0xff, 0xe0)); // jmp kernel
        sector.putShort(0x78, (short) 0x1f).putInt(0x7a, gdt); // GDT pointer
        // __BOOT_CS = 0x10 and __BOOT_DS = 0x18, flat
        sector.putLong(0x90, 0x00cf_9a00_0000_ffffL).putLong(0x98, 0x00cf_9200_0000_ffffL);
        sector.putShort(510, (short) 0xaa55);
        return sector.array();
    }

    private static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
        return bytes;
    }

    // ---- measuring

    private long startedAt;

    private Process start(String... command) throws IOException {
        startedAt = System.nanoTime();
        return new ProcessBuilder(command).redirectError(Redirect.appendTo(scratch.resolve("errors").toFile())).start();
    }

    /** Reads the serial port until user space shows itself. A file that grows is read as a stream is. */
    private Sample measure(Process process, InputStream serial) throws Exception {
        StringBuilder line = new StringBuilder();
        while (true) {
            int key = serial.read();
            if (key < 0) {
                if (!process.isAlive()) {
                    throw new IllegalStateException("%s ended before the guest's user space: %s".formatted(
                            process.info().command().orElse("a process"), Files.readString(scratch.resolve("errors"))));
                }
                if (System.nanoTime() - startedAt > LIMIT_SECONDS * 1_000_000_000L) {
                    process.destroyForcibly();
                    throw new IllegalStateException("no user space within " + LIMIT_SECONDS + " s");
                }
                TimeUnit.MILLISECONDS.sleep(5);
            } else if (key == '\n') {
                if (line.indexOf(FIRST_LINE) >= 0) break;
                line.setLength(0);
            } else {
                line.append((char) key);
            }
        }
        double wall = (System.nanoTime() - startedAt) / 1e9;
        Path proc = Path.of("/proc", Long.toString(process.pid()));
        String stat = Files.readString(proc.resolve("stat"));
        // proc(5): utime and stime are fields 14 and 15, in clock ticks; what follows the name begins with field 3
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        double ticks = Double.parseDouble(output("getconf", "CLK_TCK").strip());
        double cpu = (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / ticks;
        long resident = 0;
        long guest = 0;
        long size = 0;
        for (String entry : Files.readAllLines(proc.resolve("smaps"))) {
            if (entry.startsWith("Size:")) size = kibibytes(entry);
            if (entry.startsWith("Rss:")) {
                resident += kibibytes(entry);
                // no other mapping is as large: Java's heap is smaller, and its large reservations are not resident
                if (size >= (long) mebibytes << 20) guest += kibibytes(entry);
            }
        }
        return new Sample(wall, cpu, 0, resident, resident - guest);
    }

    private static long kibibytes(String entry) {
        return Long.parseLong(entry.replaceAll("\\D", "")) << 10;
    }

    // ---- the host

    private String kernelVersion() throws IOException {
        byte[] image = Files.readAllBytes(kernel);
        // boot.rst: kernel_version is at 0x20e, relative to 0x200
        int at = 0x200 + (image[0x20e] & 0xff | (image[0x20f] & 0xff) << 8);
        String version = new String(image, at, 100, StandardCharsets.US_ASCII);
        return "Linux " + version.substring(0, version.indexOf(' '));
    }

    private static Optional<Path> bochsFile(String name) {
        return Stream.of("/usr/share/bochs", "/usr/local/share/bochs").map(folder -> Path.of(folder, name))
                .filter(Files::exists).findFirst();
    }

    private static Optional<Path> bochsVideoBios() {
        return Stream.concat(bochsFile("VGABIOS-lgpl-latest").stream(), Stream.of(Path.of("/usr/share/vgabios/vgabios.bin")))
                .filter(Files::exists).findFirst();
    }

    private static boolean isOnPath(String program) {
        return Stream.of(System.getenv("PATH").split(":")).anyMatch(folder -> Files.isExecutable(Path.of(folder, program)));
    }

    private static Optional<String> field(String text, String pattern) {
        Matcher matcher = Pattern.compile(pattern).matcher(text);
        return matcher.find() ? Optional.of(matcher.group(1).strip()) : Optional.empty();
    }

    private static String output(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectError(Redirect.INHERIT).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) throw new IllegalStateException(String.join(" ", command) + " failed");
        return text;
    }

    private static String optional(String... command) {
        try {
            return output(command).lines().findFirst().orElse("unknown");
        } catch (Exception e) {
            return "unknown";
        }
    }
}
