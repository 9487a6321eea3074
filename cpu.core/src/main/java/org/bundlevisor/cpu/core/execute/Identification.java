package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuModel.Leaf;

/** CPUID: the CPU model's table, with what depends on the vCPU filled in. SDM vol. 2A, CPUID. */
final class Identification {
    private static final int FEATURES = 1;
    private static final int TOPOLOGY = 0xB;
    private static final int EXTENDED_STATE = 0xD;
    private static final int OSXSAVE = 1 << 27;

    private Identification() {}

    /** Replaces EAX, EBX, ECX and EDX by what the CPU model says for EAX and ECX. */
    static void cpuid(Cpu cpu) {
        int leaf = (int) cpu.gpr[Cpu.RAX];
        int subleaf = (int) cpu.gpr[Cpu.RCX];
        Leaf row = cpu.model.leaf(leaf, subleaf);
        int ebx = row.ebx();
        int ecx = row.ecx();
        int edx = row.edx();
        switch (leaf) {
            case FEATURES -> {
                ebx = ebx & 0x00FF_FFFF | cpu.index << 24;
                ecx = (cpu.cr4 & Bits.CR4_OSXSAVE) != 0 ? ecx | OSXSAVE : ecx & ~OSXSAVE;
            }
            case TOPOLOGY -> {
                // the level number is the caller's, also where there is no such level
                ecx = ecx & ~0xFF | subleaf & 0xFF;
                edx = cpu.index;
            }
            case EXTENDED_STATE -> {
                if (subleaf == 0) {
                    // what the features that are enabled now need; x87 and SSE lie in the legacy region
                    ebx = 576;
                }
            }
            default -> {}
        }
        cpu.gpr[Cpu.RAX] = row.eax() & 0xFFFF_FFFFL;
        cpu.gpr[Cpu.RBX] = ebx & 0xFFFF_FFFFL;
        cpu.gpr[Cpu.RCX] = ecx & 0xFFFF_FFFFL;
        cpu.gpr[Cpu.RDX] = edx & 0xFFFF_FFFFL;
    }
}
