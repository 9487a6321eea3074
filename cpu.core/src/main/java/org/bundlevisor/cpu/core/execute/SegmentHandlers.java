package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** Loading and storing segment registers: MOV, POP, and LDS with its kind. */
final class SegmentHandlers {
    private SegmentHandlers() {}

    static void register(HandlerTable table) {
        table.add(Mnemonic.LDS, in -> loadPointer(Cpu.DS));
        table.add(Mnemonic.LES, in -> loadPointer(Cpu.ES));
        table.add(Mnemonic.LFS, in -> loadPointer(Cpu.FS));
        table.add(Mnemonic.LGS, in -> loadPointer(Cpu.GS));
        table.add(Mnemonic.LSS, in -> loadPointer(Cpu.SS));
    }

    /** MOV to a segment register. */
    static Handler load(Instruction in) {
        int segment = in.reg;
        if (segment == Cpu.SS) {
            return (cpu, it) -> {
                Segments.load(cpu, Cpu.SS, (int) Operands.rm(cpu, it, 2) & 0xFFFF);
                shadow(cpu);
            };
        }
        return (cpu, it) -> Segments.load(cpu, segment, (int) Operands.rm(cpu, it, 2) & 0xFFFF);
    }

    /** MOV from a segment register: a general register is filled up with zeroes, memory receives two bytes. */
    static Handler store(Instruction in) {
        int segment = in.reg;
        int size = in.size(0);
        return (cpu, it) -> Operands.setRm(cpu, it, cpu.selector[segment], size);
    }

    /** POP to a segment register. */
    static Handler pop(int segment, int size) {
        return (cpu, in) -> {
            long pointer = cpu.gpr[Cpu.RSP];
            int selector = (int) Stack.pop(cpu, size) & 0xFFFF;
            try {
                Segments.load(cpu, segment, selector);
            } catch (GuestFault | ExitSignal stopped) {
                cpu.gpr[Cpu.RSP] = pointer;
                throw stopped;
            }
            if (segment == Cpu.SS) {
                shadow(cpu);
            }
        };
    }

    /** Holds interrupts and debug exceptions back until RSP can have been loaded as well, SDM vol. 3A, 7.8.3. */
    private static void shadow(Cpu cpu) {
        cpu.shadow = 2;
        cpu.pending |= Cpu.PENDING_SHADOW;
    }

    private static Handler loadPointer(int segment) {
        return (cpu, in) -> {
            int size = in.operandSize;
            long linear = cpu.address(in, size + 2, false);
            long offset = cpu.read(linear, size);
            int selector = cpu.read16(linear + size & cpu.linearMask);
            Segments.load(cpu, segment, selector);
            Operands.setRegister(cpu, in.reg, offset, size);
        };
    }
}
