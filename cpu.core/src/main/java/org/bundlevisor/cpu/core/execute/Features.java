package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.core.decode.Feature;

/** Which groups of instructions a CPU model has, by the bits of CPUID that announce them. SDM vol. 2A, CPUID. */
final class Features {
    /** What an instruction that the model lacks does. */
    static final Handler UNDEFINED = (cpu, in) -> {
        throw cpu.raise(Vectors.INVALID_OPCODE, 0);
    };

    private static final int EAX = 0;
    private static final int EBX = 1;
    private static final int ECX = 2;
    private static final int EDX = 3;
    private static final int EXTENDED = 0x8000_0001;

    private final boolean[] present = new boolean[Feature.values().length];

    Features(CpuModel model) {
        for (Feature feature : Feature.values()) {
            present[feature.ordinal()] = isPresent(model, feature);
        }
    }

    boolean has(Feature feature) {
        return present[feature.ordinal()];
    }

    private static boolean isPresent(CpuModel model, Feature feature) {
        return switch (feature) {
            // an intercept comes before the #UD of a processor without them: their handlers decide
            case BASE, VMX, SVM -> true;
            case FPU -> model.feature(1, 0, EDX, 0);
            case TSC -> model.feature(1, 0, EDX, 4);
            case MSR -> model.feature(1, 0, EDX, 5);
            case CX8 -> model.feature(1, 0, EDX, 8);
            case SEP -> model.feature(1, 0, EDX, 11);
            case CMOV -> model.feature(1, 0, EDX, 15);
            case CLFSH -> model.feature(1, 0, EDX, 19);
            case MMX -> model.feature(1, 0, EDX, 23);
            case FXSR -> model.feature(1, 0, EDX, 24);
            case SSE -> model.feature(1, 0, EDX, 25);
            case SSE2 -> model.feature(1, 0, EDX, 26);
            case SSE3 -> model.feature(1, 0, ECX, 0);
            case MONITOR -> model.feature(1, 0, ECX, 3);
            case SSSE3 -> model.feature(1, 0, ECX, 9);
            case CX16 -> model.feature(1, 0, ECX, 13);
            case PCID -> model.feature(1, 0, ECX, 17);
            case SSE4_1 -> model.feature(1, 0, ECX, 19);
            case SSE4_2 -> model.feature(1, 0, ECX, 20);
            case MOVBE -> model.feature(1, 0, ECX, 22);
            case POPCNT -> model.feature(1, 0, ECX, 23);
            case XSAVE -> model.feature(1, 0, ECX, 26);
            case RDRAND -> model.feature(1, 0, ECX, 30);
            case XSAVEOPT -> model.feature(0xD, 1, EAX, 0);
            case XSAVEC -> model.feature(0xD, 1, EAX, 1);
            case XSAVES -> model.feature(0xD, 1, EAX, 3);
            case FSGSBASE -> model.feature(7, 0, EBX, 0);
            case INVPCID -> model.feature(7, 0, EBX, 10);
            case RDSEED -> model.feature(7, 0, EBX, 18);
            case SMAP -> model.feature(7, 0, EBX, 20);
            case CLFLUSHOPT -> model.feature(7, 0, EBX, 23);
            case CLWB -> model.feature(7, 0, EBX, 24);
            case RDPID -> model.feature(7, 0, ECX, 22);
            case LAHF -> true;
            case SYSCALL -> model.feature(EXTENDED, 0, EDX, 11);
            case RDTSCP -> model.feature(EXTENDED, 0, EDX, 27);
        };
    }
}
