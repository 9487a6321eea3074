package org.bundlevisor.cpu.core.execute;

import java.util.EnumMap;
import java.util.Map;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/**
 * Chooses the handler of a decoded instruction. Each file of handlers registers, under the mnemonics that it knows, a
 * function that looks at form and sizes once.
 */
final class HandlerTable {
    /** Looks at an instruction's form and sizes and returns the handler that fits. */
    @FunctionalInterface
    interface Binder {
        Handler bind(Instruction in);
    }

    private final Map<Mnemonic, Binder> binders = new EnumMap<>(Mnemonic.class);

    HandlerTable() {
        Handlers.registerAll(this);
    }

    /** Registers the binder of a mnemonic, which nobody else may have registered. */
    void add(Mnemonic mnemonic, Binder binder) {
        if (binders.putIfAbsent(mnemonic, binder) != null) {
            throw new IllegalStateException("two binders are registered for " + mnemonic);
        }
    }

    /** Registers one handler that serves all forms of an instruction. */
    void addOne(Mnemonic mnemonic, Handler handler) {
        add(mnemonic, in -> handler);
    }

    boolean knows(Mnemonic mnemonic) {
        return binders.containsKey(mnemonic);
    }

    Handler bind(Instruction in) {
        Binder binder = binders.get(in.mnemonic());
        if (binder == null) {
            throw new IllegalStateException("no handler is registered for " + in);
        }
        return binder.bind(in);
    }
}
