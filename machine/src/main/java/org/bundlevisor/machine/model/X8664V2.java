package org.bundlevisor.machine.model;

import static org.bundlevisor.cpu.CpuModel.Leaf.ANY_SUBLEAF;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuModel.Leaf;

/**
 * The model {@code x86-64-v2}: the second level of the x86-64 psABI and the system features that a current kernel makes
 * good use of. SDM vol. 2A, CPUID; each bit stands under its manual's name.
 *
 * <p>It calls itself family 6, model 36H, an in-order processor without speculation, because that is what the guest has:
 * kernels then leave out what holds speculation in check, which would only cost. The hypervisor bit is set, with a
 * signature leaf, so that guests neither look for microcode updates nor distrust the time-stamp counter.
 */
final class X8664V2 {
    static final String NAME = "x86-64-v2";

    private static final String VENDOR = "GenuineIntel";
    private static final String BRAND = "Bundlevisor x86-64-v2 processor";
    private static final String HYPERVISOR = "Bundlevisor\0";

    private static final int HIGHEST_BASIC = 0x16;
    private static final int HIGHEST_HYPERVISOR = 0x4000_0000;
    private static final int HIGHEST_EXTENDED = 0x8000_0008;
    private static final int PHYSICAL_BITS = 40;
    private static final int LINEAR_BITS = 48;
    private static final int MEGAHERTZ = 1000;
    private static final int HERTZ = MEGAHERTZ * 1_000_000;

    /** Stepping 1, model 36H, family 6. */
    private static final int SIGNATURE = 0x0003_0661;

    private static final int CACHE_LINE = 64;
    private static final int XSAVE_SIZE = 576;

    private static final int IA32_PLATFORM_ID = 0x17;
    private static final int IA32_ARCH_CAPABILITIES = 0x10a;

    /**
     * RDCL_NO, SKIP_L1DFL_VMENTRY, SSB_NO, MDS_NO, IF_PSCHANGE_MC_NO, TAA_NO, SBDR_SSDP_NO, FBSDP_NO, PSDP_NO, BHI_NO,
     * PBRSB_NO, GDS_NO, RFDS_NO, ITS_NO.
     */
    private static final long NOT_VULNERABLE = bits(0, 3, 4, 5, 6, 8, 13, 14, 15, 20, 24, 26, 27) | 1L << 62;

    private X8664V2() {}

    static CpuModel create(int cpus) {
        List<Leaf> leaves = new ArrayList<>();
        addBasic(leaves, cpus);
        addCaches(leaves, cpus);
        addTopology(leaves, cpus);
        addHypervisor(leaves);
        addExtended(leaves);
        return new CpuModel(
                NAME,
                VENDOR,
                leaves,
                Map.of(IA32_PLATFORM_ID, 0L, IA32_ARCH_CAPABILITIES, NOT_VULNERABLE),
                PHYSICAL_BITS,
                HERTZ);
    }

    private static void addBasic(List<Leaf> leaves, int cpus) {
        int[] vendor = words(VENDOR, 3);
        leaves.add(new Leaf(0, ANY_SUBLEAF, HIGHEST_BASIC, vendor[0], vendor[2], vendor[1]));
        // SSE3, SSSE3, CMPXCHG16B, PCID, SSE4.1, SSE4.2, x2APIC, MOVBE, POPCNT, TSC-deadline, XSAVE, RDRAND, hypervisor
        int features = (int) bits(0, 9, 13, 17, 19, 20, 21, 22, 23, 24, 26, 30, 31);
        // FPU, DE, PSE, TSC, MSR, PAE, MCE, CX8, APIC, SEP, MTRR, PGE, MCA, CMOV, PAT, PSE-36, CLFSH, MMX, FXSR, SSE, SSE2
        int olderFeatures = (int) bits(0, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 19, 23, 24, 25, 26);
        if (cpus > 1) {
            olderFeatures |= (int) bits(28);
        }
        int addressable = Integer.highestOneBit(Math.max(1, 2 * cpus - 1));
        leaves.add(new Leaf(
                1, ANY_SUBLEAF, SIGNATURE, addressable << 16 | CACHE_LINE / 8 << 8, features, olderFeatures));
        // 6: ARAT, the APIC timer runs in every sleep state
        leaves.add(new Leaf(6, ANY_SUBLEAF, (int) bits(2), 0, 0, 0));
        // FSGSBASE, IA32_TSC_ADJUST, SMEP, ERMS, INVPCID, SMAP; UMIP; FSRM, IA32_ARCH_CAPABILITIES
        leaves.add(new Leaf(7, 0, 1, (int) bits(0, 1, 7, 9, 10, 20), (int) bits(2), (int) bits(4, 29)));
        // fast zero-length REP MOVSB, fast short REP STOSB, fast short REP CMPSB and SCASB
        leaves.add(new Leaf(7, 1, (int) bits(10, 11, 12), 0, 0, 0));
        // x87 and SSE are all that XCR0 can enable
        leaves.add(new Leaf(0xd, 0, 3, XSAVE_SIZE, XSAVE_SIZE, 0));
        // TSC frequency = crystal frequency * EBX / EAX: the crystal itself, which the local APIC's timer counts as well
        leaves.add(new Leaf(0x15, ANY_SUBLEAF, 1, 1, HERTZ, 0));
        leaves.add(new Leaf(0x16, ANY_SUBLEAF, MEGAHERTZ, MEGAHERTZ, MEGAHERTZ, 0));
    }

