package org.bundlevisor.machine.boot;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.assertj.core.api.AbstractThrowableAssert;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.memory.GuestRam;
import org.bundlevisor.machine.memory.MemoryMap;
import org.bundlevisor.machine.memory.ReservedMemories;
import org.bundlevisor.machine.test.FakeCpu;
import org.bundlevisor.machine.test.Images;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.junit.jupiter.api.io.TempDir;

/** Guest memory and files for the tests of boot loaders. */
abstract class BootTestBase {
    static final int RBX = 3;
    static final int RSI = 6;
    static final long ROOT_POINTER = 0xe_0000;

    @TempDir
    Path folder;

    GuestRam ram = ram(64L << 20);

    static GuestRam ram(long size) {
        try {
            return new GuestRam(ReservedMemories.of(size), new MemoryMap(size));
        } catch (HostMemoryExhaustedException | IOException e) {
            throw new IllegalStateException(e);
        }
    }

    CpuState load(byte[] kernel, String commandLine) throws BootException {
        return load(kernel, Optional.empty(), commandLine);
    }

    CpuState load(byte[] kernel, Optional<Path> initrd, String commandLine) throws BootException {
        return new BootRequest(Images.write(folder, "kernel.img", kernel), initrd, commandLine)
                .load(ram, ROOT_POINTER, FakeCpu.powerUp());
    }

    AbstractThrowableAssert<?, ?> refusal(byte[] kernel) {
        return assertThatThrownBy(() -> load(kernel, "")).isInstanceOf(BootException.class);
    }

    int u8(long gpa) {
        return ram.slice(gpa, 1).orElseThrow().get(ValueLayout.JAVA_BYTE, 0) & 0xff;
    }

    int u16(long gpa) {
        return u8(gpa) | u8(gpa + 1) << 8;
    }

    long u32(long gpa) {
        return u16(gpa) | (long) u16(gpa + 2) << 16;
    }

    long u64(long gpa) {
        return u32(gpa) | u32(gpa + 4) << 32;
    }

    String text(long gpa) {
        StringBuilder text = new StringBuilder();
        for (long at = gpa; u8(at) != 0; at++) {
            text.append((char) u8(at));
        }
        return new String(text.toString().getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }
}
