package org.bundlevisor.cpu.core.execute;

import java.lang.invoke.VarHandle;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** Instructions on single flags, LAHF and SAHF, SALC, and the memory fences. */
final class FlagHandlers {
    private FlagHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.CLC, (cpu, in) -> cpu.setCarry(false));
        table.addOne(Mnemonic.STC, (cpu, in) -> cpu.setCarry(true));
        table.addOne(Mnemonic.CMC, (cpu, in) -> cpu.flagCarry ^= Long.MIN_VALUE);
        table.addOne(Mnemonic.CLD, (cpu, in) -> cpu.systemFlags &= ~Bits.FLAG_DF);
        table.addOne(Mnemonic.STD, (cpu, in) -> cpu.systemFlags |= Bits.FLAG_DF);
        table.addOne(Mnemonic.LAHF,
                (cpu, in) -> cpu.gpr[Cpu.RAX] = cpu.gpr[Cpu.RAX] & ~0xFF00L | (cpu.rflags() & 0xFF) << 8);
        table.addOne(Mnemonic.SAHF, (cpu, in) -> {
            long overflow = cpu.flagOverflow;
            cpu.setArithmeticFlags(cpu.gpr[Cpu.RAX] >>> 8 & 0xFF);
            cpu.flagOverflow = overflow;
        });
        table.addOne(Mnemonic.SALC, (cpu, in) -> Operands.setRegister(cpu, Cpu.RAX, cpu.carry() ? 0xFF : 0, 1));
        table.addOne(Mnemonic.LFENCE, (cpu, in) -> VarHandle.acquireFence());
        table.addOne(Mnemonic.SFENCE, (cpu, in) -> VarHandle.releaseFence());
        table.addOne(Mnemonic.MFENCE, (cpu, in) -> VarHandle.fullFence());
    }
}
