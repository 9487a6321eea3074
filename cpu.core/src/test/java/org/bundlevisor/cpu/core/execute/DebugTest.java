package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Single step, breakpoints and the interrupt shadow: SDM vol. 3B, 18.2 and 18.3; vol. 3A, 7.8.3. */
class DebugTest {
    private static long savedRip(TestMachine m) {
        return m.read64(m.cpu.gpr[Cpu.RSP]);
    }

    private static long savedFlags(TestMachine m) {
        return m.read64(m.cpu.gpr[Cpu.RSP] + 16);
    }

    @Test
    void singleStepTrapsBehindTheInstructionAfterPopf() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            // pushf; or qword [rsp], 0x100; popf; inc eax; inc eax
            m.execute("9C 48 81 0C 24 00 01 00 00 9D FF C0 FF C0");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(1);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE + 12);
            assertThat(m.cpu.dr[6] & 0xF00F).isEqualTo(Bits.DR6_BS);
            assertThat(savedFlags(m) & Bits.FLAG_TF).isEqualTo(Bits.FLAG_TF);
            assertThat(m.cpu.flag(Bits.FLAG_TF)).isFalse();
        }
    }

    @Test
    void singleStepDoesOneIterationOfARepeatedInstruction() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.gpr[Cpu.RCX] = 5;
            m.cpu.gpr[Cpu.RDI] = TestMachine.DATA;
            m.cpu.setRflags(Bits.FLAG_TF);
            m.execute("F3 AA");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(m.cpu.gpr[Cpu.RCX]).isEqualTo(4);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE);
        }
    }

    @Test
    void softwareInterruptIsNotSteppedInto() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.setRflags(Bits.FLAG_TF);
            m.execute("CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.pendingDebug).isZero();
        }
    }

    @Test
    void singleStepOfHltEndsTheHalt() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.setRflags(Bits.FLAG_TF);
            m.execute("");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE + 1);
        }
    }

    @Test
    void codeBreakpointFaultsBeforeTheInstruction() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.gpr[Cpu.RAX] = TestMachine.CODE + 14;
            m.cpu.gpr[Cpu.RDX] = 0;
            // mov dr0, rax; mov ecx, 0x402; mov dr7, rcx; nop x3; inc edx
            m.execute("0F 23 C0 B9 02 04 00 00 0F 23 F9 90 90 90 FF C2");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE + 14);
            assertThat(m.cpu.dr[6] & 0xF00F).isEqualTo(1);
            assertThat(m.cpu.gpr[Cpu.RDX]).isZero();
        }
    }

    @Test
    void resumeFlagPassesABreakpointOnce() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.registers.setDebug(0, TestMachine.CODE);
            m.registers.setDebug(7, 0x402);
            m.cpu.setRflags(Bits.FLAG_RF);
            // inc eax; cmp eax, 2; jne back
            m.execute("FF C0 83 F8 02 75 F9");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(1);
        }
    }

    @Test
    void dataBreakpointTrapsBehindTheWrite() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.registers.setDebug(1, TestMachine.DATA + 4);
            // R/W1 = write, LEN1 = 4, L1
            m.registers.setDebug(7, 0x00D0_0404L);
            // mov ecx, [0x50004]; mov [0x50000], eax; mov [0x50006], eax; inc eax
            m.execute("8B 0C 25 04 00 05 00 89 04 25 00 00 05 00 89 04 25 06 00 05 00 FF C0");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE + 21);
            assertThat(m.cpu.dr[6] & 0xF00F).isEqualTo(2);
        }
    }

    @Test
    void portBreakpointNeedsDebuggingExtensions() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.cr4 |= Bits.CR4_DE;
            m.registers.setDebug(0, 0x80);
            m.registers.setDebug(7, 0x0002_0402L);
            m.execute("E6 80 FF C0");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(savedRip(m)).isEqualTo(TestMachine.CODE + 2);
        }
    }

    @Test
    void moveToStackSegmentHoldsTrapsBack() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.cpu.gpr[Cpu.RAX] = TestMachine.DATA_32;
            m.registers.setDebug(0, TestMachine.CODE + 2);
            m.registers.setDebug(7, 0x402);
            // mov ss, eax; inc ecx, whose breakpoint is held back
            m.execute("8E D0 FF C1");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RCX]).isEqualTo(1);
        }
    }

    @Test
    void debugRegistersCanBeGuarded() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.registers.setDebug(7, Bits.DR7_GD | 0x400);
            m.execute("0F 21 C0");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DEBUG);
            assertThat(m.cpu.dr[6] & 0xF00F | m.cpu.dr[6] & Bits.DR6_BD).isEqualTo(Bits.DR6_BD);
            assertThat(m.cpu.dr[7] & Bits.DR7_GD).isZero();
        }
    }

    @Test
    void oldNumbersOfDebugRegistersAreUndefinedWithDebuggingExtensions() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.execute("0F 21 E0");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0xFFFF_0FF0L);
            m.cpu.cr4 |= Bits.CR4_DE;
            m.execute("0F 21 E0");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.INVALID_OPCODE);
        }
    }
}
