package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/** RET that leaves the segment, and the checks that it shares with IRET: SDM vol. 2B, RET; vol. 3A, 6.8.6. */
final class FarReturn {
    private FarReturn() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.RET_FAR, FarReturn::execute);
    }

    private static void execute(Cpu cpu, Instruction in) {
        int size = in.operandSize;
        int parameters = in.opcode.operandCount() > 0 ? (int) in.immediate & 0xFFFF : 0;
        long target = Stack.peek(cpu, 0, size);
        int selector = (int) Stack.peek(cpu, size, size) & 0xFFFF;
        if (!cpu.protectedMode()) {
            cpu.branch(target);
            Stack.drop(cpu, 2L * size + parameters);
            Segments.setReal(cpu, Cpu.CS, selector);
            cpu.modeChanged();
            return;
        }
        long code = code(cpu, selector);
        checkTarget(cpu, code, target);
        int privilege = Descriptors.requestedPrivilege(selector);
        if (privilege > cpu.cpl) {
            long pointer = Stack.peek(cpu, 2 * size + parameters, size);
            int stackSelector = (int) Stack.peek(cpu, 3 * size + parameters, size) & 0xFFFF;
            switchStack(cpu, selector, code, privilege, stackSelector, pointer, size);
            cpu.modeChanged();
            Stack.drop(cpu, parameters);
        } else {
            Stack.drop(cpu, 2L * size + parameters);
            Segments.setCode(cpu, selector, code, privilege);
            cpu.modeChanged();
        }
        cpu.rip = target;
    }

    /** The descriptor of a code segment to return to. */
    static long code(Cpu cpu, int selector) {
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long code = Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
        int privilege = Descriptors.requestedPrivilege(selector);
        boolean allowed = Descriptors.isConforming(code)
                ? Descriptors.privilege(code) <= privilege
                : Descriptors.privilege(code) == privilege;
        if (!Descriptors.isCode(code)
                || privilege < cpu.cpl
                || !allowed
                || cpu.longMode() && Descriptors.isLong(code) && Descriptors.isBig(code)) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(code)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        return code;
    }

    /** Raises #GP(0) unless the target lies in a code segment, or is canonical in a 64-bit one. */
    static void checkTarget(Cpu cpu, long code, long target) {
        boolean inside = cpu.longMode() && Descriptors.isLong(code)
                ? target << 16 >> 16 == target
                : Long.compareUnsigned(target, Descriptors.limit(code) & 0xFFFF_FFFFL) <= 0;
        if (!inside) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /**
     * Takes CS, and SS:RSP from the stack. The caller sets RIP and calls {@link Cpu#modeChanged}.
     *
     * @param size of the stack pointer that was popped
     */
    static void switchStack(
            Cpu cpu, int selector, long code, int privilege, int stackSelector, long pointer, int size) {
        boolean to64 = cpu.longMode() && Descriptors.isLong(code);
        boolean isNull = Descriptors.isNull(stackSelector);
        if (isNull && (!to64 || privilege == 3 || Descriptors.requestedPrivilege(stackSelector) != privilege)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long stack = isNull ? 0 : Segments.stack(cpu, stackSelector, privilege, Vectors.GENERAL_PROTECTION);
        boolean outer = privilege > cpu.cpl;
        Segments.setCode(cpu, selector, code, privilege);
        if (isNull) {
            Segments.setNull(cpu, Cpu.SS, stackSelector);
        } else {
            Segments.set(cpu, Cpu.SS, stackSelector, Descriptors.setAccessed(cpu, stackSelector, stack));
        }
        boolean whole = to64 || isNull || Descriptors.isBig(stack) || size == 8;
        cpu.gpr[Cpu.RSP] = whole ? pointer : cpu.gpr[Cpu.RSP] & ~0xFFFFL | pointer & 0xFFFF;
        if (outer) {
            Segments.dropInner(cpu);
        }
    }
}
