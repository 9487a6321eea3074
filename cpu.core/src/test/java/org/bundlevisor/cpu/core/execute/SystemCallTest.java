package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** SYSCALL, SYSRET, SYSENTER, SYSEXIT and SWAPGS: SDM vol. 2B. */
class SystemCallTest {
    private static final int STAR = 0xC000_0081;
    private static final int LSTAR = 0xC000_0082;
    private static final int FMASK = 0xC000_0084;

    @Test
    void callAndReturn() {
        try (TestMachine m = new TestMachine().longMode().handlers().user()) {
            m.registers.writeMsr(STAR, 0x0000_0008_0000_0000L | (long) (TestMachine.USER_CODE_32 & ~3) << 48);
            m.registers.writeMsr(LSTAR, TestMachine.HANDLERS + 0x800);
            m.registers.writeMsr(FMASK, Bits.FLAG_IF | Bits.FLAG_DF);
            m.cpu.setRflags(Bits.FLAG_IF | Bits.FLAG_DF | Bits.FLAG_CF);
            // mov r8, cs; pushf; pop r9 on the caller's stack; sysretq
            m.code(TestMachine.HANDLERS + 0x800, "49 89 C8 4C 8B 14 24 9C 41 59 48 0F 07");
            m.execute("0F 05 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[8]).isEqualTo(TestMachine.CODE + 2);
            assertThat(m.cpu.gpr[9] & (Bits.FLAG_IF | Bits.FLAG_DF | Bits.FLAG_CF)).isEqualTo(Bits.FLAG_CF);
            long frame = m.cpu.gpr[Cpu.RSP];
            assertThat(m.read64(frame + 8)).isEqualTo((TestMachine.USER_CODE_32 & ~3) + 16 | 3);
            assertThat(m.read64(frame + 16)).isEqualTo(Bits.FLAG_IF | Bits.FLAG_DF | Bits.FLAG_CF | 2);
            assertThat(m.read64(frame + 32)).isEqualTo((TestMachine.USER_CODE_32 & ~3) + 8 | 3);
        }
    }

    @Test
    void callIsUndefinedWhileDisabled() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.efer &= ~Bits.EFER_SCE;
            m.execute("0F 05");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.INVALID_OPCODE);
        }
    }

    @Test
    void returnIsForTheKernel() {
        try (TestMachine m = new TestMachine().longMode().handlers().user()) {
            m.execute("48 0F 07");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }

    @Test
    void swapsTheBaseOfGs() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.registers.writeMsr(0xC000_0101, TestMachine.DATA);
            m.registers.writeMsr(0xC000_0102, TestMachine.DATA + 0x100);
            m.write32(TestMachine.DATA + 0x108, 0x1234);
            // swapgs; mov eax, gs:[8]
            m.execute("0F 01 F8 65 8B 04 25 08 00 00 00");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1234);
            assertThat(m.cpu.msrs.kernelGsBase).isEqualTo(TestMachine.DATA);
        }
    }

    @Test
    void enterAndExit() {
        try (TestMachine m = new TestMachine().protectedMode().handlers().user()) {
            m.registers.writeMsr(0x174, TestMachine.CODE_32);
            m.registers.writeMsr(0x175, TestMachine.INNER_STACK - 0x100);
            m.registers.writeMsr(0x176, TestMachine.HANDLERS + 0x800);
            // SYSEXIT takes the segments 16 and 24 bytes behind SYSENTER's
            m.descriptor(TestMachine.CODE_32 + 16, 0x00CF_FB00_0000_FFFFL);
            m.descriptor(TestMachine.CODE_32 + 24, 0x00CF_F300_0000_FFFFL);
            // mov ecx, 0x5f000; mov edx, 0x30000; sysexit
            m.code(TestMachine.HANDLERS + 0x800, "B9 00 F0 05 00 BA 00 00 03 00 0F 35");
            m.code(TestMachine.USER_CODE, "CC");
            m.execute("0F 34");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            long frame = m.cpu.gpr[Cpu.RSP];
            assertThat(m.read32(frame)).isEqualTo((int) TestMachine.USER_CODE + 1);
            assertThat(m.read32(frame + 4)).isEqualTo(TestMachine.CODE_32 + 16 | 3);
            assertThat(m.read32(frame + 12)).isEqualTo(0x5F000);
        }
    }
}
