package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.assertj.core.api.SoftAssertions;
import org.bundlevisor.guests.GuestStore;
import org.bundlevisor.itest.commandline.Bundlevisor.Result;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Debian's unmodified kernel, as {@code bundlevisor run} boots it. A boot takes long, so that each answers much. */
class LinuxIT {
    /** What a kernel says of trouble. */
    private static final String TROUBLE = "(?m)^.*(?:Oops|BUG:|WARNING:|unhandled|[Uu]nstable|lockup|self-detected stall"
            + "|Call Trace|segfault|Bad page|general protection|invalid opcode|not functional|Firmware Bug).*$";

    @TempDir
    Path folder;

    @BeforeEach
    void fetch() {
        Guests.require("linux");
    }

    @ParameterizedTest(name = "with {0} vCPUs, --cpu {1}")
    @CsvSource(delimiter = '|', value = {"1 | vtx", "2 | vtx", "1 | amdv", "2 | vtx,amdv --swap-every 100ms"})
    void bootsAnswersCommandsAndPowersOff(int cpus, String backends) throws Exception {
        Path file = folder.resolve("statistics.json");
        Result end;
        SoftAssertions all = new SoftAssertions();
        List<String> options = new ArrayList<>(
                List.of("run", "--cpus", Integer.toString(cpus), "--stats", file.toString(), "--cpu"));
        options.addAll(List.of(backends.split(" ")));
        try (Bundlevisor run = Bundlevisor.start(options.toArray(String[]::new))) {
            run.expect("^" + GuestStore.LINUX_FIRST_LINE + "Debian .*, " + cpus + " CPUs?\r?$");
            run.expectPrompt();

            all.assertThat(run.shell("echo $((6*7))")).isEqualTo("42\n");
            all.assertThat(run.shell("uname -a"))
                    .matches("Linux guest \\S+-cloud-amd64 #1 SMP .*Debian .* x86_64 GNU/Linux\n");
            all.assertThat(run.shell("nproc")).isEqualTo(cpus + "\n");
            String processors = run.shell("cat /proc/cpuinfo");
            all.assertThat(processors.lines().filter(line -> line.matches("processor\\s*: \\d+"))).hasSize(cpus);
            all.assertThat(processors).containsPattern("vendor_id\\s*: GenuineIntel")
                    .containsPattern("model name\\s*: Bundlevisor x86-64-v2 processor")
                    .containsPattern("flags\\s*: .*\\bcx16\\b.*\\bsse4_2\\b.*\\bpopcnt\\b")
                    .doesNotContainPattern("flags\\s*: .*\\bavx");
            // each processor takes its own timer interrupts
            all.assertThat(run.shell("grep LOC: /proc/interrupts"))
                    .matches(" *LOC: +" + "[1-9]\\d* +".repeat(cpus) + "Local timer interrupts\n");
            all.assertThat(run.shell("cat /sys/devices/system/clocks*/clock*/current*")).isEqualTo("tsc\n");
            all.assertThat(run.shell("dd if=/dev/zero bs=1M count=4 2>&-|sha256sum"))
                    .isEqualTo(sha256(new byte[4 << 20]) + "  -\n");
            all.assertThat(run.shell("seq 1 20000|sha256sum")).isEqualTo(sha256(numbers(20_000)) + "  -\n");
            if (cpus > 1) {
                // at once, each held to a processor of its own
                run.shell("digest() { taskset $1 seq 9999|sha256sum; }");
                all.assertThat(run.shell("(digest 1 & digest 2; wait)"))
                        .isEqualTo((sha256(numbers(9_999)) + "  -\n").repeat(2));
            }
            run.type("poweroff -f\n");
            end = run.end();
        }
        all.assertThat(end.output().lines().filter(line -> line.matches(TROUBLE))).isEmpty();
        all.assertThat(end.output()).contains("reboot: Power down");
        all.assertThat(end.errors()).isEmpty();
        all.assertThat(end.status()).isZero();

        Statistics statistics = Statistics.read(file);
        all.assertThat(statistics.count("status")).isZero();
        all.assertThat(statistics.count("cpus")).isEqualTo(cpus);
        all.assertThat(statistics.count("instructions")).isGreaterThan(500_000_000);
        all.assertThat(statistics.seconds("guestSeconds")).isBetween(1.0, statistics.seconds("wallSeconds") + 1);
        all.assertThat(statistics.count("tlbMisses")).isGreaterThan(100_000);
        all.assertThat(statistics.count("tracesDecoded")).isGreaterThan(10_000);
        // the kernel patches itself
        all.assertThat(statistics.count("tracesInvalidated")).isPositive();
        if (backends.contains("vtx")) {
            all.assertThat(statistics.exits()).containsKeys("CPUID", "EPT violation", "External interrupt", "HLT",
                    "I/O instruction", "RDMSR", "WRMSR");
        }
        if (backends.contains("amdv")) {
            all.assertThat(statistics.exits()).containsKeys("VMEXIT_CPUID", "VMEXIT_NPF", "VMEXIT_INTR", "VMEXIT_HLT",
                    "VMEXIT_IOIO", "VMEXIT_MSR");
        }
        if (backends.contains("swap")) {
            all.assertThat(statistics.count("swaps")).isGreaterThan(50);
        } else {
            all.assertThat(statistics.count("swaps")).isZero();
        }
        all.assertAll();
    }

