package org.bundlevisor.itest.commandline;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.bundlevisor.itest.commandline.Bundlevisor.Result;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What cannot be, and what ends a run: one sentence on standard error, and the status that a script can act on. */
class RefusalIT {
    private static final int FAILED = 1;
    private static final int WRONG_USAGE = 2;
    private static final int TIMED_OUT = 124;

    @TempDir
    Path folder;

    @Test
    void thereIsNoKernelFile() {
        Path kernel = folder.resolve("kernel");
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), WRONG_USAGE,
                "--kernel " + kernel + ": there is no such file");
    }

    @Test
    void theKernelIsNone() throws IOException {
        Path kernel = Files.write(folder.resolve("kernel"), new byte[1 << 16]);
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), FAILED,
                kernel + ": no Linux boot header (expected \"HdrS\" at 0x202)");
    }

    @Test
    void theKernelIsEmpty() throws IOException {
        Path kernel = Files.createFile(folder.resolve("kernel"));
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), FAILED, kernel + ": ");
    }

    @Test
    void theKernelIsTruncated() throws IOException {
        Path kernel = Images.bzImage(folder.resolve("kernel"), 1000);
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), FAILED,
                kernel + ": the file is truncated (expected ");
    }

    @Test
    void debiansKernelIsTruncated() throws IOException {
        byte[] whole = Files.readAllBytes(Guests.require("linux").kernel());
        Path kernel = Files.write(folder.resolve("kernel"), Arrays.copyOf(whole, whole.length / 2));
        refused(Bundlevisor.run("run", "linux", "--kernel", kernel.toString()), FAILED,
                kernel + ": the file is truncated (expected ", ", found " + whole.length / 2 + ")");
    }

    @Test
    void theInitialRamDiskIsLargerThanMemory() throws IOException {
        Guests.require("linux");
        Path initrd = sparse(256);
        refused(Bundlevisor.run("run", "linux", "--memory", "128M", "--initrd", initrd.toString()), FAILED,
                initrd + ": an initial RAM disk of 256 MiB does not fit into a memory of 128 MiB");
    }

    @Test
    void theModuleIsLargerThanMemory() throws IOException {
        Path module = sparse(64);
        refused(Bundlevisor.run("run", "hello", "--memory", "64M", "--initrd", module.toString()), FAILED,
                module + ": a module of 64 MiB does not fit into a memory of 64 MiB");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "0G", "1M"})
    void thereIsNoMemory(String size) {
        refused(Bundlevisor.run("run", "hello", "--memory", size), WRONG_USAGE,
                "\"" + size + "\" is not enough memory for a guest (at least 2M)");
    }

    @ParameterizedTest
    @ValueSource(strings = {"much", "-1M", "1.5G", "99999999T"})
    void theSizeOfMemoryIsNone(String size) {
        refused(Bundlevisor.run("run", "hello", "--memory", size), WRONG_USAGE, "\"" + size + "\" is n");
    }

    @Test
    void thereIsMoreMemoryThanTheHostHas() {
        refused(Bundlevisor.run("run", "hello", "--memory", "1000000G"), FAILED, "hello: ", "memory");
    }

    @Test
    void theBackendIsUnknown() {
        refused(Bundlevisor.run("run", "hello", "--cpu", "z80"), WRONG_USAGE,
                "unknown CPU backend \"z80\" (there is: amdv, vtx)");
    }

    @Test
    void theGuestIsUnknown() {
        refused(Bundlevisor.run("run", "plan9"), WRONG_USAGE,
                "unknown guest \"plan9\" (there are: linux, memtest, hello)");
    }

    @Test
    void theCpuModelIsUnknown() {
        refused(Bundlevisor.run("run", "hello", "--cpu-model", "i4004"), FAILED, "i4004", "x86-64-v2");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "65", "-1"})
    void theNumberOfCpusIsImpossible(String cpus) {
        refused(Bundlevisor.run("run", "hello", "--cpus", cpus), WRONG_USAGE, "--cpus " + cpus + ": expected 1 to 64");
    }

    @Test
    void aCountedClockFollowsOneCpu() {
        refused(Bundlevisor.run("run", "hello", "--clock", "counted", "--cpus", "2"), FAILED,
                "hello: a counted clock follows one vCPU and there are 2");
    }

    @Test
    void theStatisticsCannotBeWritten() {
        // a folder is no file, whoever asks
        refused(Bundlevisor.run("run", "hello", "--stats", folder.toString()), WRONG_USAGE,
                "--stats " + folder + ": the file cannot be written");
    }

    @Test
    void theTraceCannotBeWritten() {
        Path file = folder.resolve("no-such-folder/exits");
        refused(Bundlevisor.run("run", "hello", "--trace", "exits=" + file), WRONG_USAGE,
                "--trace exits=" + file + ": the file cannot be written");
    }

    @Test
    void theOptionIsUnknown() {
        refused(Bundlevisor.run("run", "--quickly"), WRONG_USAGE, "--quickly");
    }

    /** lidt with a limit of 0, then int3: no handler for it, none for the fault of that, none for the double fault. */
    @Test
    void tripleFaultOfAMultibootKernel() throws IOException {
        Path kernel = Images.multiboot(folder.resolve("kernel"), 0x0f, 0x01, 0x1d, 0, 0, 0x20, 0, 0xcc);
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), FAILED,
                "vm: triple fault on vCPU 0 at rip=0x100027 ");
    }

    /** The same in 64-bit mode, where the operand of lidt is addressed relative to RIP. */
    @Test
    void tripleFaultOfALinuxKernel() throws IOException {
        Path kernel = Images.bzImage(folder.resolve("kernel"), 0, 0x0f, 0x01, 0x1d, 0, 1, 0, 0, 0xcc);
        refused(Bundlevisor.run("run", "--kernel", kernel.toString()), FAILED,
                "vm: triple fault on vCPU 0 at rip=0x100207 ");
    }

    @Test
    void theTimeIsOver() throws IOException {
        // cli; hlt; jmp to the hlt
        Path kernel = Images.multiboot(folder.resolve("kernel"), 0xfa, 0xf4, 0xeb, 0xfd);
        refused(Bundlevisor.run("run", "--kernel", kernel.toString(), "--timeout", "0.5"), TIMED_OUT,
                "the guest did not end within 0.5 s and was stopped");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 42, 127})
    void theGuestExitsWithAValue(int value) throws IOException {
        // mov al,value; out 0F4H,al; hlt
        Path kernel = Images.multiboot(folder.resolve("kernel"), 0xb0, value, 0xe6, 0xf4, 0xf4);
        Result run = Bundlevisor.run("run", "--kernel", kernel.toString());

        assertThat(run.errors()).isEmpty();
        assertThat(run.status()).isEqualTo(value << 1 | 1);
    }

    private Path sparse(int mebibytes) throws IOException {
        Path file = folder.resolve("sparse");
        try (RandomAccessFile access = new RandomAccessFile(file.toFile(), "rw")) {
            access.setLength((long) mebibytes << 20);
        }
        return file;
    }

    private static void refused(Result run, int status, String... parts) {
        assertThat(run.errors()).startsWith("bundlevisor: ").contains(parts).endsWith("\n")
                .doesNotContain("Exception", "at org.", "at java.");
        assertThat(run.errors().lines()).hasSize(1);
        assertThat(run.output()).isEmpty();
        assertThat(run.status()).isEqualTo(status);
    }
}
