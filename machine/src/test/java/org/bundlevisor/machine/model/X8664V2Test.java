package org.bundlevisor.machine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuModel.Leaf;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** SDM vol. 2A, CPUID; x86-64 psABI 1.0, table 3.1 "Micro-Architecture Levels". */
class X8664V2Test {
    private static final int EAX = 0;
    private static final int EBX = 1;
    private static final int ECX = 2;
    private static final int EDX = 3;

    private final CpuModel model = CpuModels.named("x86-64-v2", 4);

    @ParameterizedTest
    @CsvSource({
        "CMOV, 1, EDX, 15", "CX8, 1, EDX, 8", "FPU, 1, EDX, 0", "FXSR, 1, EDX, 24", "MMX, 1, EDX, 23",
        "OSFXSR, 1, EDX, 24", "SCE, 80000001, EDX, 11", "SSE, 1, EDX, 25", "SSE2, 1, EDX, 26",
        "CMPXCHG16B, 1, ECX, 13", "LAHF-SAHF, 80000001, ECX, 0", "POPCNT, 1, ECX, 23", "SSE3, 1, ECX, 0",
        "SSE4_1, 1, ECX, 19", "SSE4_2, 1, ECX, 20", "SSSE3, 1, ECX, 9"
    })
    void isOfTheSecondLevel(String feature, String leaf, String register, int bit) {
        assertThat(model.feature(Integer.parseUnsignedInt(leaf, 16), 0, number(register), bit))
                .as(feature)
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "AVX, 1, ECX, 28", "AES, 1, ECX, 25", "PCLMULQDQ, 1, ECX, 1", "F16C, 1, ECX, 29", "FMA, 1, ECX, 12",
        "VMX, 1, ECX, 5", "MONITOR, 1, ECX, 3", "OSXSAVE, 1, ECX, 27", "BMI1, 7, EBX, 3", "BMI2, 7, EBX, 8",
        "AVX2, 7, EBX, 5", "LZCNT, 80000001, ECX, 5", "RDSEED, 7, EBX, 18", "ADX, 7, EBX, 19", "SHA, 7, EBX, 29",
        "PKU, 7, ECX, 3", "LA57, 7, ECX, 16", "SVM, 80000001, ECX, 2"
    })
    void hasNothingOfTheThirdLevel(String feature, String leaf, String register, int bit) {
        assertThat(model.feature(Integer.parseUnsignedInt(leaf, 16), 0, number(register), bit))
                .as(feature)
                .isFalse();
    }

    private static int number(String register) {
        return switch (register) {
            case "EAX" -> EAX;
            case "EBX" -> EBX;
            case "ECX" -> ECX;
            default -> EDX;
        };
    }

    @Test
    void namesItself() {
        Leaf leaf = model.leaf(0, 0);
        assertThat(text(leaf.ebx(), leaf.edx(), leaf.ecx())).isEqualTo("GenuineIntel").isEqualTo(model.vendor());
        Leaf hypervisor = model.leaf(0x4000_0000, 0);
        assertThat(text(hypervisor.ebx(), hypervisor.ecx(), hypervisor.edx())).isEqualTo("Bundlevisor\0");
        StringBuilder brand = new StringBuilder();
        for (int part = 0x8000_0002; part <= 0x8000_0004; part++) {
            Leaf row = model.leaf(part, 0);
            brand.append(text(row.eax(), row.ebx(), row.ecx(), row.edx()));
        }
        assertThat(brand.toString().trim()).isEqualTo("Bundlevisor x86-64-v2 processor");
    }

    private static String text(int... words) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * words.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(words);
        return new String(bytes.array(), StandardCharsets.US_ASCII);
    }

    @Test
    void tellsTheTimeStampFrequencySoThatNobodyMeasuresIt() {
        Leaf leaf = model.leaf(0x15, 0);
        long crystal = leaf.ecx() & 0xffff_ffffL;
        assertThat(crystal * leaf.ebx() / leaf.eax()).isEqualTo(model.timeStampFrequency());
        assertThat(model.leaf(0x16, 0).eax()).isEqualTo((int) (model.timeStampFrequency() / 1_000_000));
        assertThat(model.feature(0x8000_0007, 0, EDX, 8)).as("invariant TSC").isTrue();
    }

    @Test
    void tellsAddressWidths() {
        assertThat(model.leaf(0x8000_0008, 0).eax()).isEqualTo(48 << 8 | 40);
        assertThat(model.physicalAddressBits()).isEqualTo(40);
    }

    @ParameterizedTest
    @CsvSource({"1, 0, 1", "2, 1, 2", "3, 2, 4", "4, 2, 4", "5, 3, 8", "64, 6, 64"})
    void tellsTheTopology(int cpus, int shift, int identifiers) {
        CpuModel many = CpuModels.named("x86-64-v2", cpus);
        assertThat(many.leaf(0xb, 0).eax()).as("bits of the thread within the core").isZero();
        assertThat(many.leaf(0xb, 1).eax()).isEqualTo(shift);
        assertThat(many.leaf(0xb, 1).ebx()).isEqualTo(cpus);
        assertThat(many.leaf(0xb, 2).ebx()).isZero();
        assertThat(many.leaf(1, 0).ebx() >>> 16 & 0xff).isEqualTo(identifiers);
        assertThat(many.feature(1, 0, EDX, 28)).as("HTT").isEqualTo(cpus > 1);
    }

    @Test
    void describesItsCaches() {
        int[] kibibytes = {32, 32, 1024, 8192};
        for (int index = 0; index < kibibytes.length; index++) {
            Leaf cache = model.leaf(4, index);
            int ways = (cache.ebx() >>> 22) + 1;
            int partitions = (cache.ebx() >>> 12 & 0x3ff) + 1;
            int line = (cache.ebx() & 0xfff) + 1;
            assertThat(ways * partitions * line * (cache.ecx() + 1)).isEqualTo(kibibytes[index] << 10);
        }
        assertThat(model.leaf(4, 4).eax() & 0x1f).as("no more caches").isZero();
    }

    @Test
    void leavesOutWhatAnInOrderProcessorIsNotVulnerableTo() {
        assertThat(model.feature(7, 0, EDX, 29)).isTrue();
        assertThat(model.featureMsrs()).containsKey(0x10a);
        assertThat(model.featureMsrs().get(0x10a) & 1).as("RDCL_NO").isOne();
    }

    @Test
    void refusesAModelThatDoesNotExist() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> CpuModels.named("z80", 1))
                .withMessage("there is no CPU model z80 (expected one of: x86-64-v2)");
    }
}
