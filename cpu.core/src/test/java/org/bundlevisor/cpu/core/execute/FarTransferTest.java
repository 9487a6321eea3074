package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Far jumps, calls and returns, call gates, IRET between privilege levels: SDM vol. 3A, 6.8. */
class FarTransferTest {
    @Test
    void callGateSwitchesToTheInnerStackAndCopiesParameters() {
        try (TestMachine m = new TestMachine().protectedMode().handlers().user()) {
            // a gate with two parameters to the handler at 0x40800
            long target = TestMachine.HANDLERS + 0x800;
            m.descriptor(TestMachine.FREE,
                    target & 0xFFFF | (long) TestMachine.CODE_32 << 16 | 2L << 32 | 0xECL << 40 | target >>> 16 << 48);
            // mov eax, [esp+8]; retf 8
            m.code(target, "8B 44 24 08 CA 08 00");
            // push 1; push 2; call 0x5b:0; int3
            m.execute("6A 01 6A 02 9A 00 00 00 00 5B 00 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(2);
            // the return dropped the parameters from both stacks
            assertThat(m.read32(TestMachine.INNER_STACK - 8)).isEqualTo((int) TestMachine.STACK);
            assertThat(m.read32(TestMachine.INNER_STACK - 16)).isEqualTo(TestMachine.USER_CODE_32);
        }
    }

    @Test
    void callGateNeedsThePrivilegeOfItsDescriptor() {
        try (TestMachine m = new TestMachine().protectedMode().handlers().user()) {
            m.descriptor(TestMachine.FREE, 0x0004_8C00_0008_0000L);
            m.execute("9A 00 00 00 00 5B 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(TestMachine.FREE);
        }
    }

    @Test
    void longModeCallGateHasSixteenBytes() {
        try (TestMachine m = new TestMachine().longMode().handlers().user()) {
            long target = TestMachine.HANDLERS + 0x800;
            m.descriptor(TestMachine.FREE,
                    target & 0xFFFF | (long) TestMachine.CODE_64 << 16 | 0xECL << 40 | target >>> 16 << 48);
            m.descriptor(TestMachine.FREE + 8, 0);
            // mov eax, 7; retfq
            m.code(target, "B8 07 00 00 00 48 CB");
            m.write32(TestMachine.DATA, 0);
            m.write16(TestMachine.DATA + 4, TestMachine.FREE | 3);
            // call far [0x50000]; int3
            m.execute("FF 1C 25 00 00 05 00 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(7);
            assertThat(m.read64(TestMachine.INNER_STACK - 40)).isEqualTo(TestMachine.CODE + 8);
        }
    }

    @Test
    void farJumpGoesFrom32To16BitCode() {
        try (TestMachine m = new TestMachine().protectedMode()) {
            m.code(0x600, "B8 34 12 F4");
            // jmp 0x38:0x600
            m.execute("EA 00 06 00 00 38 00");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.codeSize).isEqualTo(2);
            assertThat(m.cpu.gpr[Cpu.RAX] & 0xFFFF).isEqualTo(0x1234);
        }
    }

    @Test
    void returnTo64BitUserCode() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.code(TestMachine.USER_CODE, "8C C8 CC");
            // push 0x2b; push 0x5f000; push 0x202; push 0x33; push 0x30000; iretq
            m.execute("6A 2B 68 00 F0 05 00 68 02 02 00 00 6A 33 68 00 00 03 00 48 CF");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[Cpu.RAX] & 0xFFFF).isEqualTo(TestMachine.USER_CODE_64);
            assertThat(m.read64(TestMachine.INNER_STACK - 16)).isEqualTo(0x5F000);
            assertThat(m.read64(TestMachine.INNER_STACK - 24) & Bits.FLAG_IF).isEqualTo(Bits.FLAG_IF);
        }
    }

    @Test
    void returnToCompatibilityModeRunsThirtyTwoBitCode() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            // inc eax, which would be a REX prefix in 64-bit mode; int3
            m.code(TestMachine.USER_CODE, "40 CC");
            m.cpu.gpr[Cpu.RAX] = 0x1_0000_0041L;
            m.execute("6A 2B 68 00 F0 05 00 68 02 02 00 00 6A 23 68 00 00 03 00 48 CF");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x42);
            assertThat(m.read64(TestMachine.INNER_STACK - 32)).isEqualTo(TestMachine.USER_CODE_32);
        }
    }

    @Test
    void returnToAnInnerLevelIsRefused() {
        try (TestMachine m = new TestMachine().protectedMode().handlers().user()) {
            // pushf; push 8; push 0x30000; iret
            m.execute("9C 6A 08 68 00 00 03 00 CF");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(TestMachine.CODE_32);
        }
    }

    @Test
    void returnToAnOuterLevelDropsInnerData() {
        try (TestMachine m = new TestMachine().protectedMode().handlers()) {
            m.code(TestMachine.USER_CODE, "CC");
            m.execute("6A 2B 68 00 F0 05 00 68 02 02 00 00 6A 23 68 00 00 03 00 CF");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.selector[Cpu.DS]).isZero();
            assertThat(m.cpu.segmentAttributes[Cpu.DS]).isEqualTo(Segments.UNUSABLE);
        }
    }

    @Test
    void returnToAnAddressThatIsNotCanonicalIsRefused() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.gpr[Cpu.RAX] = 0x0000_8000_0000_0000L;
            // push 0x10; push rsp; pushf; push 0x18; push rax; iretq
            m.execute("6A 10 54 9C 6A 18 50 48 CF");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + 8)).isEqualTo(TestMachine.CODE + 7);
        }
    }

    @Test
    void realModeCallAndReturn() {
        try (TestMachine m = new TestMachine().realMode()) {
            m.code(0x12340, "B8 77 00 CB");
            // call 0x1000:0x2340; hlt
            m.code(0x600, "9A 40 23 00 10 F4");
            m.run(0x600);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x77);
            assertThat(m.cpu.rip).isEqualTo(0x606);
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(0x8000);
        }
    }
}
