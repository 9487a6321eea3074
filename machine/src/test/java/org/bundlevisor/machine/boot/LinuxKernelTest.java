package org.bundlevisor.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.test.FakeCpu;
import org.bundlevisor.machine.test.Images;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Linux's Documentation/arch/x86/boot.rst and zero-page.rst, on images made for the purpose. */
class LinuxKernelTest extends BootTestBase {
    @Test
    void enters64BitCodeAtItsPreferredAddress() throws Exception {
        CpuState state = load(Images.linux(image -> {}), "console=ttyS0");

        assertThat(state.rip()).isEqualTo(0x100_0200);
        assertThat(u8(0x100_0000)).isEqualTo(0xc5);
        assertThat(u8(0x100_0000 + 8191)).isEqualTo(0xc5);
        assertThat(state.rflags()).isEqualTo(2);
        assertThat(state.control().efer()).isEqualTo(0x500);
        assertThat(state.control().cr0() & 0x8000_0001L).isEqualTo(0x8000_0001L);
        assertThat(state.control().cr4()).isEqualTo(0x20);
        CpuState.Segment code = state.segments().get(1);
        assertThat(code.selector()).isEqualTo(0x10);
        assertThat(code.attributes() >> 13 & 1).as("CS.L").isOne();
        for (int register : new int[] {0, 2, 3}) {
            assertThat(state.segments().get(register).selector()).isEqualTo(0x18);
        }
        assertThat(state.segments().get(7)).isEqualTo(FakeCpu.powerUp().segments().get(7));
        assertThat(state.msrs()).isEqualTo(FakeCpu.powerUp().msrs());
    }

    @Test
    void mapsFourGibibytesOntoThemselves() throws Exception {
        CpuState state = load(Images.linux(image -> {}), "");
        long top = state.control().cr3();
        for (long address : new long[] {0, 0x100_0000, 0x3fff_ffff, 0x4000_0000, 0xfee0_0000L, 0xffff_f000L}) {
            long level4 = u64(top + 8 * (address >>> 39 & 511));
            long level3 = u64((level4 & ~0xfffL) + 8 * (address >>> 30 & 511));
            long level2 = u64((level3 & ~0xfffL) + 8 * (address >>> 21 & 511));
            assertThat(level4 & level3 & level2 & 3).isEqualTo(3);
            assertThat(level2 & 0x80).as("2 MiB page").isNotZero();
            assertThat(level2 & ~0x1f_ffffL).isEqualTo(address & ~0x1f_ffffL);
        }
    }

    @Test
    void theGdtHoldsWhatTheSegmentRegistersDo() throws Exception {
        CpuState state = load(Images.linux(image -> {}), "");
        assertThat(state.gdtr().limit()).isGreaterThanOrEqualTo(0x1f);
        for (int register = 0; register < 6; register++) {
            CpuState.Segment segment = state.segments().get(register);
            long descriptor = u64(state.gdtr().base() + segment.selector());
            assertThat((descriptor >>> 40 & 0xf0ff)).isEqualTo(segment.attributes());
            assertThat(segment.base()).isZero();
            assertThat(segment.limit()).isEqualTo(-1);
        }
    }

    @Test
    void fillsInTheZeroPage() throws Exception {
        Path initrd = Images.write(folder, "initrd", new byte[] {1, 2, 3, 4, 5});
        CpuState state = load(Images.linux(image -> {}), Optional.of(initrd), "console=ttyS0 name=Zoë");

        long zeroPage = state.general().get(RSI);
        assertThat(u32(zeroPage + 0x202)).isEqualTo(0x5372_6448);
        assertThat(u8(zeroPage + 0x210)).as("type_of_loader").isEqualTo(0xff);
        assertThat(u16(zeroPage + 0x206)).isEqualTo(0x20f);
        assertThat(u64(zeroPage + 0x258)).as("pref_address").isEqualTo(0x100_0000);
        assertThat(u64(zeroPage + 0x70)).as("acpi_rsdp_addr").isEqualTo(ROOT_POINTER);
        assertThat(u8(zeroPage + 0x0f)).as("orig_video_isVGA").isZero();
        assertThat(u8(zeroPage + 0x1ef)).as("sentinel").isZero();
        assertThat(text(u32(zeroPage + 0x228))).isEqualTo("console=ttyS0 name=Zoë");

        assertThat(u8(zeroPage + 0x1e8)).as("e820_entries").isEqualTo(4);
        assertThat(u64(zeroPage + 0x2d0 + 3 * 20)).isEqualTo(0x10_0000);
        assertThat(u64(zeroPage + 0x2d0 + 3 * 20 + 8)).isEqualTo((64L << 20) - 0x10_0000);
        assertThat(u32(zeroPage + 0x2d0 + 3 * 20 + 16)).isEqualTo(1);
        assertThat(u32(zeroPage + 0x2d0 + 20 + 16)).isEqualTo(2);

        assertThat(u32(zeroPage + 0x21c)).as("ramdisk_size").isEqualTo(5);
        long ramdisk = u32(zeroPage + 0x218);
        assertThat(ramdisk).as("ramdisk_image").isEqualTo((64L << 20) - 4096);
        assertThat(u32(ramdisk)).isEqualTo(0x04030201);
    }

