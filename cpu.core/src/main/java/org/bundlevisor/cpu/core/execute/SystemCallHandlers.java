package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS: SDM vol. 3A, 6.8.7 and 6.8.8. */
final class SystemCallHandlers {
    private static final int USER = 3;
    private static final int WHOLE = -1;

    /** What SYSRET takes from R11, SDM vol. 2B, SYSRET. */
    private static final long RETURNED_FLAGS = 0x3C_7FD7L;

    private SystemCallHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.SYSCALL, SystemCallHandlers::call);
        table.addOne(Mnemonic.SYSRET, SystemCallHandlers::callReturn);
        table.addOne(Mnemonic.SYSENTER, SystemCallHandlers::enter);
        table.addOne(Mnemonic.SYSEXIT, SystemCallHandlers::exit);
        table.addOne(Mnemonic.SWAPGS, SystemCallHandlers::swapGs);
    }

    private static void requireCallsEnabled(Cpu cpu) {
        if ((cpu.efer & Bits.EFER_SCE) == 0 || !cpu.code64()) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
    }

    private static void segments(Cpu cpu, int code, int codeAttributes, int stack, int privilege) {
        int bits = privilege << Segments.PRIVILEGE_SHIFT;
        Segments.set(cpu, Cpu.CS, code, 0, WHOLE, codeAttributes | bits);
        Segments.set(cpu, Cpu.SS, stack, 0, WHOLE, Segments.FLAT_DATA | bits);
        cpu.cpl = privilege;
    }

    private static void call(Cpu cpu, Instruction in) {
        requireCallsEnabled(cpu);
        ModelSpecificRegisters msrs = cpu.msrs;
        long flags = cpu.rflags();
        cpu.gpr[Cpu.RCX] = cpu.ripAfter(in);
        cpu.gpr[11] = flags & ~Bits.FLAG_RF;
        int selector = (int) (msrs.star >>> 32) & 0xFFFC;
        segments(cpu, selector, Segments.FLAT_CODE_64, selector + 8, 0);
        cpu.rip = msrs.lstar;
        // with TF masked there is no trap behind SYSCALL either
        cpu.stepSuppressed = (flags & msrs.fmask & Bits.FLAG_TF) != 0;
        cpu.replaceRflags(flags & ~(msrs.fmask | Bits.FLAG_RF));
        cpu.modeChanged();
    }

    private static void callReturn(Cpu cpu, Instruction in) {
        requireCallsEnabled(cpu);
        cpu.requireKernel();
        boolean to64 = in.operandSize == 8;
        long target = cpu.gpr[Cpu.RCX];
        if (!to64) {
            target &= 0xFFFF_FFFFL;
        } else if (target << 16 >> 16 != target) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        int base = (int) (cpu.msrs.star >>> 48);
        int code = (to64 ? base + 16 : base) | USER;
        segments(cpu, code, to64 ? Segments.FLAT_CODE_64 : Segments.FLAT_CODE_32, base + 8 | USER, USER);
        cpu.rip = target;
        cpu.replaceRflags(cpu.gpr[11] & RETURNED_FLAGS);
        cpu.modeChanged();
    }

    private static void enter(Cpu cpu, Instruction in) {
        ModelSpecificRegisters msrs = cpu.msrs;
        int selector = (int) msrs.sysenterCs & 0xFFFC;
        if (cpu.realMode() || selector == 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        boolean wide = cpu.longMode();
        cpu.systemFlags &= ~(Bits.FLAG_VM | Bits.FLAG_IF | Bits.FLAG_RF);
        segments(cpu, selector, wide ? Segments.FLAT_CODE_64 : Segments.FLAT_CODE_32, selector + 8, 0);
        cpu.gpr[Cpu.RSP] = wide ? msrs.sysenterEsp : msrs.sysenterEsp & 0xFFFF_FFFFL;
        cpu.rip = wide ? msrs.sysenterEip : msrs.sysenterEip & 0xFFFF_FFFFL;
        cpu.modeChanged();
    }

    private static void exit(Cpu cpu, Instruction in) {
        int base = (int) cpu.msrs.sysenterCs & 0xFFFC;
        if (cpu.realMode() || base == 0 || cpu.cpl != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long target = cpu.gpr[Cpu.RDX];
        long pointer = cpu.gpr[Cpu.RCX];
        if (in.operandSize == 8) {
            if (target << 16 >> 16 != target || pointer << 16 >> 16 != pointer) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            segments(cpu, base + 32 | USER, Segments.FLAT_CODE_64, base + 40 | USER, USER);
        } else {
            target &= 0xFFFF_FFFFL;
            pointer &= 0xFFFF_FFFFL;
            segments(cpu, base + 16 | USER, Segments.FLAT_CODE_32, base + 24 | USER, USER);
        }
        cpu.gpr[Cpu.RSP] = pointer;
        cpu.rip = target;
        cpu.modeChanged();
    }

    private static void swapGs(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        long base = cpu.segmentBase[Cpu.GS];
        cpu.setBase(Cpu.GS, cpu.msrs.kernelGsBase);
        cpu.msrs.kernelGsBase = base;
    }
}
