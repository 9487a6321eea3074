package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand.Place;

/** JMP and CALL to another segment: directly, through call gates and to tasks. SDM vol. 3A, 6.8; vol. 2A, CALL and JMP. */
final class FarTransfer {
    private FarTransfer() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.JMP_FAR, (cpu, in) -> execute(cpu, in, false));
        table.addOne(Mnemonic.CALL_FAR, (cpu, in) -> execute(cpu, in, true));
    }

    private static void execute(Cpu cpu, Instruction in, boolean call) {
        int size = in.operandSize;
        long target;
        int selector;
        if (in.opcode.operand(0).place == Place.FAR_POINTER) {
            target = in.immediate;
            selector = in.immediate2;
        } else {
            long linear = cpu.address(in, size + 2, false);
            target = cpu.read(linear, size);
            selector = cpu.read16(linear + size & cpu.linearMask);
        }
        if (!cpu.protectedMode()) {
            toReal(cpu, in, selector, target, call);
            return;
        }
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long descriptor = Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
        if (Descriptors.isCode(descriptor)) {
            toCode(cpu, in, selector, descriptor, target, call);
        } else if (Descriptors.isSystem(descriptor)) {
            toSystem(cpu, in, selector, descriptor, call);
        } else {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
    }

    private static void toReal(Cpu cpu, Instruction in, int selector, long target, boolean call) {
        if (Long.compareUnsigned(target, cpu.segmentLimit[Cpu.CS] & 0xFFFF_FFFFL) > 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        if (call) {
            pushReturn(cpu, in, in.operandSize);
        }
        Segments.setReal(cpu, Cpu.CS, selector);
        cpu.rip = target;
        cpu.modeChanged();
    }

    /** Pushes CS and the RIP behind the instruction, or nothing if that fails. */
    private static void pushReturn(Cpu cpu, Instruction in, int size) {
        TargetStack stack = cpu.targetStack;
        stack.useCurrent();
        stack.require(2 * size);
        stack.push(cpu.selector[Cpu.CS], size);
        stack.push(cpu.ripAfter(in), size);
        stack.commit();
    }

    private static void toCode(Cpu cpu, Instruction in, int selector, long code, long target, boolean call) {
        int privilege = Descriptors.privilege(code);
        boolean allowed = Descriptors.isConforming(code)
                ? privilege <= cpu.cpl
                : privilege == cpu.cpl && Descriptors.requestedPrivilege(selector) <= cpu.cpl;
        if (!allowed || cpu.longMode() && Descriptors.isLong(code) && Descriptors.isBig(code)) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(code)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        FarReturn.checkTarget(cpu, code, target);
        if (call) {
            pushReturn(cpu, in, in.operandSize);
        }
        Segments.setCode(cpu, selector, code, cpu.cpl);
        cpu.rip = target;
        cpu.modeChanged();
    }

    private static void toSystem(Cpu cpu, Instruction in, int selector, long descriptor, boolean call) {
        int weakest = Math.max(cpu.cpl, Descriptors.requestedPrivilege(selector));
        int type = Descriptors.type(descriptor);
        boolean known = cpu.longMode()
                ? type == Descriptors.CALL_GATE_32
                : type == Descriptors.CALL_GATE_32
                        || type == Descriptors.CALL_GATE_16
                        || type == Descriptors.TASK_GATE
                        || type == Descriptors.TSS_16
                        || type == Descriptors.TSS_32;
        if (!known || Descriptors.privilege(descriptor) < weakest) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        switch (type) {
            case Descriptors.CALL_GATE_16, Descriptors.CALL_GATE_32 ->
                    CallGate.enter(cpu, in, selector, descriptor, call);
            case Descriptors.TASK_GATE ->
                    TaskSwitch.to(cpu, in, Descriptors.gateSelector(descriptor), call);
            default -> TaskSwitch.to(cpu, in, selector, call);
        }
    }
}
