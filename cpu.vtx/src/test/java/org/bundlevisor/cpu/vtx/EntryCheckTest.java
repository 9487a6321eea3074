package org.bundlevisor.cpu.vtx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.bundlevisor.cpu.vtx.VmcsField.*;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Map;
import java.util.function.Consumer;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Exit;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Starts from a VMCS that every check accepts, on a processor that has every feature that a check is about, and breaks one
 * rule of SDM vol. 3C, chapter 27 after the other: exactly the check that is named after it must refuse.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class EntryCheckTest {
    private static final int WIDTH = 40;
    private static final long TOO_WIDE = 1L << WIDTH;
    private static final long NOT_CANONICAL = 0x8000_0000_0000L;
    private static final long VIRTUAL_APIC = 0x3000;
    private static final long LINKED = 0x4000;

    private final Map<EntryCheck, Consumer<Vmcs>> violations = new EnumMap<>(EntryCheck.class);
    private final Arena arena = Arena.ofShared();
    private MemorySegment memory;

    private static final Capabilities CAPABILITIES = Capabilities.of(WIDTH, 0x1727ffL)
            .withControls(
                    Pin.PROCESS_POSTED_INTERRUPTS,
                    Primary.USE_TPR_SHADOW,
                    Secondary.VIRTUALIZE_APIC_ACCESSES
                            | Secondary.VIRTUALIZE_X2APIC_MODE
                            | Secondary.APIC_REGISTER_VIRTUALIZATION
                            | Secondary.VIRTUAL_INTERRUPT_DELIVERY
                            | Secondary.ENABLE_VM_FUNCTIONS
                            | Secondary.VMCS_SHADOWING
                            | Secondary.ENABLE_PML
                            | Secondary.EPT_VIOLATION_EXCEPTION
                            | Secondary.MODE_BASED_EXECUTE_CONTROL
                            | Secondary.USE_TSC_SCALING,
                    Exit.LOAD_PERF_GLOBAL_CTRL,
                    Entry.LOAD_PERF_GLOBAL_CTRL | Entry.ENTRY_TO_SMM | Entry.DEACTIVATE_DUAL_MONITOR_TREATMENT,
                    1);

    @AfterAll
    void close() {
        arena.close();
    }

    @Test
    void theValidVmcsPassesAllChecks() {
        for (EntryCheck check : EntryCheck.values()) {
            assertThat(check.holds(state(valid()))).as(check.name()).isTrue();
            assertThat(check.holds(state(real(valid())))).as(check.name() + " in real-address mode").isTrue();
            assertThat(check.holds(state(virtual8086(valid())))).as(check.name() + " in virtual-8086 mode").isTrue();
        }
    }

    @Test
    void everyCheckHasItsViolation() {
        assertThat(violations.keySet()).isEqualTo(EnumSet.allOf(EntryCheck.class));
    }

    @ParameterizedTest
    @EnumSource
    void refuses(EntryCheck check) {
        Vmcs vmcs = valid();
        violations.get(check).accept(vmcs);
        assertThat(EntryCheck.firstFailing(state(vmcs))).isEqualTo(check);
        assertThat(check.requirement()).matches(".+ \\(SDM vol. 3C, 27\\.[23]\\.\\d(\\.\\d)?\\)");
    }

    @Test
    void guestStateFailuresHaveTheQualificationOfTheManual() {
        for (EntryCheck check : EntryCheck.values()) {
            int expected = switch (check) {
                case GUEST_PDPTES -> 2;
                case VMCS_LINK_POINTER, VMCS_LINK_REVISION -> 4;
                default -> 0;
            };
            assertThat(check.qualification()).as(check.name()).isEqualTo(expected);
        }
    }

    @Test
    void onlyWhatWasWrittenIsExaminedAgain() {
        Vmcs vmcs = valid();
        assertThat(EntryCheck.firstFailing(state(vmcs))).isNull();
        vmcs.examined();
        assertThat(EntryCheck.GUEST_CR0_FIXED.isDue(vmcs)).isFalse();
        assertThat(EntryCheck.RFLAGS_IF_CLEAR.isDue(vmcs)).isFalse();
        inject(vmcs, InterruptionInformation.EXTERNAL_INTERRUPT, 0x20, false);
        assertThat(EntryCheck.GUEST_CR0_FIXED.isDue(vmcs)).isFalse();
        assertThat(EntryCheck.RFLAGS_IF_CLEAR.isDue(vmcs)).isTrue();
        assertThat(EntryCheck.INJECTION_TYPE.isDue(vmcs)).isTrue();
        assertThat(EntryCheck.HOST_CR0_FIXED.isDue(vmcs)).isFalse();
        vmcs.guestStateReplaced();
        assertThat(EntryCheck.GUEST_CR0_FIXED.isDue(vmcs)).isTrue();
    }

    @BeforeAll
    void fillViolations() {
        memory = arena.allocate(0x10000);
        memory.set(ValueLayout.JAVA_BYTE, VIRTUAL_APIC + 0x80, (byte) 0x50);
        memory.set(ValueLayout.JAVA_INT, LINKED, 1);
        memory.set(ValueLayout.JAVA_INT, LINKED + 0x1000, 77);

        // VM-execution control fields, 27.2.1.1
        on(EntryCheck.PIN_BASED_RESERVED, v -> v.write(PIN_BASED_CONTROLS, v.read(PIN_BASED_CONTROLS) & ~2));
        on(EntryCheck.PRIMARY_RESERVED, v -> v.write(PRIMARY_CONTROLS, v.read(PRIMARY_CONTROLS) | 1));
        on(EntryCheck.SECONDARY_RESERVED, v -> secondary(v, 1 << 10));
        on(EntryCheck.CR3_TARGET_COUNT, v -> v.write(CR3_TARGET_COUNT, 5));
        on(EntryCheck.IO_BITMAP_A_ADDRESS, v -> v.write(IO_BITMAP_A, 0x1800));
        on(EntryCheck.IO_BITMAP_B_ADDRESS, v -> v.write(IO_BITMAP_B, TOO_WIDE));
        on(EntryCheck.MSR_BITMAP_ADDRESS, v -> v.write(MSR_BITMAPS, 0x1001));
        on(EntryCheck.VIRTUAL_APIC_ADDRESS, v -> {
            primary(v, Primary.USE_TPR_SHADOW);
            v.write(VIRTUAL_APIC_ADDRESS, 8);
        });
        on(EntryCheck.TPR_THRESHOLD_RESERVED, v -> {
            tprShadow(v);
            v.write(TPR_THRESHOLD, 0x10);
        });
        on(EntryCheck.TPR_THRESHOLD_ABOVE_VTPR, v -> {
            tprShadow(v);
            v.write(TPR_THRESHOLD, 6);
        });
        on(EntryCheck.VIRTUAL_NMIS_WITHOUT_NMI_EXITING, v -> v.set(PIN_BASED_CONTROLS, Pin.NMI_EXITING, false));
        on(EntryCheck.NMI_WINDOW_WITHOUT_VIRTUAL_NMIS, v -> {
            v.set(PIN_BASED_CONTROLS, Pin.VIRTUAL_NMIS, false);
            primary(v, Primary.NMI_WINDOW_EXITING);
        });
        on(EntryCheck.APIC_ACCESS_ADDRESS, v -> {
            secondary(v, Secondary.VIRTUALIZE_APIC_ACCESSES);
            v.write(APIC_ACCESS_ADDRESS, 0x10);
        });
        on(EntryCheck.APIC_VIRTUALIZATION_WITHOUT_TPR_SHADOW,
                v -> secondary(v, Secondary.APIC_REGISTER_VIRTUALIZATION));
        on(EntryCheck.X2APIC_MODE_WITH_APIC_ACCESSES, v -> {
            tprShadow(v);
            secondary(v, Secondary.VIRTUALIZE_X2APIC_MODE | Secondary.VIRTUALIZE_APIC_ACCESSES);
        });
        on(EntryCheck.INTERRUPT_DELIVERY_WITHOUT_EXTERNAL_INTERRUPT_EXITING, v -> {
            tprShadow(v);
            secondary(v, Secondary.VIRTUAL_INTERRUPT_DELIVERY);
            v.set(PIN_BASED_CONTROLS, Pin.EXTERNAL_INTERRUPT_EXITING, false);
        });
        on(EntryCheck.POSTED_INTERRUPTS_WITHOUT_INTERRUPT_DELIVERY,
                v -> v.set(PIN_BASED_CONTROLS, Pin.PROCESS_POSTED_INTERRUPTS, true));
        on(EntryCheck.POSTED_INTERRUPTS_WITHOUT_ACKNOWLEDGEMENT, v -> {
            postedInterrupts(v);
            v.set(EXIT_CONTROLS, Exit.ACKNOWLEDGE_INTERRUPT_ON_EXIT, false);
        });
        on(EntryCheck.POSTED_INTERRUPT_VECTOR, v -> {
            postedInterrupts(v);
            v.write(POSTED_INTERRUPT_NOTIFICATION_VECTOR, 0x100);
        });
        on(EntryCheck.POSTED_INTERRUPT_DESCRIPTOR_ADDRESS, v -> {
            postedInterrupts(v);
            v.write(POSTED_INTERRUPT_DESCRIPTOR_ADDRESS, 0x20);
        });
        on(EntryCheck.VPID_ZERO, v -> v.write(VPID, 0));
        on(EntryCheck.EPTP_MEMORY_TYPE, v -> v.write(EPT_POINTER, 0x1000 | 3 << 3 | 1));
        on(EntryCheck.EPTP_WALK_LENGTH, v -> v.write(EPT_POINTER, 0x1000 | 4 << 3 | 6));
        violations.put(EntryCheck.EPTP_ACCESSED_AND_DIRTY, v -> v.write(EPT_POINTER, 0x1000 | 1 << 6 | 3 << 3 | 6));
        on(EntryCheck.EPTP_RESERVED, v -> v.write(EPT_POINTER, 0x1080 | 3 << 3 | 6));
        on(EntryCheck.PML_WITHOUT_EPT, v -> {
            withoutEpt(v);
            secondary(v, Secondary.ENABLE_PML);
        });
        on(EntryCheck.PML_ADDRESS, v -> {
            secondary(v, Secondary.ENABLE_PML);
            v.write(PML_ADDRESS, 0x123);
        });
        on(EntryCheck.UNRESTRICTED_GUEST_WITHOUT_EPT, v -> {
            withoutEpt(v);
            secondary(v, Secondary.UNRESTRICTED_GUEST);
        });
        on(EntryCheck.MODE_BASED_EXECUTE_CONTROL_WITHOUT_EPT, v -> {
            withoutEpt(v);
            secondary(v, Secondary.MODE_BASED_EXECUTE_CONTROL);
        });
        on(EntryCheck.TSC_MULTIPLIER_ZERO, v -> secondary(v, Secondary.USE_TSC_SCALING));
        on(EntryCheck.VM_FUNCTION_CONTROLS_RESERVED, v -> {
            secondary(v, Secondary.ENABLE_VM_FUNCTIONS);
            v.write(VM_FUNCTION_CONTROLS, 2);
        });
        on(EntryCheck.EPTP_SWITCHING_WITHOUT_EPT, v -> {
            withoutEpt(v);
            secondary(v, Secondary.ENABLE_VM_FUNCTIONS);
            v.write(VM_FUNCTION_CONTROLS, 1);
        });
        on(EntryCheck.EPTP_LIST_ADDRESS, v -> {
            secondary(v, Secondary.ENABLE_VM_FUNCTIONS);
            v.write(VM_FUNCTION_CONTROLS, 1);
            v.write(EPTP_LIST_ADDRESS, 0x44);
        });
        on(EntryCheck.VMREAD_BITMAP_ADDRESS, v -> {
            shadowing(v);
            v.write(VMREAD_BITMAP_ADDRESS, 0x800);
        });
        on(EntryCheck.VMWRITE_BITMAP_ADDRESS, v -> {
            shadowing(v);
            v.write(VMWRITE_BITMAP_ADDRESS, TOO_WIDE);
        });
        on(EntryCheck.VIRTUALIZATION_EXCEPTION_ADDRESS, v -> {
            secondary(v, Secondary.EPT_VIOLATION_EXCEPTION);
            v.write(VIRTUALIZATION_EXCEPTION_ADDRESS, 0x800);
        });

        // VM-exit control fields, 27.2.1.2
        on(EntryCheck.EXIT_RESERVED, v -> v.write(EXIT_CONTROLS, v.read(EXIT_CONTROLS) | 1L << 31));
        on(EntryCheck.SAVE_PREEMPTION_TIMER_WITHOUT_TIMER, v -> v.set(EXIT_CONTROLS, Exit.SAVE_PREEMPTION_TIMER, true));
        on(EntryCheck.EXIT_MSR_STORE_ADDRESS, v -> {
            v.write(EXIT_MSR_STORE_COUNT, 1);
            v.write(EXIT_MSR_STORE_ADDRESS, 8);
        });
        on(EntryCheck.EXIT_MSR_LOAD_ADDRESS, v -> {
            v.write(EXIT_MSR_LOAD_COUNT, 2);
            v.write(EXIT_MSR_LOAD_ADDRESS, TOO_WIDE - 16);
        });

        // VM-entry control fields, 27.2.1.3
        on(EntryCheck.ENTRY_RESERVED, v -> v.write(ENTRY_CONTROLS, v.read(ENTRY_CONTROLS) & ~1));
        on(EntryCheck.INJECTION_TYPE, v -> inject(v, 1, 0x20, false));
        on(EntryCheck.INJECTION_VECTOR, v -> inject(v, InterruptionInformation.NMI, 3, false));
        on(EntryCheck.INJECTION_ERROR_CODE_DELIVERY,
                v -> inject(v, InterruptionInformation.HARDWARE_EXCEPTION, 13, false));
        on(EntryCheck.INJECTION_RESERVED,
                v -> v.write(ENTRY_INTERRUPTION_INFORMATION, InterruptionInformation.of(0, 0x20, false) | 1 << 12));
        on(EntryCheck.INJECTION_ERROR_CODE, v -> {
            inject(v, InterruptionInformation.HARDWARE_EXCEPTION, 13, true);
            v.write(ENTRY_EXCEPTION_ERROR_CODE, 0x10000);
        });
        on(EntryCheck.INJECTION_INSTRUCTION_LENGTH, v -> {
            inject(v, InterruptionInformation.SOFTWARE_INTERRUPT, 0x80, false);
            v.write(ENTRY_INSTRUCTION_LENGTH, 16);
        });
        on(EntryCheck.ENTRY_MSR_LOAD_ADDRESS, v -> {
            v.write(ENTRY_MSR_LOAD_COUNT, 1);
            v.write(ENTRY_MSR_LOAD_ADDRESS, 4);
        });
        on(EntryCheck.ENTRY_TO_SMM, v -> v.set(ENTRY_CONTROLS, Entry.ENTRY_TO_SMM, true));

        // host state, 27.2.2 to 27.2.4
        on(EntryCheck.HOST_CR0_FIXED, v -> v.write(HOST_CR0, 0x8000_0001L));
        on(EntryCheck.HOST_CR4_FIXED, v -> v.write(HOST_CR4, EntryState.CR4_PAE));
        on(EntryCheck.HOST_CR3_WIDTH, v -> v.write(HOST_CR3, TOO_WIDE));
        on(EntryCheck.HOST_SYSENTER_ESP, v -> v.write(HOST_SYSENTER_ESP, NOT_CANONICAL));
        on(EntryCheck.HOST_SYSENTER_EIP, v -> v.write(HOST_SYSENTER_EIP, NOT_CANONICAL));
        on(EntryCheck.HOST_PERF_GLOBAL_CTRL, v -> {
            v.set(EXIT_CONTROLS, Exit.LOAD_PERF_GLOBAL_CTRL, true);
            v.write(HOST_PERF_GLOBAL_CTRL, 1);
        });
        on(EntryCheck.HOST_PAT, v -> v.write(HOST_PAT, 0x0207_0406_0007_0406L));
        on(EntryCheck.HOST_EFER_RESERVED, v -> v.write(HOST_EFER, 0x500 | 2));
        on(EntryCheck.HOST_EFER_LONG_MODE, v -> v.write(HOST_EFER, EntryState.EFER_LME));
        on(EntryCheck.HOST_SELECTORS, v -> v.write(HOST_GS_SELECTOR, 3));
        on(EntryCheck.HOST_CS_SELECTOR, v -> v.write(HOST_CS_SELECTOR, 0));
        on(EntryCheck.HOST_TR_SELECTOR, v -> v.write(HOST_TR_SELECTOR, 0));
        on(EntryCheck.HOST_SS_SELECTOR, v -> {
            narrowHost(v);
            v.write(HOST_SS_SELECTOR, 0);
        });
        on(EntryCheck.HOST_FS_BASE, v -> v.write(HOST_FS_BASE, NOT_CANONICAL));
        on(EntryCheck.HOST_GS_BASE, v -> v.write(HOST_GS_BASE, NOT_CANONICAL));
        on(EntryCheck.HOST_TR_BASE, v -> v.write(HOST_TR_BASE, NOT_CANONICAL));
        on(EntryCheck.HOST_GDTR_BASE, v -> v.write(HOST_GDTR_BASE, NOT_CANONICAL));
        on(EntryCheck.HOST_IDTR_BASE, v -> v.write(HOST_IDTR_BASE, NOT_CANONICAL));
        on(EntryCheck.HOST_ADDRESS_SPACE_SIZE, v -> {
            narrowHost(v);
            v.write(HOST_SS_SELECTOR, 8);
        });
        on(EntryCheck.HOST_PAE, v -> v.write(HOST_CR4, Capabilities.CR4_VMXE));
        on(EntryCheck.HOST_RIP, v -> v.write(HOST_RIP, NOT_CANONICAL));

        // guest control registers, debug registers and MSRs, 27.3.1.1
        on(EntryCheck.GUEST_CR0_FIXED, v -> v.write(GUEST_CR0, 0x8000_0001L));
        on(EntryCheck.GUEST_CR0_PAGING_WITHOUT_PROTECTION, v -> {
            secondary(v, Secondary.UNRESTRICTED_GUEST);
            v.write(GUEST_CR0, 0x8000_0020L);
        });
        on(EntryCheck.GUEST_CR4_FIXED, v -> v.write(GUEST_CR4, v.read(GUEST_CR4) | 1L << 40));
        on(EntryCheck.GUEST_DEBUGCTL, v -> v.write(GUEST_DEBUGCTL, 4));
        on(EntryCheck.GUEST_IA_32E_WITHOUT_PAGING, v -> v.write(GUEST_CR4, Capabilities.CR4_VMXE));
        on(EntryCheck.GUEST_PCIDE_WITHOUT_IA_32E, v -> {
            legacy(v);
            v.write(GUEST_CR4, v.read(GUEST_CR4) | EntryState.CR4_PCIDE);
        });
        on(EntryCheck.GUEST_CR3_WIDTH, v -> v.write(GUEST_CR3, TOO_WIDE));
        on(EntryCheck.GUEST_DR7, v -> v.write(GUEST_DR7, 1L << 32 | 0x400));
        on(EntryCheck.GUEST_SYSENTER_ESP, v -> v.write(GUEST_SYSENTER_ESP, NOT_CANONICAL));
        on(EntryCheck.GUEST_SYSENTER_EIP, v -> v.write(GUEST_SYSENTER_EIP, NOT_CANONICAL));
        on(EntryCheck.GUEST_PERF_GLOBAL_CTRL, v -> {
            v.set(ENTRY_CONTROLS, Entry.LOAD_PERF_GLOBAL_CTRL, true);
            v.write(GUEST_PERF_GLOBAL_CTRL, 1);
        });
        on(EntryCheck.GUEST_PAT, v -> v.write(GUEST_PAT, 8));
        on(EntryCheck.GUEST_EFER_RESERVED, v -> v.write(GUEST_EFER, 0x500 | 1 << 9));
        on(EntryCheck.GUEST_EFER_LMA, v -> v.write(GUEST_EFER, EntryState.EFER_LME));
        on(EntryCheck.GUEST_EFER_LME, v -> v.write(GUEST_EFER, EntryState.EFER_LMA));

        // guest segment registers, 27.3.1.2
        on(EntryCheck.TR_SELECTOR, v -> v.write(GUEST_TR_SELECTOR, 0x44));
        on(EntryCheck.LDTR_SELECTOR, v -> {
            ldt(v);
            v.write(GUEST_LDTR_SELECTOR, 0x4c);
        });
        on(EntryCheck.SS_SELECTOR, v -> v.write(GUEST_SS_SELECTOR, 0x1b));
        on(EntryCheck.VIRTUAL_8086_BASES, v -> {
            virtual8086(v);
            v.write(GUEST_DS_BASE, 0x30000);
        });
        on(EntryCheck.TR_BASE, v -> v.write(GUEST_TR_BASE, NOT_CANONICAL));
        on(EntryCheck.FS_BASE, v -> v.write(GUEST_FS_BASE, NOT_CANONICAL));
        on(EntryCheck.GS_BASE, v -> v.write(GUEST_GS_BASE, NOT_CANONICAL));
        on(EntryCheck.LDTR_BASE, v -> {
            ldt(v);
            v.write(GUEST_LDTR_BASE, NOT_CANONICAL);
        });
        on(EntryCheck.CS_BASE, v -> v.write(GUEST_CS_BASE, 1L << 32));
        on(EntryCheck.SS_BASE, v -> v.write(GUEST_SS_BASE, 1L << 32));
        on(EntryCheck.DS_BASE, v -> v.write(GUEST_DS_BASE, 1L << 32));
        on(EntryCheck.ES_BASE, v -> v.write(GUEST_ES_BASE, 1L << 32));
        on(EntryCheck.VIRTUAL_8086_LIMITS, v -> {
            virtual8086(v);
            v.write(GUEST_GS_LIMIT, 0xfffff);
        });
        on(EntryCheck.VIRTUAL_8086_ACCESS_RIGHTS, v -> {
            virtual8086(v);
            v.write(GUEST_CS_ACCESS_RIGHTS, 0xfb);
        });
        on(EntryCheck.CS_TYPE, v -> v.write(GUEST_CS_ACCESS_RIGHTS, 0xa093));
        on(EntryCheck.SS_TYPE, v -> v.write(GUEST_SS_ACCESS_RIGHTS, 0xc091));
        on(EntryCheck.DATA_SEGMENT_ACCESSED, v -> v.write(GUEST_DS_ACCESS_RIGHTS, 0xc092));
        on(EntryCheck.DATA_SEGMENT_READABLE, v -> v.write(GUEST_FS_ACCESS_RIGHTS, 0xc099));
        on(EntryCheck.SEGMENT_SYSTEM, v -> v.write(GUEST_ES_ACCESS_RIGHTS, 0xc083));
        on(EntryCheck.CS_PRIVILEGE, v -> v.write(GUEST_CS_ACCESS_RIGHTS, 0xa0fb));
        on(EntryCheck.SS_PRIVILEGE, v -> {
            v.write(GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
            v.write(GUEST_CS_ACCESS_RIGHTS, 0xa0fb);
        });
        on(EntryCheck.SS_PRIVILEGE_WITHOUT_PROTECTION, v -> {
            real(v);
            v.write(GUEST_CS_ACCESS_RIGHTS, 0x93);
            v.write(GUEST_SS_ACCESS_RIGHTS, 0xf3);
        });
        on(EntryCheck.DATA_SEGMENT_PRIVILEGE, v -> v.write(GUEST_GS_SELECTOR, 0x1b));
        on(EntryCheck.SEGMENT_PRESENT, v -> v.write(GUEST_DS_ACCESS_RIGHTS, 0xc013));
        on(EntryCheck.SEGMENT_RESERVED, v -> v.write(GUEST_DS_ACCESS_RIGHTS, 0xc193));
        on(EntryCheck.CS_DEFAULT_SIZE, v -> v.write(GUEST_CS_ACCESS_RIGHTS, 0xe09b));
        on(EntryCheck.SEGMENT_GRANULARITY, v -> v.write(GUEST_DS_LIMIT, 0xffff_fffeL));
        on(EntryCheck.TR_TYPE, v -> v.write(GUEST_TR_ACCESS_RIGHTS, 0x83));
        on(EntryCheck.TR_SYSTEM, v -> v.write(GUEST_TR_ACCESS_RIGHTS, 0x9b));
        on(EntryCheck.TR_PRESENT, v -> v.write(GUEST_TR_ACCESS_RIGHTS, 0x0b));
        on(EntryCheck.TR_RESERVED, v -> v.write(GUEST_TR_ACCESS_RIGHTS, 0x48b));
        on(EntryCheck.TR_GRANULARITY, v -> v.write(GUEST_TR_LIMIT, 0x10_0000));
        on(EntryCheck.TR_USABLE, v -> v.write(GUEST_TR_ACCESS_RIGHTS, 0x1_008b));
        on(EntryCheck.LDTR_TYPE, v -> {
            ldt(v);
            v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x83);
        });
        on(EntryCheck.LDTR_SYSTEM, v -> {
            ldt(v);
            v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x92);
        });
        on(EntryCheck.LDTR_PRESENT, v -> {
            ldt(v);
            v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x02);
        });
        on(EntryCheck.LDTR_RESERVED, v -> {
            ldt(v);
            v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x282);
        });
        on(EntryCheck.LDTR_GRANULARITY, v -> {
            ldt(v);
            v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x8082);
        });

        // descriptor tables, RIP and RFLAGS, 27.3.1.3 and 27.3.1.4
        on(EntryCheck.GDTR_BASE, v -> v.write(GUEST_GDTR_BASE, NOT_CANONICAL));
        on(EntryCheck.IDTR_BASE, v -> v.write(GUEST_IDTR_BASE, NOT_CANONICAL));
        on(EntryCheck.GDTR_LIMIT, v -> v.write(GUEST_GDTR_LIMIT, 0x10000));
        on(EntryCheck.IDTR_LIMIT, v -> v.write(GUEST_IDTR_LIMIT, 0x10000));
        on(EntryCheck.RIP_WIDTH, v -> {
            v.write(GUEST_CS_ACCESS_RIGHTS, 0xc09b);
            v.write(GUEST_RIP, 1L << 32);
        });
        on(EntryCheck.RIP_CANONICAL, v -> v.write(GUEST_RIP, NOT_CANONICAL));
        on(EntryCheck.RFLAGS_RESERVED, v -> v.write(GUEST_RFLAGS, 0x8002));
        on(EntryCheck.RFLAGS_VM, v -> {
            virtual8086(v);
            v.set(SECONDARY_CONTROLS, Secondary.UNRESTRICTED_GUEST, true);
            v.write(GUEST_CR0, 0x20);
        });
        on(EntryCheck.RFLAGS_IF_CLEAR, v -> {
            inject(v, InterruptionInformation.EXTERNAL_INTERRUPT, 0x20, false);
            v.write(GUEST_RFLAGS, 2);
        });

        // non-register state and PDPTEs, 27.3.1.5 and 27.3.1.6
        on(EntryCheck.ACTIVITY_STATE, v -> v.write(GUEST_ACTIVITY_STATE, 4));
        on(EntryCheck.ACTIVITY_HLT_PRIVILEGE, v -> {
            v.write(GUEST_SS_SELECTOR, 0x1b);
            v.write(GUEST_CS_SELECTOR, 0x13);
            v.write(GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
            v.write(GUEST_CS_ACCESS_RIGHTS, 0xa0fb);
            v.write(GUEST_ACTIVITY_STATE, EntryState.HLT);
        });
        on(EntryCheck.ACTIVITY_WITH_BLOCKING, v -> {
            v.write(GUEST_ACTIVITY_STATE, EntryState.SHUTDOWN);
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_MOV_SS);
        });
        on(EntryCheck.ACTIVITY_WITH_INJECTION, v -> {
            inject(v, InterruptionInformation.EXTERNAL_INTERRUPT, 0x20, false);
            v.write(GUEST_ACTIVITY_STATE, EntryState.WAIT_FOR_SIPI);
        });
        on(EntryCheck.INTERRUPTIBILITY_RESERVED, v -> v.write(GUEST_INTERRUPTIBILITY_STATE, 1 << 5));
        on(EntryCheck.INTERRUPTIBILITY_STI_AND_MOV_SS, v -> v.write(GUEST_INTERRUPTIBILITY_STATE, 3));
        on(EntryCheck.INTERRUPTIBILITY_STI_WITHOUT_IF, v -> {
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_STI);
            v.write(GUEST_RFLAGS, 2);
        });
        on(EntryCheck.INTERRUPTIBILITY_WITH_EXTERNAL_INTERRUPT, v -> {
            inject(v, InterruptionInformation.EXTERNAL_INTERRUPT, 0x20, false);
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_MOV_SS);
        });
        on(EntryCheck.INTERRUPTIBILITY_WITH_NMI, v -> {
            inject(v, InterruptionInformation.NMI, 2, false);
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_MOV_SS);
        });
        on(EntryCheck.INTERRUPTIBILITY_SMI, v -> v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_SMI));
        on(EntryCheck.INTERRUPTIBILITY_WITH_VIRTUAL_NMI, v -> {
            inject(v, InterruptionInformation.NMI, 2, false);
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_NMI);
        });
        on(EntryCheck.PENDING_DEBUG_RESERVED, v -> v.write(GUEST_PENDING_DEBUG_EXCEPTIONS, 1 << 13));
        on(EntryCheck.PENDING_DEBUG_SINGLE_STEP, v -> {
            v.write(GUEST_INTERRUPTIBILITY_STATE, EntryState.BLOCKING_BY_MOV_SS);
            v.write(GUEST_RFLAGS, 2 | EntryState.RFLAGS_TF);
        });
        on(EntryCheck.VMCS_LINK_POINTER, v -> v.write(VMCS_LINK_POINTER, 0x123));
        on(EntryCheck.VMCS_LINK_REVISION, v -> v.write(VMCS_LINK_POINTER, LINKED + 0x1000));
        on(EntryCheck.GUEST_PDPTES, v -> {
            legacy(v);
            v.write(GUEST_PDPTE2, 0x1000 | 2 | 1);
        });
    }

    private void on(EntryCheck check, Consumer<Vmcs> violation) {
        violations.put(check, violation);
    }

    private EntryState state(Vmcs vmcs) {
        return new EntryState(vmcs, capabilitiesFor(vmcs), memory);
    }

    /** Bit 6 of the EPTP can only be wrong on a processor without accessed and dirty flags for EPT. */
    private static Capabilities capabilitiesFor(Vmcs vmcs) {
        if ((vmcs.read(EPT_POINTER) & 1 << 6) == 0) {
            return CAPABILITIES;
        }
        Capabilities c = CAPABILITIES;
        return new Capabilities(
                c.basic(), c.pinBased(), c.primary(), c.secondary(), c.exit(), c.entry(), c.misc(), c.cr0Fixed0(),
                c.cr0Fixed1(), c.cr4Fixed0(), c.cr4Fixed1(), c.eptVpid() & ~Capabilities.EPT_ACCESSED_DIRTY,
                c.vmFunctions(), c.physicalAddressBits());
    }

    /** A 64-bit guest at CPL 0, not unrestricted, on a 64-bit host. */
    private static Vmcs valid() {
        Vmcs v = new Vmcs(vmcs -> {}, CAPABILITIES);
        v.write(
                PIN_BASED_CONTROLS,
                Capabilities.adjust(
                        CAPABILITIES.pinBased(),
                        Pin.EXTERNAL_INTERRUPT_EXITING | Pin.NMI_EXITING | Pin.VIRTUAL_NMIS));
        v.write(
                PRIMARY_CONTROLS,
                Capabilities.adjust(
                        CAPABILITIES.primary(),
                        Primary.USE_IO_BITMAPS | Primary.USE_MSR_BITMAPS | Primary.ACTIVATE_SECONDARY_CONTROLS));
        v.write(SECONDARY_CONTROLS, Secondary.ENABLE_EPT | Secondary.ENABLE_VPID);
        v.write(
                EXIT_CONTROLS,
                Capabilities.adjust(
                        CAPABILITIES.exit(),
                        Exit.HOST_ADDRESS_SPACE_SIZE | Exit.LOAD_PAT | Exit.LOAD_EFER
                                | Exit.ACKNOWLEDGE_INTERRUPT_ON_EXIT));
        v.write(
                ENTRY_CONTROLS,
                Capabilities.adjust(
                        CAPABILITIES.entry(),
                        Entry.IA_32E_MODE_GUEST | Entry.LOAD_DEBUG_CONTROLS | Entry.LOAD_PAT | Entry.LOAD_EFER));
        v.write(VPID, 1);
        v.write(EPT_POINTER, 0x1000 | 3 << 3 | 6);
        v.write(VIRTUAL_APIC_ADDRESS, VIRTUAL_APIC);

        v.write(HOST_CR0, 0x8000_0021L);
        v.write(HOST_CR4, Capabilities.CR4_VMXE | EntryState.CR4_PAE);
        v.write(HOST_EFER, EntryState.EFER_LMA | EntryState.EFER_LME);
        v.write(HOST_CS_SELECTOR, 0x10);
        v.write(HOST_TR_SELECTOR, 0x40);

        v.write(GUEST_CR0, 0x8000_0021L);
        v.write(GUEST_CR4, Capabilities.CR4_VMXE | EntryState.CR4_PAE);
        v.write(GUEST_EFER, EntryState.EFER_LMA | EntryState.EFER_LME);
        v.write(GUEST_DR7, 0x400);
        v.write(GUEST_RFLAGS, 2 | EntryState.RFLAGS_IF);
        v.write(GUEST_RIP, 0xffff_8000_0000_1000L);
        for (int segment = EntryState.ES; segment <= EntryState.GS; segment++) {
            v.write(GUEST_ES_SELECTOR.at(segment), segment == EntryState.CS ? 0x10 : 0x18);
            v.write(GUEST_ES_LIMIT.at(segment), 0xffff_ffffL);
            v.write(GUEST_ES_ACCESS_RIGHTS.at(segment), segment == EntryState.CS ? 0xa09b : 0xc093);
        }
        v.write(GUEST_TR_SELECTOR, 0x40);
        v.write(GUEST_TR_LIMIT, 0x67);
        v.write(GUEST_TR_ACCESS_RIGHTS, 0x8b);
        v.write(GUEST_LDTR_ACCESS_RIGHTS, 1 << 16);
        return v;
    }

    /** Makes it a 32-bit guest with PAE paging. */
    private static void legacy(Vmcs v) {
        v.set(ENTRY_CONTROLS, Entry.IA_32E_MODE_GUEST, false);
        v.write(GUEST_EFER, 0);
        v.write(GUEST_CS_ACCESS_RIGHTS, 0xc09b);
        v.write(GUEST_RIP, 0x1000);
    }

    private static Vmcs virtual8086(Vmcs v) {
        legacy(v);
        v.write(GUEST_RFLAGS, 1 << 17 | 2);
        for (int segment = EntryState.ES; segment <= EntryState.GS; segment++) {
            v.write(GUEST_ES_SELECTOR.at(segment), 0x2000);
            v.write(GUEST_ES_BASE.at(segment), 0x20000);
            v.write(GUEST_ES_LIMIT.at(segment), 0xffff);
            v.write(GUEST_ES_ACCESS_RIGHTS.at(segment), 0xf3);
        }
        return v;
    }

    /** Makes it an unrestricted guest at the reset vector. */
    private static Vmcs real(Vmcs v) {
        legacy(v);
        secondary(v, Secondary.UNRESTRICTED_GUEST);
        v.write(GUEST_CR0, 0x6000_0030);
        v.write(GUEST_CR4, Capabilities.CR4_VMXE);
        v.write(GUEST_RIP, 0xfff0);
        for (int segment = EntryState.ES; segment <= EntryState.GS; segment++) {
            v.write(GUEST_ES_SELECTOR.at(segment), 0);
            v.write(GUEST_ES_LIMIT.at(segment), 0xffff);
            v.write(GUEST_ES_ACCESS_RIGHTS.at(segment), 0x93);
        }
        v.write(GUEST_CS_SELECTOR, 0xf000);
        v.write(GUEST_CS_BASE, 0xffff_0000L);
        v.write(GUEST_CS_ACCESS_RIGHTS, 0x9b);
        return v;
    }

    private static void ldt(Vmcs v) {
        v.write(GUEST_LDTR_SELECTOR, 0x48);
        v.write(GUEST_LDTR_LIMIT, 0xff7);
        v.write(GUEST_LDTR_ACCESS_RIGHTS, 0x82);
    }

    private static void narrowHost(Vmcs v) {
        legacy(v);
        v.set(EXIT_CONTROLS, Exit.HOST_ADDRESS_SPACE_SIZE, false);
        v.write(HOST_EFER, 0);
    }

    private static void withoutEpt(Vmcs v) {
        v.set(SECONDARY_CONTROLS, Secondary.ENABLE_EPT, false);
    }

    private static void tprShadow(Vmcs v) {
        primary(v, Primary.USE_TPR_SHADOW);
    }

    private static void postedInterrupts(Vmcs v) {
        tprShadow(v);
        secondary(v, Secondary.VIRTUAL_INTERRUPT_DELIVERY);
        v.set(PIN_BASED_CONTROLS, Pin.PROCESS_POSTED_INTERRUPTS, true);
    }

    private static void shadowing(Vmcs v) {
        secondary(v, Secondary.VMCS_SHADOWING);
    }

    private static void primary(Vmcs v, int control) {
        v.set(PRIMARY_CONTROLS, control, true);
    }

    private static void secondary(Vmcs v, int control) {
        v.set(SECONDARY_CONTROLS, control, true);
    }

    private static void inject(Vmcs v, int type, int vector, boolean errorCode) {
        v.write(ENTRY_INTERRUPTION_INFORMATION, InterruptionInformation.of(type, vector, errorCode));
    }
}
