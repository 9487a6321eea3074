package org.bundlevisor.cpu.amdv;

import static org.assertj.core.api.Assertions.assertThat;

import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Segment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Layouts and encodings, APM vol. 2, appendices B and C. */
class VmcbTest {
    @ParameterizedTest
    @CsvSource({
        "INTERCEPT_3, 0x00c, 4", "PAUSE_FILTER_COUNT, 0x03e, 2", "MSRPM_BASE, 0x048, 8", "TSC_OFFSET, 0x050, 8",
        "ASID, 0x058, 4", "TLB_CONTROL, 0x05c, 1", "INTERRUPT_CONTROL, 0x060, 4", "EXITCODE, 0x070, 8",
        "EXITINTINFO, 0x088, 8", "EVENTINJ, 0x0a8, 8", "N_CR3, 0x0b0, 8", "CLEAN_BITS, 0x0c0, 4", "N_RIP, 0x0c8, 8",
        "ES_SELECTOR, 0x400, 2", "CS_BASE, 0x418, 8", "GDTR_LIMIT, 0x464, 4", "TR_ATTRIBUTES, 0x492, 2",
        "CPL, 0x4cb, 1", "EFER, 0x4d0, 8", "CR0, 0x558, 8", "RIP, 0x578, 8", "RSP, 0x5d8, 8", "RAX, 0x5f8, 8",
        "KERNEL_GS_BASE, 0x620, 8", "CR2, 0x640, 8", "G_PAT, 0x668, 8",
    })
    void fieldsLieWhereTheManualSays(VmcbField field, String offset, int size) {
        assertThat(field.offset()).isEqualTo(Integer.decode(offset));
        assertThat(field.size()).isEqualTo(size);
    }

    @Test
    void fieldsDoNotOverlap() {
        boolean[] taken = new boolean[4096];
        for (VmcbField field : VmcbField.values()) {
            assertThat(field.offset() % field.size()).as(field.name()).isZero();
            for (int at = field.offset(); at < field.offset() + field.size(); at++) {
                assertThat(taken[at]).as("%s at %x", field, at).isFalse();
                taken[at] = true;
            }
        }
        assertThat(VmcbField.ES_BASE.ofSegment(7)).isEqualTo(VmcbField.LDTR_BASE);
    }

    @ParameterizedTest
    @CsvSource({
        "CR15_READ, 0xf", "CR8_WRITE, 0x18", "DR7_READ, 0x27", "DR0_WRITE, 0x30", "EXCP14, 0x4e", "INTR, 0x60",
        "VINTR, 0x64", "CR0_SEL_WRITE, 0x65", "CPUID, 0x72", "HLT, 0x78", "IOIO, 0x7b", "MSR, 0x7c", "SHUTDOWN, 0x7f",
        "VMRUN, 0x80", "ICEBP, 0x88", "XSETBV, 0x8d", "EFER_WRITE_TRAP, 0x8f", "CR15_WRITE_TRAP, 0x9f", "NPF, 0x400",
    })
    void exitCodesHaveTheManualsNumbersAndNames(ExitCode code, String number) {
        assertThat(code.code()).isEqualTo(Long.decode(number));
        assertThat(code).hasToString("VMEXIT_" + code.name());
    }

    @ParameterizedTest
    @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = {"NONE", "PRIVILEGED_SOFTWARE_EXCEPTION"})
    void eventsGoThereAndBack(Injection.Kind kind) {
        boolean software = kind == Injection.Kind.SOFTWARE_EXCEPTION || kind == Injection.Kind.SOFTWARE_INTERRUPT;
        boolean exception = kind == Injection.Kind.HARDWARE_EXCEPTION;
        Injection event = new Injection(
                kind, software ? 3 : exception ? 14 : 2, exception, exception ? -1 : 0, software ? 2 : 0);
        long information = EventInformation.of(event);
        assertThat(EventInformation.isValid(information)).isTrue();
        assertThat(EventInformation.event(information, 2)).isEqualTo(event);
    }

    @Test
    void eventsHaveTheManualsBits() {
        assertThat(EventInformation.of(Injection.NONE)).isZero();
        assertThat(EventInformation.of(new Injection(Injection.Kind.EXTERNAL_INTERRUPT, 0x20, false, 0, 0)))
                .isEqualTo(0x8000_0020L);
        assertThat(EventInformation.of(new Injection(Injection.Kind.HARDWARE_EXCEPTION, 14, true, 2, 0)))
                .isEqualTo(0x2_8000_0b0eL);
    }

    @Test
    void attributesLieSideBySide() {
        assertThat(GuestState.attributes(0xa09b)).isEqualTo(0xa9b);
        assertThat(GuestState.neutral(0xa9b)).isEqualTo(0xa09b);
        assertThat(GuestState.attributes(Segment.UNUSABLE | 0xc093)).isZero();
        assertThat(GuestState.neutral(0) & Segment.UNUSABLE).isNotZero();
    }

    @Test
    void taskSwitchesSayWhatCausedThem() {
        assertThat(ExitInformation.taskSwitch(0, false, 0, false)).isZero();
        assertThat(ExitInformation.taskSwitch(1, false, 0, true)).isEqualTo(1L << 36 | 1L << 48);
        assertThat(ExitInformation.taskSwitch(2, false, 0, false)).isEqualTo(1L << 38);
        assertThat(ExitInformation.taskSwitch(3, true, 0x18, false)).isEqualTo(1L << 44 | 0x18);
    }
}
