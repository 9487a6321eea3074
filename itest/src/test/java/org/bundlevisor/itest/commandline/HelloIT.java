package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import org.bundlevisor.itest.commandline.Bundlevisor.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code bundlevisor run hello}: the guest that needs no network. */
class HelloIT {
    @TempDir
    Path folder;

    @Test
    void showsItsCpuCountsTicksAndPowersOff() throws IOException {
        Path module = Files.writeString(folder.resolve("module"), "a module");

        Result run = Bundlevisor.run("run", "hello", "--memory", "32M", "--append", "one two", "--initrd",
                module.toString());

        assertThat(run.output()).startsWith("Hello from a guest of Bundlevisor.\r\n")
                .contains("CPU vendor:    GenuineIntel\r\n",
                        "CPU name:      Bundlevisor x86-64-v2 processor\r\n",
                        "Memory:        32 MiB\r\n",
                        "Command line:  one two\r\n",
                        "Modules:       1\r\n",
                        "Timer ticks:   1 2 3 4 5 6 7 8 9 10 \r\n")
                .endsWith("Good-bye.\r\n");
        assertThat(run.errors()).isEmpty();
        assertThat(run.status()).isZero();
    }

    @Test
    void statisticsAndTraceTellOfTheSameExits() throws IOException {
        Path statisticsFile = folder.resolve("statistics.json");
        Path traceFile = folder.resolve("exits.txt");

        Result run = Bundlevisor.run("run", "hello", "--stats", statisticsFile.toString(), "--trace",
                "exits=" + traceFile);

        assertThat(run.status()).as(run.errors()).isZero();
        Statistics statistics = Statistics.read(statisticsFile);
        assertThat(statistics.json().getString("backend")).isEqualTo("vtx");
        assertThat(statistics.count("status")).isZero();
        assertThat(statistics.count("cpus")).isEqualTo(1);
        assertThat(statistics.seconds("guestSeconds")).as("ten ticks, twenty a second").isGreaterThan(0.45);
        assertThat(statistics.seconds("wallSeconds")).isGreaterThan(0.45);
        assertThat(statistics.count("instructions")).isGreaterThan(1000);
        assertThat(statistics.count("instructionsPerSecond")).isCloseTo(
                Math.round(statistics.count("instructions") / statistics.seconds("wallSeconds")),
                offset(1L));
        assertThat(statistics.count("tlbMisses")).isPositive();
        assertThat(statistics.count("tracesDecoded")).isPositive();
        assertThat(statistics.count("tracesInvalidated")).isNotNegative();
        assertThat(statistics.exits()).containsKeys("CPUID", "I/O instruction", "HLT");
        assertThat(ExitTrace.read(traceFile)).isEqualTo(statistics.exits());
    }

    @Test
    void exitsAreTracedToStandardErrorWhenNoFileIsGiven() {
        Result run = Bundlevisor.run("run", "hello", "--trace", "exits");

        assertThat(run.status()).isZero();
        assertThat(run.errors().lines()).allMatch(line -> line.startsWith("cpu 0  "))
                .anyMatch(line -> line.contains("  CPUID"));
        assertThat(run.output()).endsWith("Good-bye.\r\n");
    }

    /** Both at once, so that they would get in each other's way if they could. */
    @Test
    void twoRunsOnACountedClockAreTheSameToTheLastInstruction() throws IOException {
        Path first = folder.resolve("first.json");
        Path second = folder.resolve("second.json");
        try (Bundlevisor one = startCounted(first); Bundlevisor other = startCounted(second)) {
            Result oneEnd = one.end();
            Result otherEnd = other.end();

            assertThat(List.of(oneEnd.status(), otherEnd.status())).containsOnly(0);
            assertThat(otherEnd.output()).isEqualTo(oneEnd.output()).endsWith("Good-bye.\r\n");
        }
        Statistics statistics = Statistics.read(first);
        assertThat(Statistics.read(second).count("instructions")).isEqualTo(statistics.count("instructions"));
        assertThat(Statistics.read(second).exits()).isEqualTo(statistics.exits());
        assertThat(Statistics.read(second).seconds("guestSeconds")).isEqualTo(statistics.seconds("guestSeconds"));
    }

    private Bundlevisor startCounted(Path statistics) throws IOException {
        Path nothing = Files.write(statistics.resolveSibling(statistics.getFileName() + ".in"), new byte[0]);
        return Bundlevisor.startWithInput(nothing, "run", "hello", "--clock", "counted", "--stats",
                statistics.toString());
    }

    @Test
    void ctrlAXLeavesAGuestThatWouldNotEnd() throws IOException {
        // jmp to itself, behind an out of 'A' to the first serial port
        Path kernel = Images.multiboot(folder.resolve("kernel"), 0xba, 0xf8, 3, 0, 0, 0xb0, 'A', 0xee, 0xeb, 0xfe);
        try (Bundlevisor run = Bundlevisor.start("run", "--kernel", kernel.toString())) {
            Matcher shown = run.expect("A");
            assertThat(shown.start()).isZero();
            run.type("\u0001x");

            Result end = run.end();
            assertThat(end.errors()).isEmpty();
            assertThat(end.status()).isZero();
        }
    }
}