    @Test
    void keepsTheInitialRamDiskBelowItsLimit() throws Exception {
        Path initrd = Images.write(folder, "initrd", new byte[5000]);
        CpuState state = load(Images.linux(image -> image.putInt(0x22c, 0x1ff_ffff)), Optional.of(initrd), "");
        assertThat(u32(state.general().get(RSI) + 0x218)).isEqualTo(0x200_0000 - 8192);
    }

    @Test
    void enters32BitCodeWhereThereIsNoOther() throws Exception {
        CpuState state = load(
                Images.linux(image -> image.putShort(0x236, (short) 0).put(0x234, (byte) 0)), "");

        assertThat(state.rip()).isEqualTo(0x10_0000);
        assertThat(u8(0x10_0000)).isEqualTo(0xc5);
        assertThat(state.control().efer()).isZero();
        assertThat(state.control().cr0() & 0x8000_0001L).as("PE without PG").isEqualTo(1);
        assertThat(state.segments().get(1).attributes() >> 13 & 3).as("CS.L, CS.D").isEqualTo(2);
        assertThat(state.general().get(RSI)).isNotZero();
        assertThat(state.general().get(RBX)).isZero();
    }

    @Test
    void movesARelocatableKernelDownWhenMemoryIsShort() throws Exception {
        ram = ram(16L << 20);
        CpuState state = load(Images.linux(image -> {}), "");
        assertThat(state.rip()).isEqualTo(0x20_0200);
        assertThat(u32(state.general().get(RSI) + 0x214)).as("code32_start").isEqualTo(0x20_0000);
    }

    @Test
    void leavesTheBiosDataAreaAsABiosWould() throws Exception {
        load(Images.linux(image -> {}), "");
        assertThat(u16(0x40e)).isEqualTo(0x9fc0);
        assertThat(u16(0x413)).isEqualTo(639);
    }

    @Test
    void refusesWhatIsNoKernel() {
        refusal(new byte[100_000])
                .hasMessage(folder.resolve("kernel.img")
                        + ": no Linux boot header (expected \"HdrS\" at 0x202) and no Multiboot 1 header in its first 8192 bytes");
        refusal(new byte[0]).hasMessageContaining("no Linux boot header");
        refusal(Arrays.copyOf(Images.linux(image -> {}), 0x204)).hasMessageContaining("no Linux boot header");
    }

    @ParameterizedTest
    @ValueSource(ints = {0x208, 0x20a, 0x210, 0x230, 0x260, 0x300, 2560, 10_000, 5 * 512 + 8192 - 16})
    void refusesATruncatedKernel(int length) {
        refusal(Arrays.copyOf(Images.linux(image -> {}), length))
                .hasMessageContaining("kernel.img: the file is truncated (expected ")
                .hasMessageContaining("found " + length);
    }

    @Test
    void refusesAnOldProtocolAndAZimage() {
        refusal(Images.linux(image -> image.putShort(0x206, (short) 0x203)))
                .hasMessageContaining("boot protocol 2.03 is too old (expected 2.06 or later");
        refusal(Images.linux(image -> image.put(0x211, (byte) 0))).hasMessageContaining("a zImage");
    }

    @Test
    void refusesAKernelThatNeedsMoreMemoryThanThereIs() {
        refusal(Images.linux(image -> image.putInt(0x260, 0x1000_0000)))
                .hasMessageContaining(
                        "needs 262144 KiB of memory from address 0x200000 on to unpack itself (the machine has 65536 KiB in all)");
        refusal(Images.linux(image -> image.put(0x234, (byte) 0).putInt(0x214, 0x7000_0000)))
                .hasMessageContaining("from address 0x70000000");
    }

    @Test
    void refusesAnInitialRamDiskThatDoesNotFit() throws Exception {
        Path initrd = folder.resolve("initrd.img");
        try (var file = new java.io.RandomAccessFile(initrd.toFile(), "rw")) {
            file.setLength(100L << 20);
        }
        assertThatThrownBy(() -> load(Images.linux(image -> {}), Optional.of(initrd), ""))
                .isInstanceOf(BootException.class)
                .hasMessage(initrd
                        + ": an initial RAM disk of 100 MiB does not fit into a memory of 64 MiB beside the kernel: give it more");
        Files.delete(initrd);
        assertThatThrownBy(() -> load(Images.linux(image -> {}), Optional.of(initrd), ""))
                .hasMessageContaining("initrd.img: no such file (expected the initial RAM disk): check the path");
    }

    @Test
    void refusesACommandLineThatIsTooLong() {
        assertThatThrownBy(() -> load(Images.linux(image -> {}), "x".repeat(2048)))
                .isInstanceOf(BootException.class)
                .hasMessageContaining(
                        "a command line of 2048 bytes is too long for this kernel (expected at most 2047)");
    }

    @Test
    void refusesAPathThatLeadsNowhere() {
        BootRequest missing = new BootRequest(folder.resolve("no.img"), Optional.empty(), "");
        assertThatThrownBy(() -> missing.load(ram, 0, FakeCpu.powerUp()))
                .isInstanceOf(BootException.class)
                .hasMessage(folder.resolve("no.img") + ": no such file (expected the kernel): check the path");
        BootRequest directory = new BootRequest(folder, Optional.empty(), "");
        assertThatThrownBy(() -> directory.load(ram, 0, FakeCpu.powerUp()))
                .hasMessage(folder + ": is a folder (expected the file of a kernel)");
    }
}