    /** Two at once, side by side, on a clock that makes them the same. */
    @Test
    void thePipedCommandsRunTheSameToTheLastInstruction() throws IOException {
        Path input = Files.writeString(folder.resolve("input"), "uname -r\nseq 1 5000|sha256sum\npoweroff -f\n");
        Path first = folder.resolve("first.json");
        Path second = folder.resolve("second.json");
        try (Bundlevisor one = startCounted(input, first); Bundlevisor other = startCounted(input, second)) {
            Result oneEnd = one.end();
            Result otherEnd = other.end();

            assertThat(oneEnd.output()).contains(sha256(numbers(5_000)) + "  -\r\n", "reboot: Power down");
            assertThat(List.of(oneEnd.status(), otherEnd.status())).containsOnly(0);
            assertThat(otherEnd.output()).isEqualTo(oneEnd.output());
        }
        Statistics statistics = Statistics.read(first);
        assertThat(Statistics.read(second).count("instructions")).isEqualTo(statistics.count("instructions"));
        assertThat(Statistics.read(second).exits()).isEqualTo(statistics.exits());
        assertThat(Statistics.read(second).seconds("guestSeconds")).isEqualTo(statistics.seconds("guestSeconds"));
    }

    private static Bundlevisor startCounted(Path input, Path statistics) {
        return Bundlevisor.startWithInput(input, "run", "linux", "--clock", "counted", "--stats",
                statistics.toString());
    }

    @Test
    void tracesExitsByTheNamesOfTheManual() throws IOException {
        Path trace = folder.resolve("exits.txt");
        Path file = folder.resolve("statistics.json");
        try (Bundlevisor run = Bundlevisor.start("run", "--stats", file.toString(), "--trace", "exits=" + trace)) {
            run.expect("Freeing SMP alternatives memory");
            run.type("\u0001x");
            assertThat(run.end().status()).isZero();
        }
        // SDM vol. 3C, 28.1 "Basic VM-exit reasons" as table C-1 has them
        assertThat(ExitTrace.read(trace))
                .containsKeys("Control-register accesses", "CPUID", "EPT violation", "External interrupt",
                        "I/O instruction", "RDMSR", "WRMSR")
                .isEqualTo(Statistics.read(file).exits());
        assertThat(Files.readString(trace)).contains("qualification=", "gpa=0xfee0");
    }

    /** What {@code seq} writes. */
    private static byte[] numbers(int last) {
        return IntStream.rangeClosed(1, last).mapToObj(number -> number + "\n").collect(Collectors.joining())
                .getBytes(StandardCharsets.US_ASCII);
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
    }
}
