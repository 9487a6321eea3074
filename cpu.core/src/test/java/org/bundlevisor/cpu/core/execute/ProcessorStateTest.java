package org.bundlevisor.cpu.core.execute;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Shadow;
import org.junit.jupiter.api.Test;

/** The state after power-up and INIT, and the way into records and back: SDM vol. 3A, table 11-1. */
class ProcessorStateTest {
    @Test
    void powerUp() {
        try (TestMachine m = new TestMachine()) {
            CpuState state = m.registers.save();
            assertThat(state.rip()).isEqualTo(0xFFF0);
            assertThat(state.rflags()).isEqualTo(2);
            assertThat(state.segments().get(Cpu.CS).base()).isEqualTo(0xFFFF_0000L);
            assertThat(state.segments().get(Cpu.CS).selector()).isEqualTo(0xF000);
            assertThat(state.control().cr0()).isEqualTo(0x6000_0010L);
            assertThat(state.general().get(Cpu.RDX)).isEqualTo(0x30661);
            assertThat(state.debug()).containsExactly(0L, 0L, 0L, 0L, 0xFFFF_0FF0L, 0x400L);
            assertThat(state.activity()).isEqualTo(Activity.RUNNING);
        }
    }

    @Test
    void initLeavesFloatingPointAndModelSpecificRegistersAlone() {
        try (TestMachine m = new TestMachine().longMode()) {
            m.cpu.xmm[3] = 77;
            m.registers.writeMsr(0xC000_0082, 0x1000);
            m.registers.init();
            assertThat(m.cpu.xmm[3]).isEqualTo(77);
            assertThat(m.cpu.msrs.lstar).isEqualTo(0x1000);
            assertThat(m.cpu.longMode()).isFalse();
            assertThat(m.cpu.cr3).isZero();
            m.registers.startUp(0x9A);
            assertThat(m.cpu.segmentBase[Cpu.CS]).isEqualTo(0x9A000);
            assertThat(m.cpu.rip).isZero();
        }
    }

    @Test
    void saveAndRestoreGoOnWhereTheOtherStopped() {
        try (TestMachine first = new TestMachine().longMode().handlers().user();
                TestMachine second = new TestMachine().longMode().handlers()) {
            first.cpu.gpr[Cpu.RBX] = 0x1122_3344_5566_7788L;
            first.cpu.xmm[9] = 0x99;
            first.cpu.msrs.kernelGsBase = 0x5000;
            first.cpu.nmiBlocked = true;
            first.registers.setShadow(Shadow.STI);
            first.registers.setDebug(0, 0x1234);
            first.host.counter = 1000;
            first.cpu.timeStampOffset = 234;
            first.cpu.rip = TestMachine.CODE;
            second.host.counter = 5000;
            CpuState state = first.registers.save();
            second.registers.restore(state);
            assertThat(second.registers.save()).isEqualTo(state);
            assertThat(second.cpu.timeStampCounter()).isEqualTo(1234);
            assertThat(second.cpu.cpl).isEqualTo(3);
            second.code(TestMachine.CODE, "48 89 D8 CC");
            second.resume();
            assertThat(second.cpu.gpr[Cpu.RAX]).isEqualTo(0x1122_3344_5566_7788L);
            assertThat(second.vectorTaken()).isEqualTo(Vectors.BREAKPOINT);
        }
    }

    @Test
    void haltedStateIsCarried() {
        try (TestMachine first = new TestMachine().longMode();
                TestMachine second = new TestMachine()) {
            first.execute("");
            CpuState state = first.registers.save();
            assertThat(state.activity()).isEqualTo(Activity.HALTED);
            second.registers.restore(state);
            second.engine.run();
            assertThat(second.cpu.rip).isEqualTo(TestMachine.CODE + 1);
        }
    }
}
