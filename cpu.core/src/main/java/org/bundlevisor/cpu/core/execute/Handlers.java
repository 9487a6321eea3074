package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Mnemonic;

/** The list of all files of handlers. */
final class Handlers {
    private Handlers() {}

    static void registerAll(HandlerTable table) {
        table.add(Mnemonic.INVALID, (cpu, in) -> {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        });
        table.add(Mnemonic.TOO_LONG, (cpu, in) -> {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        });
    }
}