    private static void addCaches(List<Leaf> leaves, int cpus) {
        // 2: descriptor FFH refers to leaf 4
        leaves.add(new Leaf(2, ANY_SUBLEAF, 0x0000_ff01, 0, 0, 0));
        leaves.add(cache(0, 1, 1, 32, 8, 1, cpus));
        leaves.add(cache(1, 2, 1, 32, 8, 1, cpus));
        leaves.add(cache(2, 3, 2, 1024, 16, 1, cpus));
        leaves.add(cache(3, 3, 3, 8192, 16, cpus, cpus));
    }

    /** Leaf 4, deterministic cache parameters. @param type 1 data, 2 instructions, 3 unified */
    private static Leaf cache(int subleaf, int type, int level, int kibibytes, int ways, int sharing, int cpus) {
        int selfInitialising = 1 << 8;
        int sets = kibibytes * 1024 / (ways * CACHE_LINE);
        return new Leaf(
                4,
                subleaf,
                type | level << 5 | selfInitialising | sharing - 1 << 14 | Math.min(cpus, 64) - 1 << 26,
                ways - 1 << 22 | CACHE_LINE - 1,
                sets - 1,
                0);
    }

    /** One thread for each core, all cores in one package. */
    private static void addTopology(List<Leaf> leaves, int cpus) {
        int shift = Integer.SIZE - Integer.numberOfLeadingZeros(cpus - 1);
        leaves.add(new Leaf(0xb, 0, 0, 1, 1 << 8, 0));
        leaves.add(new Leaf(0xb, 1, shift, cpus, 1 | 2 << 8, 0));
        leaves.add(new Leaf(0xb, 2, 0, 0, 2, 0));
    }

    private static void addHypervisor(List<Leaf> leaves) {
        int[] signature = words(HYPERVISOR, 3);
        leaves.add(new Leaf(
                HIGHEST_HYPERVISOR, ANY_SUBLEAF, HIGHEST_HYPERVISOR, signature[0], signature[1], signature[2]));
    }

    private static void addExtended(List<Leaf> leaves) {
        leaves.add(new Leaf(0x8000_0000, ANY_SUBLEAF, HIGHEST_EXTENDED, 0, 0, 0));
        // LAHF and SAHF in 64-bit mode; SYSCALL, execute disable, 1-GByte pages, RDTSCP, Intel 64
        leaves.add(new Leaf(0x8000_0001, ANY_SUBLEAF, 0, 0, (int) bits(0), (int) bits(11, 20, 26, 27, 29)));
        int[] brand = words(BRAND, 12);
        for (int part = 0; part < 3; part++) {
            leaves.add(new Leaf(
                    0x8000_0002 + part,
                    ANY_SUBLEAF,
                    brand[4 * part],
                    brand[4 * part + 1],
                    brand[4 * part + 2],
                    brand[4 * part + 3]));
        }
        int sixteenWays = 8;
        leaves.add(new Leaf(0x8000_0006, ANY_SUBLEAF, 0, 0, 1024 << 16 | sixteenWays << 12 | CACHE_LINE, 0));
        // invariant TSC
        leaves.add(new Leaf(0x8000_0007, ANY_SUBLEAF, 0, 0, 0, (int) bits(8)));
        leaves.add(new Leaf(0x8000_0008, ANY_SUBLEAF, LINEAR_BITS << 8 | PHYSICAL_BITS, 0, 0, 0));
    }

    private static long bits(int... numbers) {
        long value = 0;
        for (int number : numbers) {
            value |= 1L << number;
        }
        return value;
    }

    /** A string as CPUID's registers hold it, four bytes each, filled up with zeroes. */
    private static int[] words(String text, int count) {
        ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(text.getBytes(StandardCharsets.US_ASCII)).rewind();
        int[] words = new int[count];
        bytes.asIntBuffer().get(words);
        return words;
    }
}
