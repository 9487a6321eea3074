package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Checks of control registers and EFER, and the way between modes: SDM vol. 2B, MOV; vol. 3A, 2.5 and 11.8.5. */
class ControlRegisterTest {
    private static void faults(TestMachine m, String code, long value) {
        m.cpu.gpr[Cpu.RAX] = value;
        m.execute(code);
        assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
    }

    @Test
    void refusesImpossibleValues() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            String cr0 = "0F 22 C0";
            faults(m, cr0, m.cpu.cr0 & ~Bits.CR0_PE);
            faults(m, cr0, m.cpu.cr0 | Bits.CR0_NW);
            faults(m, cr0, m.cpu.cr0 | 1L << 32);
            faults(m, cr0, m.cpu.cr0 & ~Bits.CR0_PG);
            faults(m, "0F 22 E0", m.cpu.cr4 & ~Bits.CR4_PAE);
            faults(m, "0F 22 E0", m.cpu.cr4 | Bits.CR4_VMXE);
            faults(m, "0F 22 D8", 1L << 40);
            faults(m, "44 0F 22 C0", 16);
            m.cpu.gpr[Cpu.RCX] = 0xC000_0080L;
            m.cpu.gpr[Cpu.RDX] = 0;
            faults(m, "0F 30", Bits.EFER_SCE | Bits.EFER_NXE);
        }
    }

    @Test
    void taskPriorityIsTheLocalApics() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            // mov eax, 5; mov cr8, rax; mov rbx, cr8
            m.execute("B8 05 00 00 00 44 0F 22 C0 44 0F 20 C3");
            assertThat(m.host.taskPriority).isEqualTo(5);
            assertThat(m.cpu.gpr[Cpu.RBX]).isEqualTo(5);
        }
    }

    @Test
    void protectedModeIsEnteredAndLeft() {
        try (TestMachine m = new TestMachine().protectedMode().realMode()) {
            m.cpu.cr0 &= ~Bits.CR0_PE;
            m.cpu.modeChanged();
            // mov eax, cr0; or al, 1; mov cr0, eax; jmp 0x8:dword 0x700
            m.code(0x600, "0F 20 C0 0C 01 0F 22 C0 66 EA 00 07 00 00 08 00");
            // mov ebx, 0x12345678; jmp 0x38:0x800
            m.code(0x700, "BB 78 56 34 12 EA 00 08 00 00 38 00");
            // mov eax, cr0; and al, 0xfe; mov cr0, eax; jmp 0:0x900
            m.code(0x800, "0F 20 C0 24 FE 0F 22 C0 EA 00 09 00 00");
            m.code(0x900, "B9 34 12 F4");
            m.cpu.gpr[Cpu.RCX] = 0;
            m.run(0x600);
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RBX]).isEqualTo(0x1234_5678L);
            assertThat(m.cpu.gpr[Cpu.RCX]).isEqualTo(0x1234);
            assertThat(m.cpu.realMode()).isTrue();
        }
    }

    @Test
    void longModeIsEnteredFromProtectedMode() {
        try (TestMachine tables = new TestMachine().longMode();
                TestMachine m = new TestMachine().longMode()) {
            assertThat(tables.cpu.longMode()).isTrue();
            // back to flat protected mode without paging, with the page tables in place
            m.cpu.cr0 = Bits.CR0_PE | Bits.CR0_ET;
            m.cpu.efer = 0;
            m.cpu.cr4 = 0;
            m.cpu.cr3 = 0;
            m.protectedMode();
            m.cpu.flushTlb();
            m.code(TestMachine.USER_CODE, "48 B8 88 77 66 55 44 33 22 11 F4");
            // mov eax, 0x20; mov cr4, eax; mov eax, 0x10000; mov cr3, eax; mov ecx, 0xc0000080; mov eax, 0x100;
            // xor edx, edx; wrmsr; mov eax, 0x80000001; mov cr0, eax; jmp 0x18:0x30000
            m.execute("B8 20 00 00 00 0F 22 E0 B8 00 00 01 00 0F 22 D8 B9 80 00 00 C0 B8 00 01 00 00 31 D2 0F 30"
                    + " B8 01 00 00 80 0F 22 C0 EA 00 00 03 00 18 00");
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1122_3344_5566_7788L);
            assertThat(m.cpu.efer & Bits.EFER_LMA).isEqualTo(Bits.EFER_LMA);
        }
    }

    @Test
    void translationsOfAnAddressSpaceAreKeptWhereAsked() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.cpu.control.setCr4(m.cpu.cr4 | Bits.CR4_PCIDE);
            m.write32(TestMachine.DATA, 1);
            m.write32(TestMachine.DATA + 0x1000, 2);
            m.execute("8B 04 25 00 00 05 00");
            long entry = TestMachine.PAGE_TABLES + 0x3000 + (TestMachine.DATA >>> 12) * 8;
            m.write64(entry, TestMachine.DATA + 0x1000 | 7);
            m.cpu.gpr[Cpu.RBX] = TestMachine.PAGE_TABLES | 1L << 63;
            // mov cr3, rbx; mov eax, [0x50000]
            m.execute("0F 22 DB 8B 04 25 00 00 05 00");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(1);
            m.cpu.gpr[Cpu.RBX] = TestMachine.PAGE_TABLES;
            m.execute("0F 22 DB 8B 04 25 00 00 05 00");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(2);
        }
    }
}
