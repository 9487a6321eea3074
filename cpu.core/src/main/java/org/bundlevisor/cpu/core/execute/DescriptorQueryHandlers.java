package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** LAR, LSL, VERR, VERW and ARPL: what software asks descriptors without a fault. SDM vol. 3A, 6.10. */
final class DescriptorQueryHandlers {
    /** Types of system descriptors that LAR and LSL accept, one bit each: SDM vol. 2A, LAR and LSL. */
    private static final int WITH_RIGHTS = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12;

    private static final int WITH_LIMIT = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11;
    private static final int WITH_RIGHTS_LONG = 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12;
    private static final int WITH_LIMIT_LONG = 1 << 2 | 1 << 9 | 1 << 11;

    private DescriptorQueryHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.LAR, DescriptorQueryHandlers::rights);
        table.addOne(Mnemonic.LSL, DescriptorQueryHandlers::limit);
        table.addOne(Mnemonic.VERR, (cpu, in) -> verify(cpu, in, false));
        table.addOne(Mnemonic.VERW, (cpu, in) -> verify(cpu, in, true));
        table.addOne(Mnemonic.ARPL, DescriptorQueryHandlers::adjustPrivilege);
    }

    /** The selector operand, after the check of the mode. */
    private static int selector(Cpu cpu, Instruction in) {
        TableHandlers.requireProtectedMode(cpu);
        return (int) Operands.rm(cpu, in, 2) & 0xFFFF;
    }

    /** The descriptor if the program may see it, else 0, which no descriptor that counts is. */
    private static long visible(Cpu cpu, int selector, int systemTypes) {
        if (Descriptors.isNull(selector) || !Descriptors.exists(cpu, selector, 8)) {
            return 0;
        }
        long descriptor = Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
        if (Descriptors.isSystem(descriptor) && (systemTypes >>> Descriptors.type(descriptor) & 1) == 0) {
            return 0;
        }
        boolean open = Descriptors.isCode(descriptor) && Descriptors.isConforming(descriptor);
        int weakest = Math.max(cpu.cpl, Descriptors.requestedPrivilege(selector));
        return open || weakest <= Descriptors.privilege(descriptor) ? descriptor : 0;
    }

    private static void rights(Cpu cpu, Instruction in) {
        int selector = selector(cpu, in);
        long descriptor = visible(cpu, selector, cpu.longMode() ? WITH_RIGHTS_LONG : WITH_RIGHTS);
        cpu.setZero(descriptor != 0);
        if (descriptor != 0) {
            long rights = descriptor >>> 32 & 0xF0_FF00L;
            Operands.setRegister(cpu, in.reg, rights, in.operandSize);
        }
    }

    private static void limit(Cpu cpu, Instruction in) {
        int selector = selector(cpu, in);
        long descriptor = visible(cpu, selector, cpu.longMode() ? WITH_LIMIT_LONG : WITH_LIMIT);
        cpu.setZero(descriptor != 0);
        if (descriptor != 0) {
            Operands.setRegister(cpu, in.reg, Descriptors.limit(descriptor) & 0xFFFF_FFFFL, in.operandSize);
        }
    }

    private static void verify(Cpu cpu, Instruction in, boolean write) {
        int selector = selector(cpu, in);
        long descriptor = visible(cpu, selector, 0);
        boolean allowed = descriptor != 0
                && (write ? Descriptors.isWritableData(descriptor) : Descriptors.isReadable(descriptor));
        cpu.setZero(allowed);
    }

    private static void adjustPrivilege(Cpu cpu, Instruction in) {
        TableHandlers.requireProtectedMode(cpu);
        int selector = in.memory
                ? (int) cpu.readForWrite(cpu.address(in, 2, true), 2)
                : (int) cpu.gpr[in.rm] & 0xFFFF;
        int privilege = (int) cpu.gpr[in.reg] & 3;
        boolean raises = (selector & 3) < privilege;
        if (raises) {
            Operands.setRm(cpu, in, selector & ~3 | privilege, 2);
        }
        cpu.setZero(raises);
    }
}
