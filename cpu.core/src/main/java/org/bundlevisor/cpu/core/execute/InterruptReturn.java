package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** IRET in all modes, SDM vol. 2A, IRET/IRETD/IRETQ. */
final class InterruptReturn {
    /** What it may change whatever the privilege; IF and IOPL depend on that. */
    private static final long ALWAYS = Bits.ARITHMETIC_FLAGS | Bits.FLAG_TF | Bits.FLAG_DF | Bits.FLAG_NT | Bits.FLAG_RF
            | Bits.FLAG_AC | Bits.FLAG_ID;

    private static final long WORD = 0xFFFF;

    private InterruptReturn() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.IRET, InterruptReturn::execute);
    }

    private static void execute(Cpu cpu, Instruction in) {
        if (cpu.intercepts.has(Intercept.IRET)) {
            throw cpu.intercepted(Intercept.IRET, in);
        }
        int size = in.operandSize;
        if (cpu.realMode()) {
            toSameMode(cpu, size, ALWAYS | Bits.FLAG_IF | Bits.FLAG_IOPL);
        } else if (cpu.virtual8086()) {
            if (cpu.ioPrivilegeLevel() < 3) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            toSameMode(cpu, size, ALWAYS | Bits.FLAG_IF);
        } else if (cpu.flag(Bits.FLAG_NT)) {
            if (cpu.longMode()) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            TaskSwitch.back(cpu, in);
        } else {
            inProtectedMode(cpu, size);
        }
        cpu.nmiBlocked = false;
    }

    /** Real mode, and virtual-8086 mode with IOPL 3. */
    private static void toSameMode(Cpu cpu, int size, long changeable) {
        long target = Stack.peek(cpu, 0, size);
        int selector = (int) Stack.peek(cpu, size, size) & 0xFFFF;
        long flags = Stack.peek(cpu, 2 * size, size);
        cpu.branch(target);
        Stack.drop(cpu, 3L * size);
        Segments.setReal(cpu, Cpu.CS, selector);
        setFlags(cpu, flags, size == 2 ? changeable & WORD : changeable);
        cpu.modeChanged();
    }

    private static void setFlags(Cpu cpu, long flags, long changeable) {
        cpu.replaceRflags(cpu.rflags() & ~changeable | flags & changeable);
    }

    private static void inProtectedMode(Cpu cpu, int size) {
        long target = Stack.peek(cpu, 0, size);
        int selector = (int) Stack.peek(cpu, size, size) & 0xFFFF;
        long flags = Stack.peek(cpu, 2 * size, size);
        if (size == 4 && (flags & Bits.FLAG_VM) != 0 && cpu.cpl == 0 && !cpu.longMode()) {
            toVirtual8086(cpu, target, selector, flags);
            return;
        }
        long code = FarReturn.code(cpu, selector);
        FarReturn.checkTarget(cpu, code, target);
        int privilege = Descriptors.requestedPrivilege(selector);
        long changeable = changeableFlags(cpu, size);
        if (privilege > cpu.cpl || cpu.code64()) {
            toStack(cpu, size, selector, code, privilege);
        } else {
            Stack.drop(cpu, 3L * size);
            Segments.setCode(cpu, selector, code, privilege);
        }
        cpu.rip = target;
        setFlags(cpu, flags, changeable);
        cpu.modeChanged();
    }

    private static long changeableFlags(Cpu cpu, int size) {
        long changeable = ALWAYS;
        if (cpu.cpl == 0) {
            changeable |= Bits.FLAG_IOPL | Bits.FLAG_VIF | Bits.FLAG_VIP;
        }
        if (cpu.cpl <= cpu.ioPrivilegeLevel()) {
            changeable |= Bits.FLAG_IF;
        }
        return size == 2 ? changeable & WORD : changeable;
    }

    /** Pops SS:RSP as well: to an outer level, and always from 64-bit mode. */
    private static void toStack(Cpu cpu, int size, int selector, long code, int privilege) {
        long pointer = Stack.peek(cpu, 3 * size, size);
        int stackSelector = (int) Stack.peek(cpu, 4 * size, size) & 0xFFFF;
        FarReturn.switchStack(cpu, selector, code, privilege, stackSelector, pointer, size);
    }

    /** SDM vol. 3B, 21.2.6 "Leaving Virtual-8086 Mode": the way back into it. */
    private static void toVirtual8086(Cpu cpu, long target, int selector, long flags) {
        long pointer = Stack.peek(cpu, 12, 4);
        int stackSelector = (int) Stack.peek(cpu, 16, 4) & 0xFFFF;
        int es = (int) Stack.peek(cpu, 20, 4) & 0xFFFF;
        int ds = (int) Stack.peek(cpu, 24, 4) & 0xFFFF;
        int fs = (int) Stack.peek(cpu, 28, 4) & 0xFFFF;
        int gs = (int) Stack.peek(cpu, 32, 4) & 0xFFFF;
        cpu.replaceRflags(flags);
        cpu.cpl = 3;
        Segments.setReal(cpu, Cpu.CS, selector);
        Segments.setReal(cpu, Cpu.SS, stackSelector);
        Segments.setReal(cpu, Cpu.ES, es);
        Segments.setReal(cpu, Cpu.DS, ds);
        Segments.setReal(cpu, Cpu.FS, fs);
        Segments.setReal(cpu, Cpu.GS, gs);
        cpu.gpr[Cpu.RSP] = pointer;
        cpu.rip = target & WORD;
        cpu.modeChanged();
    }
}
