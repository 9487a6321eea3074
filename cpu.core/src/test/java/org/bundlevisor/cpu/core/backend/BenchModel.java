package org.bundlevisor.cpu.core.backend;

import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuModel.Leaf;

/** A CPU model with what the tests use: x86-64 with the system features of the second level. */
final class BenchModel {
    static final int LEAF_1_EDX = 0x078b_fb7d;

    private BenchModel() {}

    static CpuModel create() {
        return new CpuModel(
                "test",
                "GenuineIntel",
                List.of(
                        new Leaf(0, Leaf.ANY_SUBLEAF, 0xd, 0x756e_6547, 0x6c65_746e, 0x4965_6e69),
                        // SSE3, SSSE3, CMPXCHG16B, PCID, SSE4.1, SSE4.2, MOVBE, POPCNT, XSAVE, RDRAND, hypervisor
                        new Leaf(1, Leaf.ANY_SUBLEAF, 0x3_0661, 0x0001_0800, 0xc4da_2201, LEAF_1_EDX),
                        new Leaf(7, 0, 0, 0x0010_0681, 4, 0x10),
                        new Leaf(0xd, 0, 3, 576, 576, 0),
                        new Leaf(0x8000_0000, Leaf.ANY_SUBLEAF, 0x8000_0008, 0, 0, 0),
                        new Leaf(0x8000_0001, Leaf.ANY_SUBLEAF, 0, 0, 1, 0x2c10_0800),
                        new Leaf(0x8000_0008, Leaf.ANY_SUBLEAF, 48 << 8 | 40, 0, 0, 0)),
                Map.of(),
                40,
                1_000_000_000);
    }
}
