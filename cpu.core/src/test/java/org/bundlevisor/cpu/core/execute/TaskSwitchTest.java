package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Task switches by CALL, JMP, IRET and task gates: SDM vol. 3A, 9.3. */
class TaskSwitchTest {
    private static final int SECOND = TestMachine.FREE;
    private static final int GATE = TestMachine.FREE + 8;
    private static final long SECOND_TSS = 0x4000;
    private static final long SECOND_STACK = 0x5F000;

    private static TestMachine machine() {
        TestMachine m = new TestMachine().protectedMode().handlers();
        m.descriptor(SECOND, 0x0000_8900_0000_0FFFL | SECOND_TSS << 16);
        m.descriptor(GATE, (long) SECOND << 16 | 0xE5L << 40);
        m.write32(SECOND_TSS + 0x20, (int) TestMachine.USER_CODE);
        m.write32(SECOND_TSS + 0x24, 2);
        m.write32(SECOND_TSS + 0x28, 0x1234);
        m.write32(SECOND_TSS + 0x38, (int) SECOND_STACK);
        for (int offset = 0x48; offset <= 0x5C; offset += 4) {
            m.write32(SECOND_TSS + offset, offset == 0x4C ? TestMachine.CODE_32 : TestMachine.DATA_32);
        }
        return m;
    }

    private static int type(TestMachine m, int selector) {
        return m.read8(TestMachine.GDT + selector + 5);
    }

    @Test
    void callNestsAndReturnComesBack() {
        try (TestMachine m = machine()) {
            // in the second task: inc eax; iret; inc eax; hlt
            m.code(TestMachine.USER_CODE, "40 CF 40 F4");
            // mov eax, 5; call 0x58:0; hlt
            m.execute("B8 05 00 00 00 9A 00 00 00 00 58 00");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(5);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE + 13);
            assertThat(m.cpu.selector[Cpu.TR]).isEqualTo(TestMachine.TASK);
            assertThat(m.read16(SECOND_TSS)).isEqualTo(TestMachine.TASK);
            assertThat(m.read32(SECOND_TSS + 0x28)).isEqualTo(0x1235);
            assertThat(m.read32(SECOND_TSS + 0x20)).isEqualTo((int) TestMachine.USER_CODE + 2);
            assertThat(m.read32(SECOND_TSS + 0x24) & (int) Bits.FLAG_NT).isZero();
            assertThat(type(m, SECOND)).isEqualTo(0x89);
            assertThat(type(m, TestMachine.TASK)).isEqualTo(0x8B);
            assertThat(m.cpu.cr0 & Bits.CR0_TS).isEqualTo(Bits.CR0_TS);
        }
    }

    @Test
    void jumpLeavesTheOldTask() {
        try (TestMachine m = machine()) {
            m.code(TestMachine.USER_CODE, "F4");
            m.execute("B8 05 00 00 00 EA 00 00 00 00 58 00");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1234);
            assertThat(m.cpu.flag(Bits.FLAG_NT)).isFalse();
            assertThat(m.read32(TestMachine.TSS + 0x28)).isEqualTo(5);
            assertThat(type(m, SECOND)).isEqualTo(0x8B);
            assertThat(type(m, TestMachine.TASK)).isEqualTo(0x89);
        }
    }

    @Test
    void exceptionThroughATaskGatePushesItsErrorCodeOnTheNewStack() {
        try (TestMachine m = machine()) {
            m.gate(13, SECOND, 0, 0x85, 0);
            m.code(TestMachine.USER_CODE, "F4");
            // mov ax, 0xf08; mov ds, ax
            m.execute("66 B8 08 0F 8E D8");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(SECOND_STACK - 4);
            assertThat(m.read32(SECOND_STACK - 4)).isEqualTo(0xF08);
            assertThat(m.read32(TestMachine.TSS + 0x20)).isEqualTo((int) TestMachine.CODE + 4);
            assertThat(m.cpu.flag(Bits.FLAG_NT)).isTrue();
        }
    }

    @Test
    void busyTaskIsRefused() {
        try (TestMachine m = machine()) {
            m.execute("9A 00 00 00 00 48 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(TestMachine.TASK);
        }
    }

    @Test
    void badSegmentOfTheNewTaskFaultsInTheNewTask() {
        try (TestMachine m = machine()) {
            m.write32(SECOND_TSS + 0x54, 0xF08);
            m.execute("9A 00 00 00 00 58 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.INVALID_TSS);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(0xF08);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP] + 4)).isEqualTo((int) TestMachine.USER_CODE);
            assertThat(m.cpu.selector[Cpu.TR]).isEqualTo(SECOND);
        }
    }

    @Test
    void interceptedSwitchTellsItsSource() {
        try (TestMachine m = machine()) {
            m.intercepts.set(Intercept.TASK_SWITCH, true);
            m.execute("9A 00 00 00 00 60 00");
            assertThat(m.exit.kind).isEqualTo(Kind.TASK_SWITCH);
            assertThat(m.exit.value).isEqualTo(SECOND);
            assertThat(m.exit.taskSwitchSource).isZero();
            assertThat(m.exit.instructionLength).isEqualTo(7);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE);
            m.intercepts.set(Intercept.TASK_SWITCH, false);
            assertThat(m.engine.complete()).isTrue();
            assertThat(m.cpu.rip).isEqualTo(TestMachine.USER_CODE);
        }
    }

    @Test
    void interceptedTaskGateIsCompletedByInjection() {
        try (TestMachine m = machine()) {
            m.gate(6, SECOND, 0, 0x85, 0);
            m.intercepts.set(Intercept.TASK_SWITCH, true);
            m.execute("0F 0B");
            assertThat(m.exit.taskSwitchSource).isEqualTo(3);
            assertThat(m.exit.vectoring.vector()).isEqualTo(6);
            m.intercepts.set(Intercept.TASK_SWITCH, false);
            m.cpu.inject(m.exit.vectoring);
            assertThat(m.engine.complete()).isTrue();
            assertThat(m.cpu.rip).isEqualTo(TestMachine.USER_CODE);
        }
    }
}
