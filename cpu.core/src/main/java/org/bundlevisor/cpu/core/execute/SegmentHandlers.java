package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/** Loading and storing segment registers. */
final class SegmentHandlers {
    private SegmentHandlers() {}

    static Handler load(Instruction in) {
        return (cpu, it) -> {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        };
    }

    static Handler store(Instruction in) {
        return load(in);
    }

    static Handler pop(int segment, int size) {
        return (cpu, it) -> {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        };
    }
}
