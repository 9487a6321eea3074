package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.junit.jupiter.api.Test;

/** Checks and effects of loading segment registers: SDM vol. 3A, chapter 6; vol. 2B, MOV. */
class SegmentLoadingTest {
    private static final long FLAT_DATA = 0x00CF_9300_0000_FFFFL;

    /** mov ds, eax. */
    private static final String LOAD_DS = "8E D8";

    /** mov ss, eax. */
    private static final String LOAD_SS = "8E D0";

    private static TestMachine machine() {
        return new TestMachine().protectedMode().handlers();
    }

    private static void fails(TestMachine m, String code, int selector, int vector, int errorCode) {
        m.cpu.gpr[Cpu.RAX] = selector;
        m.execute(code);
        assertThat(m.vectorTaken()).isEqualTo(vector);
        assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(errorCode);
        assertThat(m.read32(m.cpu.gpr[Cpu.RSP] + 4)).isEqualTo((int) TestMachine.CODE);
    }

    @Test
    void loadsBaseLimitAndTypeAndMarksTheDescriptorAccessed() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, 0x1240_9234_5678_8FFFL);
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            m.execute(LOAD_DS);
            assertThat(m.exit.kind).isEqualTo(Kind.IDLE);
            assertThat(m.cpu.segmentBase[Cpu.DS]).isEqualTo(0x1234_5678L);
            assertThat(m.cpu.segmentLimit[Cpu.DS]).isEqualTo(0x8FFF);
            assertThat(m.cpu.segmentAttributes[Cpu.DS]).isEqualTo(0x4093);
            assertThat(m.read64(TestMachine.GDT + TestMachine.FREE)).isEqualTo(0x1240_9334_5678_8FFFL);
        }
    }

    @Test
    void selectorBeyondTheTableIsAProtectionFault() {
        try (TestMachine m = machine()) {
            fails(m, LOAD_DS, 0x103, Vectors.GENERAL_PROTECTION, 0x100);
        }
    }

    @Test
    void absentDataSegmentIsNotPresent() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, FLAT_DATA & ~(1L << 47));
            fails(m, LOAD_DS, TestMachine.FREE, Vectors.SEGMENT_NOT_PRESENT, TestMachine.FREE);
        }
    }

    @Test
    void absentStackSegmentIsAStackFault() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, FLAT_DATA & ~(1L << 47));
            fails(m, LOAD_SS, TestMachine.FREE, Vectors.STACK_FAULT, TestMachine.FREE);
        }
    }

    @Test
    void stackMustBeWritable() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, FLAT_DATA & ~(1L << 41));
            fails(m, LOAD_SS, TestMachine.FREE, Vectors.GENERAL_PROTECTION, TestMachine.FREE);
        }
    }

    @Test
    void stackMustNotBeNullOutsideOf64BitMode() {
        try (TestMachine m = machine()) {
            fails(m, LOAD_SS, 0, Vectors.GENERAL_PROTECTION, 0);
        }
    }

    @Test
    void nullDataSegmentFaultsWhenUsed() {
        try (TestMachine m = machine()) {
            // xor eax, eax; mov ds, eax; mov eax, [0]
            m.execute("31 C0 8E D8 A1 00 00 00 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.cpu.segmentAttributes[Cpu.DS]).isEqualTo(Segments.UNUSABLE);
        }
    }

    @Test
    void accessBeyondTheLimitFaults() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, 0x0040_9200_0000_00FFL);
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            // mov ds, eax; mov eax, [0xfc]; mov eax, [0xfd]
            m.execute("8E D8 A1 FC 00 00 00 A1 FD 00 00 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP] + 4)).isEqualTo((int) TestMachine.CODE + 7);
        }
    }

    @Test
    void expandDownSegmentLiesAboveItsLimit() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, 0x0040_9600_0000_0FFFL);
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            // mov ds, eax; mov eax, [0x1000]; mov eax, [0xfff]
            m.execute("8E D8 A1 00 10 00 00 A1 FF 0F 00 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP] + 4)).isEqualTo((int) TestMachine.CODE + 7);
        }
    }

    @Test
    void readOnlySegmentMayNotBeWritten() {
        try (TestMachine m = machine()) {
            m.descriptor(TestMachine.FREE, FLAT_DATA & ~(1L << 41));
            m.cpu.gpr[Cpu.RAX] = TestMachine.FREE;
            // mov ds, eax; mov eax, [0x50000]; mov [0x50000], eax
            m.execute("8E D8 A1 00 00 05 00 A3 00 00 05 00");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP] + 4)).isEqualTo((int) TestMachine.CODE + 7);
        }
    }

    @Test
    void popToASegmentLeavesTheStackPointerWhenItFaults() {
        try (TestMachine m = machine()) {
            // push 0xff03; pop ds
            m.execute("68 03 FF 00 00 1F");
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.cpu.gpr[Cpu.RSP]).isEqualTo(TestMachine.STACK - 4 - 16);
        }
    }

    @Test
    void realModeKeepsTheLimitThatProtectedModeLeft() {
        try (TestMachine m = new TestMachine().realMode()) {
            m.cpu.segmentLimit[Cpu.DS] = -1;
            m.cpu.modeChanged();
            m.write32(0x12340, 0x5566_7788);
            // mov ax, 0x1000; mov ds, ax; mov eax, [dword 0x2340]; hlt
            m.code(0x600, "B8 00 10 8E D8 67 66 A1 40 23 00 00 F4");
            m.run(0x600);
            assertThat(m.cpu.gpr[Cpu.RAX]).isEqualTo(0x5566_7788L);
            assertThat(m.cpu.segmentLimit[Cpu.DS]).isEqualTo(-1);
        }
    }

    @Test
    void loadsFarPointers() {
        try (TestMachine m = machine()) {
            m.write32(TestMachine.DATA, 0x1122_3344);
            m.write16(TestMachine.DATA + 4, TestMachine.DATA_32);
            // les ebx, [0x50000]
            m.execute("C4 1D 00 00 05 00");
            assertThat(m.cpu.gpr[Cpu.RBX]).isEqualTo(0x1122_3344L);
            assertThat(m.cpu.selector[Cpu.ES]).isEqualTo(TestMachine.DATA_32);
        }
    }

    @Test
    void userMayNotLoadSupervisorData() {
        try (TestMachine m = machine().user()) {
            m.cpu.gpr[Cpu.RAX] = TestMachine.DATA_32;
            m.execute(LOAD_DS);
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.read32(TestMachine.INNER_STACK - 24)).isEqualTo(TestMachine.DATA_32);
        }
    }
}
