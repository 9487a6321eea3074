package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;

/** Switching tasks through TSS descriptors and task gates, SDM vol. 3A, chapter 9 "Task Management". */
final class TaskSwitch {
    private TaskSwitch() {}

    static void throughInterruptGate(
            Cpu cpu, int selector, long rip, long flags, boolean hasErrorCode, int errorCode) {
        throw Descriptors.fault(cpu, Vectors.INVALID_TSS, selector);
    }

    static void to(Cpu cpu, Instruction in, int selector, boolean gate, boolean call) {
        throw Descriptors.fault(cpu, Vectors.INVALID_TSS, selector);
    }

    static void back(Cpu cpu, Instruction in) {
        throw Descriptors.fault(cpu, Vectors.INVALID_TSS, 0);
    }
}
