package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Virtual-8086 mode: SDM vol. 3B, 21.2. */
class Virtual8086Test {
    /** push gs, fs, ds, es, ss, esp, eflags, cs, eip from a frame at 0x52000; iret. */
    private static TestMachine enter(int ioPrivilege, String code) {
        return enter(ioPrivilege, code, 0, 0);
    }

    /** With a byte changed in the TSS. */
    private static TestMachine enter(int ioPrivilege, String code, int offset, int value) {
        TestMachine m = new TestMachine().protectedMode().handlers();
        int[] frame = {0x100, 0x3000, 0x20202 | ioPrivilege << 12, 0x7000, 0x2000, 0x2100, 0x2200, 0x2300, 0x2400};
        for (int i = 0; i < frame.length; i++) {
            m.write32(0x52000 + 4L * i, frame[i]);
        }
        m.code(0x30100, code);
        if (offset != 0) {
            m.write8(TestMachine.TSS + offset, value);
        }
        m.cpu.gpr[Cpu.RSP] = 0x52000;
        m.execute("CF");
        return m;
    }

    @Test
    void segmentsAreTheRealModeOnes() {
        // mov ax, ds; mov [0x10], ax; mov ax, 0x1234; mov ds, ax; int3
        try (TestMachine m = enter(3, "8C D8 A3 10 00 B8 34 12 8E D8 CC")) {
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.read16(0x22010)).isEqualTo(0x2200);
            long frame = m.cpu.gpr[Cpu.RSP];
            assertThat(frame).isEqualTo(TestMachine.INNER_STACK - 36);
            assertThat(m.read32(frame)).isEqualTo(0x10B);
            assertThat(m.read32(frame + 4)).isEqualTo(0x3000);
            assertThat(m.read32(frame + 8) & (int) Bits.FLAG_VM).isEqualTo((int) Bits.FLAG_VM);
            assertThat(m.read32(frame + 12)).isEqualTo(0x7000);
            assertThat(m.read32(frame + 16)).isEqualTo(0x2000);
            assertThat(m.read32(frame + 20)).isEqualTo(0x2100);
            assertThat(m.read32(frame + 24)).isEqualTo(0x1234);
            assertThat(m.read32(frame + 28)).isEqualTo(0x2300);
            assertThat(m.read32(frame + 32)).isEqualTo(0x2400);
            assertThat(m.cpu.selector[Cpu.DS]).isZero();
            assertThat(m.cpu.virtual8086()).isFalse();
        }
    }

    @Test
    void sensitiveInstructionsNeedTheIoPrivilege() {
        for (String code : new String[] {"FA", "FB", "9C", "9D", "CF", "CD 20"}) {
            try (TestMachine m = enter(0, code)) {
                assertThat(m.vectorTaken()).as(code).isEqualTo(Vectors.GENERAL_PROTECTION);
            }
        }
    }

    @Test
    void portsNeedTheBitmapWhateverTheIoPrivilege() {
        // out 0x80, al, which the bitmap allows; out 0x81, al, which it does not
        try (TestMachine m = enter(3, "E6 80 E6 81", 0x800 + 0x10, 2)) {
            assertThat(m.vectorTaken()).isEqualTo(Vectors.GENERAL_PROTECTION);
            assertThat(m.host.portWrites).containsExactly("80:1=0");
        }
    }

    @Test
    void interruptsWithIoPrivilegeGoThroughTheProtectedModeTable() {
        try (TestMachine m = enter(3, "CD 03")) {
            assertThat(m.vectorTaken()).isEqualTo(3);
            assertThat(m.read32(m.cpu.gpr[Cpu.RSP])).isEqualTo(0x102);
        }
    }

    @Test
    void returnWithinTheModeKeepsTheIoPrivilege() {
        // push 0; push 0x3000; push 0x110; iret; … at 0x110: pushf; pop ax; int3
        try (TestMachine m = enter(3, "6A 00 68 00 30 68 10 01 CF 90 90 90 90 90 90 90 9C 58 CC")) {
            assertThat(m.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
            assertThat(m.cpu.gpr[Cpu.RAX] & 0x3000).isEqualTo(0x3000);
        }
    }
}
