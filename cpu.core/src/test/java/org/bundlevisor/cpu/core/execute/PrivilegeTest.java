package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** What CPL, IOPL and control bits allow: flags, ports, descriptor tables and time. */
class PrivilegeTest {
    private static TestMachine user() {
        return new TestMachine().longMode().handlers().user();
    }

    private static void userFaults(String code, int vector) {
        try (TestMachine m = user()) {
            m.execute(code);
            assertThat(m.vectorTaken()).as(code).isEqualTo(vector);
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + (Vectors.pushesErrorCode(vector) ? 8 : 0)))
                    .as(code)
                    .isEqualTo(TestMachine.CODE);
        }
    }

    @Test
    void privilegedInstructions() {
        for (String code : new String[] {
            "F4", "FA", "FB", "0F 06", "0F 09", "0F 20 C0", "0F 22 D8", "0F 21 C0", "0F 32", "0F 30", "0F 01 17",
            "0F 01 1F",
            "0F 00 D0", "0F 00 D8", "0F 01 F0", "0F 01 3F", "0F 01 F8", "48 0F 07"
        }) {
            userFaults(code, Vectors.GENERAL_PROTECTION);
        }
        userFaults("0F 01 CA", Vectors.INVALID_OPCODE);
    }

    @Test
    void popfOfAUserChangesNeitherTheInterruptFlagNorTheIoPrivilege() {
        try (TestMachine m = user()) {
            m.cpu.setRflags(Bits.FLAG_IF);
            // push 0x3cd5; popf; pushf; pop rax; int3
            m.execute("68 D5 3C 00 00 9D 9C 58 CC");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0xED7L);
        }
    }

    @Test
    void popfOfTheKernelChangesBoth() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.execute("68 D5 3E 00 00 9D 9C 58");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x3ED7L);
        }
    }

    @Test
    void portsByTheBitmapOfTheTask() {
        try (TestMachine m = user()) {
            m.write8(TestMachine.TSS + 0x800 + 0x80 / 8, 0x04);
            // out 0x80, ax; out 0x81, ax, which touches 0x82
            m.execute("66 E7 80 66 E7 81");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.host.portWrites).containsExactly("80:2=0");
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + 8)).isEqualTo(TestMachine.CODE + 3);
        }
    }

    @Test
    void portsBeyondTheBitmapAreForbidden() {
        try (TestMachine m = user()) {
            m.cpu.segmentLimit[Cpu.TR] = 0x800 + 0x10;
            m.execute("E6 7F E6 80");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.host.portWrites).hasSize(1);
        }
    }

    @Test
    void tablesAreHiddenFromUsersByUserModeInstructionPrevention() {
        try (TestMachine m = user()) {
            m.cpu.gpr[Cpu.RBX] = TestMachine.DATA;
            m.execute("0F 01 03 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.read64(TestMachine.DATA + 2)).isEqualTo(TestMachine.GDT);
            m.user();
            m.cpu.control.setCr4(m.cpu.cr4 | Bits.CR4_UMIP);
            m.execute("0F 01 03 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }

    @Test
    void timeStampCounterCanBeKeptFromUsers() {
        try (TestMachine m = user()) {
            m.host.counter = 0x1_2345_6789L;
            m.execute("0F 31 CC");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x2345_6789L);
            assertThat(m.cpu.gpr[Cpu.RDX]).isEqualTo(1);
            m.user();
            m.cpu.control.setCr4(m.cpu.cr4 | Bits.CR4_TSD);
            m.execute("0F 31 CC");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }

    @Test
    void alignmentIsCheckedForUsersThatAskForIt() {
        try (TestMachine m = user()) {
            m.cpu.control.setCr0(m.cpu.cr0 | Bits.CR0_AM);
            m.cpu.setRflags(Bits.FLAG_AC);
            // mov eax, [0x50000]; mov eax, [0x50002]
            m.execute("8B 04 25 00 00 05 00 8B 04 25 02 00 05 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.ALIGNMENT_CHECK);
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP])).isZero();
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + 8)).isEqualTo(TestMachine.CODE + 7);
        }
    }

    @Test
    void loadsTheTaskRegisterAndMarksTheTaskBusy() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            m.descriptor(TestMachine.FREE, 0x1200_8934_5678_0067L);
            m.descriptor(TestMachine.FREE + 8, 0x7FFF);
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            m.execute("0F 00 D8");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.segmentBase[Cpu.TR]).isEqualTo(0x7FFF_1234_5678L);
            assertThat(m.cpu.segmentAttributes[Cpu.TR]).isEqualTo(0x8B);
            assertThat(m.read8(TestMachine.GDT + TestMachine.FREE + 5)).isEqualTo(0x8B);
            m.execute("0F 00 D8");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }

    @Test
    void loadsTheLocalTableAndSegmentsFromIt() {
        try (TestMachine m = new TestMachine().protectedMode().handlers()) {
            m.descriptor(TestMachine.FREE, 0x0000_8205_0000_000FL);
            m.write64(TestMachine.DATA + 8, 0x0040_9312_3456_0FFFL);
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            // lldt ax; mov eax, 0xc; mov es, eax
            m.execute("0F 00 D0 B8 0C 00 00 00 8E C0");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.segmentBase[Cpu.ES]).isEqualTo(0x12_3456L);
        }
    }

    @Test
    void asksDescriptors() {
        try (TestMachine m = new TestMachine().protectedMode().handlers()) {
            m.cpu.gpr[Cpu.RBX] = TestMachine.CODE_32;
            // lar eax, ebx; lsl ecx, ebx; verr bx; setz dl; verw bx; setz dh
            m.execute("0F 02 C3 0F 03 CB 0F 00 E3 0F 94 C2 0F 00 EB 0F 94 C6");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0xC0_9B00L);
            assertThat(m.cpu.gpr[Cpu.RCX]).isEqualTo(0xFFFF_FFFFL);
            assertThat(m.cpu.gpr[Cpu.RDX] & 0xFFFF).isEqualTo(1);
            m.cpu.gpr[Cpu.RBX] = 0x1000;
            m.cpu.gpr[Cpu.RAX] = 7;
            m.execute("0F 02 C3");
            assertThat(m.cpu.zero()).isFalse();
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(7);
        }
    }

    @Test
    void raisesTheRequestedPrivilege() {
        try (TestMachine m = new TestMachine().protectedMode()) {
            m.cpu.gpr[Cpu.RAX] = 0x20;
            m.cpu.gpr[Cpu.RBX] = 3;
            m.execute("63 D8");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x23);
            assertThat(m.cpu.zero()).isTrue();
        }
    }
}
