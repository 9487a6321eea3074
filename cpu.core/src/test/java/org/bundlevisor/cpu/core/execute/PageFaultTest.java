package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Error codes of page faults, and what raises none: SDM vol. 3A, 5.6 and 5.7. */
class PageFaultTest {
    private static final int PRESENT = 1;
    private static final int WRITE = 2;
    private static final int USER = 4;
    private static final int RESERVED = 8;
    private static final int FETCH = 16;

    private static final long ENTRIES = TestMachine.PAGE_TABLES + 0x3000;
    private static final String LOAD = "8B 04 25 00 00 05 00";
    private static final String STORE = "89 04 25 00 00 05 00";

    /** jmp 0x50000. */
    private static final String JUMP = "B8 00 00 05 00 FF E0";

    private static TestMachine machine() {
        return new TestMachine().longMode().handlers();
    }

    private static void data(TestMachine m, long bits) {
        m.write64(ENTRIES + (TestMachine.DATA >>> 12) * 8, TestMachine.DATA | bits);
    }

    private static void faults(TestMachine m, String code, int errorCode) {
        m.execute(code);
        assertThat(m.vectorTaken()).isEqualTo(Vectors.PAGE_FAULT);
        assertThat(m.read64(m.cpu.gpr[Cpu.RSP])).isEqualTo(errorCode);
        assertThat(m.cpu.cr2).isEqualTo(TestMachine.DATA);
    }

    private static void passes(TestMachine m, String code) {
        m.execute(code);
        assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
        assertThat(m.cpu.rip).isEqualTo(TestMachine.CODE + 8);
    }

    @Test
    void absentPages() {
        try (TestMachine m = machine()) {
            data(m, 0);
            faults(m, LOAD, 0);
            faults(m, STORE, WRITE);
            faults(m, JUMP, FETCH);
        }
    }

    @Test
    void userAccessToSupervisorPages() {
        try (TestMachine m = machine()) {
            data(m, 3);
            m.user();
            faults(m, LOAD, PRESENT | USER);
            m.user();
            faults(m, STORE, PRESENT | USER | WRITE);
        }
    }

    @Test
    void readOnlyPagesHoldSupervisorsWithWriteProtectionOnly() {
        try (TestMachine m = machine()) {
            data(m, 5);
            faults(m, STORE, PRESENT | WRITE);
            m.cpu.control.setCr0(m.cpu.cr0 & ~Bits.CR0_WP);
            passes(m, STORE);
        }
    }

    @Test
    void executeDisable() {
        try (TestMachine m = machine()) {
            data(m, 7 | 1L << 63);
            passes(m, LOAD);
            faults(m, JUMP, PRESENT | FETCH);
        }
    }

    @Test
    void executeDisableIsReservedWhileItIsOff() {
        try (TestMachine m = machine()) {
            m.registers.setEfer(m.cpu.efer & ~Bits.EFER_NXE);
            data(m, 7 | 1L << 63);
            faults(m, LOAD, PRESENT | RESERVED);
        }
    }

    @Test
    void addressBitsBeyondTheModelAreReserved() {
        try (TestMachine m = machine()) {
            data(m, 7 | 1L << 40);
            faults(m, STORE, PRESENT | RESERVED | WRITE);
        }
    }

    @Test
    void supervisorModeAccessPrevention() {
        try (TestMachine m = machine()) {
            // stack, code and handlers are the supervisor's
            for (int page = 0; page < 512; page++) {
                m.write64(ENTRIES + 8L * page, (long) page << 12 | 3);
            }
            data(m, 7);
            m.cpu.control.setCr4(m.cpu.cr4 | Bits.CR4_SMAP);
            faults(m, LOAD, PRESENT);
            faults(m, STORE, PRESENT | WRITE);
            // stac; load; clac; store
            m.execute("0F 01 CB " + LOAD + "0F 01 CA " + STORE);
            assertThat(m.vectorTaken()).isEqualTo(Vectors.PAGE_FAULT);
            assertThat(m.read64(m.cpu.gpr[Cpu.RSP] + 8)).isEqualTo(TestMachine.CODE + 13);
        }
    }

