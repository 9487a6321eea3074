package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** CLI, STI, PUSHF, POPF, CLAC and STAC. */
final class InterruptFlagHandlers {
    /** What POPF may change whatever the privilege. */
    private static final long ALWAYS = Bits.ARITHMETIC_FLAGS | Bits.FLAG_TF | Bits.FLAG_DF | Bits.FLAG_NT | Bits.FLAG_AC
            | Bits.FLAG_ID;

    private static final long WORD = 0xFFFF;

    private InterruptFlagHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.CLI, InterruptFlagHandlers::clear);
        table.addOne(Mnemonic.STI, InterruptFlagHandlers::set);
        table.addOne(Mnemonic.PUSHF, InterruptFlagHandlers::push);
        table.addOne(Mnemonic.POPF, InterruptFlagHandlers::pop);
        table.addOne(Mnemonic.CLAC, (cpu, in) -> setAccess(cpu, 0));
        table.addOne(Mnemonic.STAC, (cpu, in) -> setAccess(cpu, Bits.FLAG_AC));
    }

    /** CPL is 3 in virtual-8086 mode and 0 in real mode, so that one rule holds in all. */
    private static void checkIoPrivilege(Cpu cpu) {
        if (cpu.cpl > cpu.ioPrivilegeLevel()) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private static void clear(Cpu cpu, Instruction in) {
        checkIoPrivilege(cpu);
        cpu.systemFlags &= ~Bits.FLAG_IF;
    }

    private static void set(Cpu cpu, Instruction in) {
        checkIoPrivilege(cpu);
        if (!cpu.flag(Bits.FLAG_IF)) {
            cpu.systemFlags |= Bits.FLAG_IF;
            cpu.shadow = 1;
            cpu.pending |= Cpu.PENDING_SHADOW;
        }
    }

    private static void checkVirtual8086(Cpu cpu) {
        if (cpu.virtual8086() && cpu.ioPrivilegeLevel() < 3) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private static void push(Cpu cpu, Instruction in) {
        checkVirtual8086(cpu);
        if (cpu.intercepts.has(Intercept.PUSHF)) {
            throw cpu.intercepted(Intercept.PUSHF, in);
        }
        Stack.push(cpu, cpu.rflags() & ~(Bits.FLAG_RF | Bits.FLAG_VM), in.operandSize);
    }

    private static void pop(Cpu cpu, Instruction in) {
        checkVirtual8086(cpu);
        if (cpu.intercepts.has(Intercept.POPF)) {
            throw cpu.intercepted(Intercept.POPF, in);
        }
        long changeable = ALWAYS;
        if (cpu.cpl <= cpu.ioPrivilegeLevel()) {
            changeable |= Bits.FLAG_IF;
        }
        if (cpu.cpl == 0) {
            changeable |= Bits.FLAG_IOPL;
        }
        int size = in.operandSize;
        if (size == 2) {
            changeable &= WORD;
        }
        long popped = Stack.pop(cpu, size);
        cpu.setRflags(cpu.rflags() & ~(changeable | Bits.FLAG_RF) | popped & changeable);
    }

    /** SDM vol. 2A, CLAC: #UD at CPL 1 to 3. */
    private static void setAccess(Cpu cpu, long flag) {
        if (cpu.cpl != 0) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
        cpu.systemFlags = cpu.systemFlags & ~Bits.FLAG_AC | flag;
        cpu.accessContextChanged();
    }
}
