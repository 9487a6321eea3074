package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Code that is written while it is cached, and code that runs over the end of a page: SDM vol. 3A, 13.6. */
class CodeChangesTest {
    @Test
    void anInstructionChangesTheNextOne() {
        try (TestMachine m = new TestMachine().longMode()) {
            // mov byte [rip+1], 7; mov al, 1: the immediate lies one byte behind the first instruction
            m.execute("C6 05 01 00 00 00 07 B0 01");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(7);
        }
    }

    @Test
    void aLoopChangesItsOwnBody() {
        try (TestMachine m = new TestMachine().longMode()) {
            // mov ecx, 3; L: add eax, 1; inc byte [L+2]; loop L
            m.execute("B9 03 00 00 00 83 C0 01 FE 05 F9 FF FF FF E2 F5");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(1 + 2 + 3);
        }
    }

    @Test
    void aCrossingInstructionIsChangedInItsSecondPage() {
        try (TestMachine m = new TestMachine().longMode()) {
            long at = TestMachine.CODE + 0xFFE;
            // mov eax, 0x11223344 over the boundary; dec ecx; jz +9; mov byte [0x21001], 0x55; jmp back
            m.code(at, "B8 44 33 22 11 FF C9 74 0A C6 04 25 00 10 02 00 55 EB ED F4");
            m.cpu.gpr[Cpu.RCX] = 2;
            m.run(at);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1122_5544L);
        }
    }

    @Test
    void aCrossingInstructionFollowsTheMappingOfItsSecondPage() {
        try (TestMachine m = new TestMachine().longMode()) {
            long at = TestMachine.CODE + 0xFFE;
            m.code(at, "B8 44 33 22 11 F4");
            m.code(TestMachine.DATA, "66 55 44 F4");
            m.run(at);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x1122_3344L);
            long entry = TestMachine.PAGE_TABLES + 0x3000 + (TestMachine.CODE + 0x1000 >>> 12) * 8;
            m.write64(entry, TestMachine.DATA | 7);
            m.cpu.flushTlbPage(TestMachine.CODE + 0x1000);
            m.run(at);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x4455_6644L);
        }
    }

    @Test
    void fetchFaultInTheSecondPageNamesThatPage() {
        try (TestMachine m = new TestMachine().longMode().handlers()) {
            long at = TestMachine.CODE + 0xFFE;
            m.code(at, "B8 44");
            m.write64(TestMachine.PAGE_TABLES + 0x3000 + (TestMachine.CODE + 0x1000 >>> 12) * 8, 0);
            m.run(at);
            assertThat(m.vectorTaken()).isEqualTo(Vectors.PAGE_FAULT);
            assertThat(m.cpu.cr2).isEqualTo(TestMachine.CODE + 0x1000);
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + 8)).isEqualTo(at);
        }
    }

    @Test
    void stringStoresInvalidateCode() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.code(TestMachine.DATA, "B0 01 C3");
            // call 0x50000; mov bl, al; mov edi, 0x50001; mov eax, 0x22; mov ecx, 1; rep stosb; call 0x50000
            m.execute("BA 00 00 05 00 FF D2 88 C3 BF 01 00 05 00 B8 22 00 00 00 B9 01 00 00 00 F3 AA FF D2");
            assertThat(m.cpu.gpr[Cpu.RBX]).isEqualTo(1);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x22);
        }
    }

    @Test
    void writesFromOutsideInvalidateCode() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.execute("B0 01");
            m.write8(TestMachine.CODE + 1, 9);
            m.group().wroteFromOutside(m.hostAddress(TestMachine.CODE + 1), 1);
            m.run(TestMachine.CODE);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(9);
        }
    }
}
