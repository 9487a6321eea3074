package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/** Transfers through call gates of 16, 32 and 64 bits: SDM vol. 3A, 6.8.3 to 6.8.5. */
final class CallGate {
    private static final int FIRST_STACK_POINTER = 4;
    private static final int MOST_PARAMETERS = 31;

    private CallGate() {}

    /** @param gate the lower eight bytes of the gate, whose type, privilege and presence have been checked */
    static void enter(Cpu cpu, Instruction in, int gateSelector, long gate, boolean call) {
        boolean wide = cpu.longMode();
        int selector = Descriptors.gateSelector(gate);
        long target = Descriptors.gateOffset(gate);
        if (wide) {
            long upper = Descriptors.readUpper(cpu, gateSelector, Vectors.GENERAL_PROTECTION);
            if ((upper & 0x1FL << 40) != 0) {
                throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, gateSelector);
            }
            target |= upper << 32;
        }
        long code = code(cpu, selector, wide, call);
        FarReturn.checkTarget(cpu, code, target);
        int privilege = Descriptors.isConforming(code) ? cpu.cpl : Descriptors.privilege(code);
        if (call) {
            int size = wide ? 8 : (Descriptors.type(gate) & 8) != 0 ? 4 : 2;
            boolean inner = privilege < cpu.cpl;
            TargetStack stack = cpu.targetStack;
            if (!inner) {
                stack.useCurrent();
                stack.require(2 * size);
            } else if (wide) {
                stack.useLong(TargetStack.pointerOfTask(cpu, FIRST_STACK_POINTER + 8 * privilege), false);
            } else {
                stack.useInner(privilege);
            }
            if (inner) {
                int parameters = wide ? 0 : (int) (gate >>> 32) & MOST_PARAMETERS;
                stack.require(size * (4 + parameters));
                stack.push(cpu.selector[Cpu.SS], size);
                stack.push(cpu.gpr[Cpu.RSP], size);
                for (int i = parameters - 1; i >= 0; i--) {
                    stack.push(Stack.peek(cpu, i * size, size), size);
                }
            }
            stack.push(cpu.selector[Cpu.CS], size);
            stack.push(cpu.ripAfter(in), size);
            Segments.setCode(cpu, selector, code, privilege);
            stack.commit();
        } else {
            Segments.setCode(cpu, selector, code, cpu.cpl);
        }
        cpu.rip = target;
        cpu.modeChanged();
    }

    private static long code(Cpu cpu, int selector, boolean wide, boolean call) {
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long code = Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
        int privilege = Descriptors.privilege(code);
        boolean sameOnly = !call && !Descriptors.isConforming(code);
        if (!Descriptors.isCode(code)
                || privilege > cpu.cpl
                || sameOnly && privilege != cpu.cpl
                || wide && (!Descriptors.isLong(code) || Descriptors.isBig(code))) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(code)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        return code;
    }
}
