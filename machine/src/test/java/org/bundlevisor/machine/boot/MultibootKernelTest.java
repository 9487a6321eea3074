package org.bundlevisor.machine.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.test.Images;
import org.junit.jupiter.api.Test;

/** Multiboot Specification 0.6.96, on images made for the purpose. */
class MultibootKernelTest extends BootTestBase {
    @Test
    void entersAnElfFileInTheStateOfSection32() throws Exception {
        ram.put(0x10_0010, (byte) 0xee);
        CpuState state = load(Images.multiboot(image -> {}), "");

        assertThat(state.rip()).isEqualTo(Images.ELF_ADDRESS + 4);
        assertThat(state.general().getFirst()).as("EAX").isEqualTo(0x2bad_b002);
        assertThat(u8(0x10_0000)).isEqualTo(0xa5);
        assertThat(u8(0x10_000f)).isEqualTo(0xa5);
        assertThat(u8(0x10_0010)).as("what follows in memory is cleared").isZero();
        assertThat(state.control().cr0() & 0x8000_0001L).isEqualTo(1);
        assertThat(state.rflags()).isEqualTo(2);
        assertThat(state.segments().get(1).attributes()).isEqualTo(0xc09b);
        assertThat(state.segments().get(3).attributes()).isEqualTo(0xc093);
        assertThat(state.segments().get(1).limit()).isEqualTo(-1);
    }

    @Test
    void handsOverTheInformationOfSection33() throws Exception {
        Path module = Images.write(folder, "module", new byte[] {9, 8, 7});
        CpuState state = load(Images.multiboot(image -> {}), Optional.of(module), "one two");

        long information = state.general().get(RBX);
        assertThat(u32(information)).as("flags").isEqualTo(0x24d);
        assertThat(u32(information + 4)).as("mem_lower").isEqualTo(639);
        assertThat(u32(information + 8)).as("mem_upper").isEqualTo(63 * 1024);
        assertThat(text(u32(information + 16))).isEqualTo("one two");
        assertThat(u32(information + 20)).as("mods_count").isEqualTo(1);
        long modules = u32(information + 24);
        assertThat(u32(modules)).as("page-aligned, behind the kernel").isEqualTo(0x10_1000);
        assertThat(u32(modules + 4)).isEqualTo(0x10_1003);
        assertThat(u8(0x10_1000)).isEqualTo(9);
        assertThat(u32(information + 44)).as("mmap_length").isEqualTo(4 * 24);
        long map = u32(information + 48);
        assertThat(u32(map)).isEqualTo(20);
        assertThat(u64(map + 4)).isZero();
        assertThat(u64(map + 12)).isEqualTo(0x9_fc00);
        assertThat(u32(map + 20)).isEqualTo(1);
        assertThat(text(u32(information + 64))).isEqualTo("Bundlevisor");
    }

    @Test
    void withoutModulesSaysSo() throws Exception {
        CpuState state = load(Images.multiboot(image -> {}), "");
        assertThat(u32(state.general().get(RBX)) & 8).isZero();
    }

    @Test
    void loadsByTheAddressesOfTheHeader() throws Exception {
        CpuState state = load(
                Images.multiboot(image -> image.putInt(0, 0)
                        .putInt(0x104, 0x1_0000)
                        .putInt(0x108, -(0x1bad_b002 + 0x1_0000))
                        .putInt(0x10c, 0x20_0000)
                        .putInt(0x110, 0x20_0000)
                        .putInt(0x114, 0x20_0110)
                        .putInt(0x118, 0x20_0200)
                        .putInt(0x11c, 0x20_0020)),
                "");
        assertThat(state.rip()).isEqualTo(0x20_0020);
        assertThat(u32(0x20_0000)).as("loaded from the header on").isEqualTo(0x1bad_b002);
        assertThat(u8(0x20_0100)).isEqualTo(0xa5);
        assertThat(u8(0x20_010f)).isEqualTo(0xa5);
        assertThat(u8(0x20_0110)).isZero();
    }

    @Test
    void ignoresAMagicWithoutItsChecksum() {
        refusal(Images.multiboot(image -> image.putInt(0x108, 0))).hasMessageContaining("no Multiboot 1 header");
    }

    @Test
    void refusesFeaturesThatItDoesNotHave() {
        refusal(Images.multiboot(image -> image.putInt(0x104, 7).putInt(0x108, -(0x1bad_b002 + 7))))
                .hasMessageContaining("asks for features 0x4 that are not there");
    }

    @Test
    void refusesWhatIsNot32BitElf() {
        refusal(Images.multiboot(image -> image.put(4, (byte) 2)))
                .hasMessageContaining("a Multiboot header but no 32-bit x86 ELF file");
        refusal(Images.multiboot(image -> image.putInt(52, 6))).hasMessageContaining("without anything to load");
        refusal(Images.multiboot(image -> image.putShort(44, (short) 60_000)))
                .hasMessageContaining("truncated or damaged");
        refusal(Images.multiboot(image -> image.putInt(28, 0x8000_0000))).hasMessageContaining("truncated or damaged");
    }

    @Test
    void refusesATruncatedFile() {
        refusal(Arrays.copyOf(Images.multiboot(image -> {}), 0x208))
                .hasMessageContaining("the file is truncated (expected 528 bytes as its header says, found 520)");
    }

    @Test
    void refusesToLoadWhereThereIsNoMemory() {
        refusal(Images.multiboot(image -> image.putInt(64, 0x800_0000)))
                .hasMessageContaining(
                        "loads 64 bytes at 0x8000000, where there is no memory (expected 0x100000 to 0x4000000)");
        refusal(Images.multiboot(image -> image.putInt(64, 0x7c00))).hasMessageContaining("where there is no memory");
    }

    @Test
    void refusesAModuleThatDoesNotFit() throws Exception {
        ram = ram(4L << 20);
        Path module = Images.write(folder, "module.img", new byte[5 << 20]);
        assertThatThrownBy(() -> load(Images.multiboot(image -> {}), Optional.of(module), ""))
                .isInstanceOf(BootException.class)
                .hasMessageContaining(
                        "module.img: a module of 5 MiB does not fit into a memory of 4 MiB beside the kernel: give it more");
    }
}
