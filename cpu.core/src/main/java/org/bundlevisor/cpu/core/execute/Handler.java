package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/**
 * What an instruction does. Handlers are stateless and specialised by operand form and size when the instruction is
 * decoded, so that nothing is decided anew each time it executes.
 *
 * <p>A handler finds the state as it is before the instruction, except that RIP is that of the trace; it leaves RIP alone
 * unless it is a branch ({@link Cpu#branch}). It either does the whole instruction or, by a thrown {@link GuestFault} or
 * {@link ExitSignal}, nothing that software could see.
 */
@FunctionalInterface
interface Handler {
    void execute(Cpu cpu, Instruction in);
}
