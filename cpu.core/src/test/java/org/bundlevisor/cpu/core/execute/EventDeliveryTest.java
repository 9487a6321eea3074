package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Frames, error codes and stacks of event delivery: SDM vol. 3A, chapter 7. */
class EventDeliveryTest {
    @Test
    void longModeExceptionPushesSixWords() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            // mov eax, [0x7f000000] in a page that is not mapped
            m.execute("8B 04 25 00 00 00 7F");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.vectorTaken()).isEqualTo(14);
            assertThat(m.cpu.cr2).isEqualTo(0x7F00_0000L);
            long top = TestMachine.STACK - 48;
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(top);
            assertThat(m.read64(top)).isZero();
            assertThat(m.read64(top + 8)).isEqualTo(TestMachine.CODE);
            assertThat(m.read64(top + 16)).isEqualTo(TestMachine.CODE_64);
            assertThat(m.read64(top + 24) & Bits.FLAG_RF).isEqualTo(Bits.FLAG_RF);
            assertThat(m.read64(top + 32)).isEqualTo(TestMachine.STACK);
            assertThat(m.read64(top + 40)).isEqualTo(TestMachine.DATA_32);
        }
    }

    @Test
    void protectedModeInterruptAndReturn() {
        try (TestMachine m = new TestMachine().protectedMode().user()) {
            m.gate(0x40, TestMachine.HANDLERS);
            // handler: mov eax, 5; iret
            m.code(TestMachine.HANDLERS, "B8 05 00 00 00 CF");
            m.handlers();
            m.gate(0x40, TestMachine.HANDLERS + 0x400);
            m.code(TestMachine.HANDLERS + 0x400, "B8 05 00 00 00 CF");
            m.cpu.gpr[Cpu.RSP] = TestMachine.STACK;
            // int 0x40; hlt, which is #GP at CPL 3
            m.execute("CD 40");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(5);
            assertThat(m.vectorTaken()).isEqualTo(13);
            long top = TestMachine.INNER_STACK - 24;
            assertThat(m.read32(top)).isZero();
            assertThat(m.read32(top + 4)).isEqualTo((int) TestMachine.CODE + 2);
            assertThat(m.read32(top + 8)).isEqualTo(TestMachine.USER_CODE_32);
            assertThat(m.read32(top + 16)).isEqualTo((int) TestMachine.STACK);
            assertThat(m.read32(top + 20)).isEqualTo(TestMachine.USER_DATA);
        }
    }

    @Test
    void realModeInterruptPushesThreeWords() {
        try (TestMachine m = new TestMachine().realMode()) {
            m.write32(0x21 * 4, 0x0100_0010);
            m.code(0x1010, "B8 34 12 CF");
            // int 0x21; hlt
            m.code(0x600, "CD 21 F4");
            m.run(0x600);
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1234);
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(0x8000);
            assertThat(m.read16(0x7FFA)).isEqualTo(0x602);
        }
    }

    @Test
    void threeFaultsInARowShutTheProcessorDown() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.execute("0F 0B");
            assertThat(m.exit.kind).isEqualTo(Kind.TRIPLE_FAULT);
            assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE);
        }
    }

    @Test
    void contributoryFaultInDeliveryMakesADoubleFault() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.gate(13, TestMachine.CODE_64, TestMachine.HANDLERS, 0x6E, 0);
            m.gate(8, TestMachine.CODE_64, TestMachine.HANDLERS + 0x80, 0x8E, 1);
            // mov ax, 0xF008; mov ds, ax: #GP, whose gate is not present
            m.execute("66 B8 08 F0 8E D8");
            assertThat(m.vectorTaken()).isEqualTo(8);
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.INTERRUPT_STACK - 48);
            assertThat(m.read64(TestMachine.INTERRUPT_STACK - 48)).isZero();
        }
    }
}
