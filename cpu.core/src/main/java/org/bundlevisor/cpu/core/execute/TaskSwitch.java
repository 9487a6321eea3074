package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.decode.Instruction;

/**
 * Switching tasks through TSS descriptors, task gates and IRET with NT set: SDM vol. 3A, 9.3 "Task Switching". What can fault
 * in the context of the old task comes first; then the tasks change, and faults belong to the new one.
 */
final class TaskSwitch {
    // as the exit information numbers the sources
    private static final int CALL = 0;
    private static final int RETURN = 1;
    private static final int JUMP = 2;
    private static final int INTERRUPT_GATE = 3;

    private static final int DEBUG_TRAP = 0x64;
    private static final int LIMIT_32 = 0x67;
    private static final int LIMIT_16 = 0x2B;

    /** The local enable bits of DR7, which a task switch clears. */
    private static final long LOCAL_BREAKPOINTS = 0x155;

    private TaskSwitch() {}

    /** JMP or CALL to a TSS, directly or through a task gate. */
    static void to(Cpu cpu, Instruction in, int selector, boolean call) {
        long descriptor = descriptor(cpu, selector, false, Vectors.GENERAL_PROTECTION);
        stopIfIntercepted(cpu, selector, call ? CALL : JUMP, in.length);
        switchTo(cpu, selector, descriptor, call ? CALL : JUMP, cpu.ripAfter(in), cpu.rflags());
    }

    /** IRET with NT set: back to the task that the current one's TSS links to. */
    static void back(Cpu cpu, Instruction in) {
        int selector = (int) cpu.readSystem(cpu.segmentBase[Cpu.TR], 2);
        long descriptor = descriptor(cpu, selector, true, Vectors.INVALID_TSS);
        stopIfIntercepted(cpu, selector, RETURN, in.length);
        switchTo(cpu, selector, descriptor, RETURN, cpu.ripAfter(in), cpu.rflags() & ~Bits.FLAG_NT);
    }

    /** An interrupt or exception through a task gate. */
    static void throughInterruptGate(
            Cpu cpu, int selector, int instructionLength, long rip, long flags, boolean hasErrorCode, int errorCode) {
        long descriptor = descriptor(cpu, selector, false, Vectors.GENERAL_PROTECTION);
        stopIfIntercepted(cpu, selector, INTERRUPT_GATE, instructionLength);
        switchTo(cpu, selector, descriptor, INTERRUPT_GATE, rip, flags);
        if (hasErrorCode) {
            inNewTask(cpu, () -> Stack.push(cpu, errorCode, isWide(cpu.segmentAttributes[Cpu.TR]) ? 4 : 2));
        }
    }

    private static boolean isWide(int type) {
        return (type & 8) != 0;
    }

    private static long descriptor(Cpu cpu, int selector, boolean busy, int vector) {
        if (Descriptors.isNull(selector) || (selector & 4) != 0) {
            throw Descriptors.fault(cpu, vector, selector);
        }
        long descriptor = Descriptors.read(cpu, selector, vector);
        int type = Descriptors.type(descriptor);
        int expected = busy ? Descriptors.TSS_BUSY : 0;
        boolean isTask = Descriptors.isSystem(descriptor) && (type & ~8) == (Descriptors.TSS_16 | expected);
        if (!isTask) {
            throw Descriptors.fault(cpu, vector, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        int least = isWide(type) ? LIMIT_32 : LIMIT_16;
        if (Integer.compareUnsigned(Descriptors.limit(descriptor), least) < 0) {
            throw Descriptors.fault(cpu, Vectors.INVALID_TSS, selector);
        }
        return descriptor;
    }

    private static void stopIfIntercepted(Cpu cpu, int selector, int source, int length) {
        if (cpu.intercepts.has(Intercept.TASK_SWITCH)) {
            cpu.exit.value = selector;
            cpu.exit.taskSwitchSource = source;
            throw cpu.exit(ProcessorExit.Kind.TASK_SWITCH, length);
        }
    }

    private static void switchTo(Cpu cpu, int selector, long descriptor, int source, long rip, long flags) {
        TaskState next = TaskState.read(cpu, Descriptors.base(descriptor), isWide(Descriptors.type(descriptor)));
        int oldSelector = cpu.selector[Cpu.TR];
        boolean nests = source == CALL || source == INTERRUPT_GATE;
        if (nests) {
            cpu.writeSystem(Descriptors.base(descriptor), oldSelector, 2);
        }
        TaskState.write(cpu, cpu.segmentBase[Cpu.TR], isWide(cpu.segmentAttributes[Cpu.TR]), rip, flags);
        if (!nests) {
            setBusy(cpu, oldSelector, false);
        }
        if (source != RETURN) {
            setBusy(cpu, selector, true);
        }
        Segments.set(cpu, Cpu.TR, selector, descriptor);
        cpu.segmentAttributes[Cpu.TR] |= Descriptors.TSS_BUSY;
        cpu.cr0 |= Bits.CR0_TS;
        if ((cpu.dr[7] & LOCAL_BREAKPOINTS) != 0) {
            cpu.dr[7] &= ~LOCAL_BREAKPOINTS;
            Breakpoints.changed(cpu);
        }
        next.load(cpu, nests);
        inNewTask(cpu, () -> next.loadSegments(cpu));
        boolean traps = isWide(Descriptors.type(descriptor))
                && (cpu.readSystem(cpu.segmentBase[Cpu.TR] + DEBUG_TRAP, 2) & 1) != 0;
        if (traps) {
            cpu.pendingDebug |= Bits.DR6_BT;
            cpu.pending |= Cpu.PENDING_DEBUG;
        }
    }

    private static void setBusy(Cpu cpu, int selector, boolean busy) {
        long at = Descriptors.address(cpu, selector) + 5;
        long type = cpu.readSystem(at, 1);
        cpu.writeSystem(at, busy ? type | Descriptors.TSS_BUSY : type & ~Descriptors.TSS_BUSY, 1);
    }

    /** Faults of what happens here save the new task's RIP. */
    private static void inNewTask(Cpu cpu, Runnable action) {
        try {
            action.run();
        } catch (GuestFault fault) {
            fault.ripIsFinal = true;
            cpu.modeChanged();
            throw fault;
        }
    }
}
