package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/** MOV to and from control and debug registers. */
final class ControlHandlers {
    private ControlHandlers() {}

    static Handler move(Instruction in) {
        return (cpu, it) -> {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        };
    }
}