    @Test
    void supervisorModeExecutionPrevention() {
        try (TestMachine m = machine()) {
            for (int page = 0; page < 512; page++) {
                m.write64(ENTRIES + 8L * page, (long) page << 12 | 3);
            }
            data(m, 7);
            m.cpu.control.setCr4(m.cpu.cr4 | Bits.CR4_SMEP);
            passes(m, LOAD);
            faults(m, JUMP, PRESENT | FETCH);
        }
    }

    @Test
    void setsAccessedAndDirty() {
        try (TestMachine m = machine()) {
            data(m, 7);
            passes(m, LOAD);
            assertThat(m.read64(ENTRIES + (TestMachine.DATA >>> 12) * 8) & 0x60).isEqualTo(0x20);
            passes(m, STORE);
            assertThat(m.read64(ENTRIES + (TestMachine.DATA >>> 12) * 8) & 0x60).isEqualTo(0x60);
        }
    }

    @Test
    void invalidatedPagesAreWalkedAnew() {
        try (TestMachine m = machine()) {
            m.write32(TestMachine.DATA, 1);
            m.write32(TestMachine.DATA + 0x1000, 2);
            m.cpu.gpr[Cpu.RBX] = ENTRIES + (TestMachine.DATA >>> 12) * 8;
            // load; add qword [rbx], 0x1000; mov ecx, [0x50000]; invlpg [0x50000]; mov edx, [0x50000]
            m.execute(LOAD + "48 81 03 00 10 00 00 0F 01 3C 25 00 00 05 00 8B 14 25 00 00 05 00");
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(1);
            assertThat(m.cpu.gpr[Cpu.RDX]).isEqualTo(2);
        }
    }

    @Test
    void addressesThatAreNotCanonical() {
        try (TestMachine m = machine()) {
            m.cpu.gpr[Cpu.RBX] = 1L << 47;
            m.cpu.gpr[Cpu.RBP] = 1L << 47;
            m.execute("8B 03");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            m.execute("8B 45 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.STACK_FAULT);
            // push [rbx] reads what is not the stack
            m.execute("FF 33");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
        }
    }

    @Test
    void pushToAnAddressThatIsNotCanonicalIsAStackFault() {
        try (TestMachine m = machine()) {
            m.gate(Vectors.STACK_FAULT, TestMachine.CODE_64, TestMachine.HANDLERS + 0xC0, 0x8E, 1);
            m.cpu.gpr[Cpu.RSP] = (1L << 47) + 8;
            m.execute("50");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.STACK_FAULT);
        }
    }

    @Test
    void thirtyTwoBitPagingFaultsAlike() {
        try (TestMachine m = new TestMachine().pagedMode().handlers()) {
            m.write32(TestMachine.PAGE_TABLES + 0x1000 + (TestMachine.DATA >>> 12) * 4, (int) TestMachine.DATA | 5);
            m.cpu.flushTlb();
            // mov eax, [0x50000]; mov [0x50000], eax
            m.execute("A1 00 00 05 00 A3 00 00 05 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.PAGE_FAULT);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(PRESENT | WRITE);
            assertThat(m.cpu.cr2).isEqualTo(TestMachine.DATA);
        }
    }

    @Test
    void secondFaultInDeliveryOfAPageFaultIsADoubleFault() {
        try (TestMachine m = machine()) {
            m.gate(Vectors.DOUBLE_FAULT, TestMachine.CODE_64, TestMachine.HANDLERS + 0x80, 0x8E, 1);
            data(m, 0);
            m.cpu.gpr[Cpu.RSP] = TestMachine.DATA + 0x800;
            m.execute(LOAD);
            assertThat(m.vectorTaken()).isEqualTo(Vectors.DOUBLE_FAULT);
            assertThat(m.cpu.cr2).isEqualTo(TestMachine.DATA + 0x7F8);
        }
    }
}
