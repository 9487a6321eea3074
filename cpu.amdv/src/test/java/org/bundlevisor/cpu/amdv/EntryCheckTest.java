package org.bundlevisor.cpu.amdv;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.function.Consumer;
import org.bundlevisor.contract.FrameAllocator;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Starts from a VMCB that every check accepts, and breaks one rule of APM vol. 2, 15.5.1 after the other: exactly the check
 * that is named after it must refuse.
 */
class EntryCheckTest {
    private static final int WIDTH = 40;

    private final Map<EntryCheck, Consumer<Vmcb>> violations = new EnumMap<>(EntryCheck.class);
    private final Arena arena = Arena.ofShared();
    private final FrameAllocator memory = new FrameAllocator(arena, 1 << 20, 1 << 20);

    EntryCheckTest() {
        on(EntryCheck.EFER_SVME_CLEAR, v -> v.write(VmcbField.EFER, 0x500));
        on(EntryCheck.CR0_NW_WITHOUT_CD, v -> v.write(VmcbField.CR0, 0xa000_0011L));
        on(EntryCheck.CR0_RESERVED, v -> v.write(VmcbField.CR0, 0x1_8000_0011L));
        on(EntryCheck.CR3_RESERVED, v -> v.write(VmcbField.CR3, 1L << WIDTH));
        on(EntryCheck.CR4_RESERVED, v -> v.write(VmcbField.CR4, 0x2020));
        on(EntryCheck.DR6_RESERVED, v -> v.write(VmcbField.DR6, 1L << 63));
        on(EntryCheck.DR7_RESERVED, v -> v.write(VmcbField.DR7, 1L << 32));
        on(EntryCheck.EFER_RESERVED, v -> v.write(VmcbField.EFER, 0x3500));
        on(EntryCheck.EFER_LONG_MODE_UNSUPPORTED, v -> {});
        on(EntryCheck.LONG_MODE_WITHOUT_PAE, v -> v.write(VmcbField.CR4, 0));
        on(EntryCheck.LONG_MODE_WITHOUT_PROTECTION, v -> v.write(VmcbField.CR0, 0x8000_0010L));
        on(EntryCheck.LONG_MODE_WITH_L_AND_D, v -> v.write(VmcbField.CS_ATTRIBUTES, 0xe9b));
        on(EntryCheck.VMRUN_NOT_INTERCEPTED, v -> v.write(VmcbField.INTERCEPT_4, 0));
        on(EntryCheck.IOPM_TOO_HIGH, v -> v.write(VmcbField.IOPM_BASE, (1L << WIDTH) - 0x2000));
        on(EntryCheck.MSRPM_TOO_HIGH, v -> v.write(VmcbField.MSRPM_BASE, (1L << WIDTH) - 0x1000));
        on(EntryCheck.INJECTION_TYPE, v -> v.write(VmcbField.EVENTINJ, 0x8000_0120L));
        on(EntryCheck.INJECTION_VECTOR, v -> v.write(VmcbField.EVENTINJ, 0x8000_0302L));
        on(EntryCheck.ASID_ZERO, v -> v.write(VmcbField.ASID, 0));
        on(EntryCheck.VIRTUAL_NMI_WITHOUT_INTERCEPT, v -> v.set(VmcbField.INTERCEPT_3, Controls.Vector3.NMI, false));
        on(EntryCheck.N_CR3_RESERVED, v -> v.write(VmcbField.N_CR3, 0x1008));
        on(EntryCheck.G_PAT_TYPE, v -> v.write(VmcbField.G_PAT, 2));
        on(EntryCheck.TSC_RATIO_RESERVED, v -> {});
    }

    private void on(EntryCheck check, Consumer<Vmcb> violation) {
        violations.put(check, violation);
    }

    @AfterEach
    void close() {
        arena.close();
    }

    @Test
    void everyCheckHasItsViolation() {
        assertThat(violations.keySet()).isEqualTo(EnumSet.allOf(EntryCheck.class));
    }

    @Test
    void theValidControlBlockPasses() throws Exception {
        assertThat(EntryCheck.firstFailing(state(valid(), null))).isNull();
        assertThat(EntryCheck.firstFailingOfGuestState(state(valid(), null))).isNull();
    }

    @ParameterizedTest
    @EnumSource
    void refuses(EntryCheck check) throws Exception {
        Vmcb vmcb = valid();
        violations.get(check).accept(vmcb);
        assertThat(EntryCheck.firstFailing(state(vmcb, check))).isEqualTo(check);
        assertThat(check.requirement()).matches(".+ \\(APM vol. 2, 15\\.\\d+(\\.\\d+)?\\)");
    }

    @Test
    void onlyWhatWasWrittenIsExaminedAgain() throws Exception {
        Vmcb vmcb = valid();
        vmcb.write(VmcbField.DR7, 1L << 32);
        vmcb.examined();
        assertThat(EntryCheck.firstFailing(state(vmcb, null))).isNull();
        vmcb.write(VmcbField.RAX, 1);
        assertThat(EntryCheck.firstFailing(state(vmcb, null))).isEqualTo(EntryCheck.DR7_RESERVED);
    }

    private static EntryState state(Vmcb vmcb, @Nullable EntryCheck broken) {
        return new EntryState(
                vmcb, WIDTH, broken != EntryCheck.EFER_LONG_MODE_UNSUPPORTED,
                broken == EntryCheck.TSC_RATIO_RESERVED ? 1L << 40 : EntryState.RATIO_ONE);
    }

    private Vmcb valid() throws HostMemoryExhaustedException {
        Vmcb vmcb = new Vmcb(memory, target -> {});
        vmcb.write(VmcbField.EFER, 0x1500);
        vmcb.write(VmcbField.CR0, 0x8000_0011L);
        vmcb.write(VmcbField.CR4, 0x20);
        vmcb.write(VmcbField.CS_ATTRIBUTES, 0xa9b);
        vmcb.write(VmcbField.G_PAT, 0x0007_0406_0007_0406L);
        vmcb.write(VmcbField.INTERCEPT_3, -1);
        vmcb.write(VmcbField.INTERCEPT_4, 1);
        vmcb.write(VmcbField.ASID, 1);
        vmcb.write(VmcbField.INTERRUPT_CONTROL, Controls.Interrupt.V_NMI_ENABLE);
        vmcb.write(VmcbField.NESTED_CONTROL, 1);
        vmcb.write(VmcbField.N_CR3, 0x2000);
        vmcb.write(VmcbField.EVENTINJ, 0x8000_0020L);
        return vmcb;
    }
}
