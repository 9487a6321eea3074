package org.bundlevisor.cpu.vtx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bundlevisor.mmu.SecondLevelTables.ALL;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import org.bundlevisor.cpu.CpuState.Injection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Exit qualifications and interruption information bit by bit, SDM vol. 3C, 28.2. */
class ExitInformationTest {
    @Test
    void controlRegisterAccesses() {
        // MOV CR3, RDI; MOV R9, CR8; CLTS; LMSW AX with 1234H; LMSW from memory
        assertThat(ExitQualification.moveControlRegister(3, true, 7)).isEqualTo(0x703);
        assertThat(ExitQualification.moveControlRegister(8, false, 9)).isEqualTo(0x918);
        assertThat(ExitQualification.clearTaskSwitched()).isEqualTo(0x20);
        assertThat(ExitQualification.loadMachineStatusWord(0x1234, false)).isEqualTo(0x1234_0030L);
        assertThat(ExitQualification.loadMachineStatusWord(0xffff, true)).isEqualTo(0xffff_0070L);
    }

    @Test
    void debugRegisterAccesses() {
        assertThat(ExitQualification.moveDebugRegister(7, false, 0)).isEqualTo(7);
        assertThat(ExitQualification.moveDebugRegister(6, true, 15)).isEqualTo(0xf16);
    }

    @Test
    void ioInstructions() {
        // OUT DX (3F8H), AL; IN EAX, 71H; REP OUTSB; INSW
        assertThat(ExitQualification.io(0x3f8, 1, false, false, false, false)).isEqualTo(0x03f8_0000L);
        assertThat(ExitQualification.io(0x71, 4, true, false, false, true)).isEqualTo(0x0071_004bL);
        assertThat(ExitQualification.io(0x1f0, 1, false, true, true, false)).isEqualTo(0x01f0_0030L);
        assertThat(ExitQualification.io(0x1f0, 2, true, true, false, false)).isEqualTo(0x01f0_0019L);
    }

    @Test
    void taskSwitches() {
        assertThat(ExitQualification.taskSwitch(0x28, 0)).isEqualTo(0x28);
        assertThat(ExitQualification.taskSwitch(0x30, 3)).isEqualTo(0xc000_0030L);
    }

    @Test
    void eptViolations() {
        // a write to an unmapped page
        assertThat(ExitQualification.eptViolation(WRITE, 0, true)).isEqualTo(0x182);
        // a fetch from a page that may be read and written
        assertThat(ExitQualification.eptViolation(EXECUTE, READ | WRITE, true)).isEqualTo(0x19c);
        // a walk of the guest's tables in a read-only page: counts as a write as well
        assertThat(ExitQualification.eptViolation(READ | TABLE_WALK, READ, true)).isEqualTo(0x8b);
        // no linear address: MOV to CR3 loading the PDPTEs
        assertThat(ExitQualification.eptViolation(READ, 0, false)).isEqualTo(1);
        assertThat(ExitQualification.eptViolation(READ, ALL, true)).isEqualTo(0x1b9);
    }

    @Test
    void apicAccessesDebugExceptionsAndStartUp() {
        assertThat(ExitQualification.apicAccess(0xb0, ExitQualification.APIC_WRITE)).isEqualTo(0x10b0);
        assertThat(ExitQualification.debugException(0xffff_4ff1L)).isEqualTo(0x4001);
        assertThat(ExitQualification.startUp(0x9a)).isEqualTo(0x9a);
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void interruptionInformationTakesAnEventThereAndBack(Injection.Kind kind) {
        Injection event = new Injection(kind, 14, true, 0x1f, 2);
        long information = InterruptionInformation.of(event);
        assertThat(InterruptionInformation.isValid(information)).isTrue();
        assertThat(InterruptionInformation.event(information, 0x1f, 2)).isEqualTo(event);
    }

    @Test
    void interruptionInformationHasTheManualsBits() {
        assertThat(InterruptionInformation.of(Injection.NONE)).isZero();
        assertThat(InterruptionInformation.of(new Injection(Injection.Kind.NMI, 2, false, 0, 0)))
                .isEqualTo(0x8000_0202L);
        assertThat(InterruptionInformation.of(new Injection(Injection.Kind.HARDWARE_EXCEPTION, 14, true, 2, 0)))
                .isEqualTo(0x8000_0b0eL);
    }

    @Test
    void exitReasonsHaveTheManualsNumbers() {
        assertThat(ExitReason.CPUID.number()).isEqualTo(10);
        assertThat(ExitReason.CONTROL_REGISTER_ACCESS.number()).isEqualTo(28);
        assertThat(ExitReason.IO_INSTRUCTION).hasToString("I/O instruction");
        assertThat(ExitReason.EPT_VIOLATION.number()).isEqualTo(48);
        assertThat(ExitReason.EPT_VIOLATION).hasToString("EPT violation");
        assertThat(ExitReason.XSETBV.number()).isEqualTo(55);
    }
}
