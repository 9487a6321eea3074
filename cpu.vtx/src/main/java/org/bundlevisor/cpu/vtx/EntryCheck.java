package org.bundlevisor.cpu.vtx;

import static org.bundlevisor.cpu.vtx.EntryState.BLOCKING_BY_MOV_SS;
import static org.bundlevisor.cpu.vtx.EntryState.BLOCKING_BY_NMI;
import static org.bundlevisor.cpu.vtx.EntryState.BLOCKING_BY_SMI;
import static org.bundlevisor.cpu.vtx.EntryState.BLOCKING_BY_STI;
import static org.bundlevisor.cpu.vtx.EntryState.CR4_PAE;
import static org.bundlevisor.cpu.vtx.EntryState.CR4_PCIDE;
import static org.bundlevisor.cpu.vtx.EntryState.DEBUGCTL_BTF;
import static org.bundlevisor.cpu.vtx.EntryState.DEBUGCTL_RESERVED;
import static org.bundlevisor.cpu.vtx.EntryState.DEBUG_EXCEPTION;
import static org.bundlevisor.cpu.vtx.EntryState.EFER_LMA;
import static org.bundlevisor.cpu.vtx.EntryState.EFER_LME;
import static org.bundlevisor.cpu.vtx.EntryState.EFER_RESERVED;
import static org.bundlevisor.cpu.vtx.EntryState.HLT;
import static org.bundlevisor.cpu.vtx.EntryState.MACHINE_CHECK;
import static org.bundlevisor.cpu.vtx.EntryState.PDPTE_RESERVED;
import static org.bundlevisor.cpu.vtx.EntryState.PERF_GLOBAL_CTRL_RESERVED;
import static org.bundlevisor.cpu.vtx.EntryState.RFLAGS_IF;
import static org.bundlevisor.cpu.vtx.EntryState.RFLAGS_TF;
import static org.bundlevisor.cpu.vtx.EntryState.SHUTDOWN;

import java.util.function.Predicate;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Exit;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;
import org.bundlevisor.cpu.vtx.Vmcs.Written;
import org.jspecify.annotations.Nullable;

/**
 * The checks of VM entries, SDM vol. 3C, chapter 27, each with its section, in the manual's order. Checks of features for
 * which this processor has no VMCS field (CET, PKS, Intel PT, user interrupts and what came after) do not exist.
 */
enum EntryCheck {
    PIN_BASED_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "reserved bits of the pin-based VM-execution controls must be as IA32_VMX_TRUE_PINBASED_CTLS says",
            s -> s.allows(s.capabilities().pinBased(), VmcsField.PIN_BASED_CONTROLS)),
    PRIMARY_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "reserved bits of the primary processor-based VM-execution controls must be as IA32_VMX_TRUE_PROCBASED_CTLS says",
            s -> s.allows(s.capabilities().primary(), VmcsField.PRIMARY_CONTROLS)),
    SECONDARY_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "reserved bits of the secondary processor-based VM-execution controls must be as IA32_VMX_PROCBASED_CTLS2 says",
            s -> !s.vmcs().primary(Primary.ACTIVATE_SECONDARY_CONTROLS)
                    || s.allows(s.capabilities().secondary(), VmcsField.SECONDARY_CONTROLS)),
    CR3_TARGET_COUNT(
            Group.CONTROLS, "27.2.1.1",
            "the CR3-target count must not exceed what IA32_VMX_MISC says",
            s -> s.read(VmcsField.CR3_TARGET_COUNT) <= s.capabilities().cr3Targets()),
    IO_BITMAP_A_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the address of I/O bitmap A must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().primary(Primary.USE_IO_BITMAPS) || s.isAddress(VmcsField.IO_BITMAP_A, 4096)),
    IO_BITMAP_B_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the address of I/O bitmap B must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().primary(Primary.USE_IO_BITMAPS) || s.isAddress(VmcsField.IO_BITMAP_B, 4096)),
    MSR_BITMAP_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the address of the MSR bitmaps must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().primary(Primary.USE_MSR_BITMAPS) || s.isAddress(VmcsField.MSR_BITMAPS, 4096)),
    VIRTUAL_APIC_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the virtual-APIC address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().primary(Primary.USE_TPR_SHADOW) || s.isAddress(VmcsField.VIRTUAL_APIC_ADDRESS, 4096)),
    TPR_THRESHOLD_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "bits 31:4 of the TPR threshold must be 0 without virtual-interrupt delivery",
            s -> !s.vmcs().primary(Primary.USE_TPR_SHADOW) || s.vmcs().secondary(Secondary.VIRTUAL_INTERRUPT_DELIVERY)
                    || s.isZero(VmcsField.TPR_THRESHOLD, ~15L)),
    TPR_THRESHOLD_ABOVE_VTPR(
            Group.CONTROLS, "27.2.1.1",
            "the TPR threshold must not exceed bits 7:4 of VTPR while APIC accesses and interrupt delivery are not virtualized",
            s -> !s.vmcs().primary(Primary.USE_TPR_SHADOW)
                    || s.vmcs().secondary(Secondary.VIRTUALIZE_APIC_ACCESSES | Secondary.VIRTUAL_INTERRUPT_DELIVERY)
                    || s.read(VmcsField.TPR_THRESHOLD) <= s.byteAt(s.read(VmcsField.VIRTUAL_APIC_ADDRESS) + 0x80) >> 4),
    VIRTUAL_NMIS_WITHOUT_NMI_EXITING(
            Group.CONTROLS, "27.2.1.1",
            "\"virtual NMIs\" needs \"NMI exiting\"",
            s -> !s.vmcs().pin(Pin.VIRTUAL_NMIS) || s.vmcs().pin(Pin.NMI_EXITING)),
    NMI_WINDOW_WITHOUT_VIRTUAL_NMIS(
            Group.CONTROLS, "27.2.1.1",
            "\"NMI-window exiting\" needs \"virtual NMIs\"",
            s -> !s.vmcs().primary(Primary.NMI_WINDOW_EXITING) || s.vmcs().pin(Pin.VIRTUAL_NMIS)),
    APIC_ACCESS_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the APIC-access address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.VIRTUALIZE_APIC_ACCESSES)
                    || s.isAddress(VmcsField.APIC_ACCESS_ADDRESS, 4096)),
    APIC_VIRTUALIZATION_WITHOUT_TPR_SHADOW(
            Group.CONTROLS, "27.2.1.1",
            "\"virtualize x2APIC mode\", \"APIC-register virtualization\" and \"virtual-interrupt delivery\" need \"use TPR shadow\"",
            s -> s.vmcs().primary(Primary.USE_TPR_SHADOW) || !s.vmcs()
                    .secondary(Secondary.VIRTUALIZE_X2APIC_MODE | Secondary.APIC_REGISTER_VIRTUALIZATION
                            | Secondary.VIRTUAL_INTERRUPT_DELIVERY)),
    X2APIC_MODE_WITH_APIC_ACCESSES(
            Group.CONTROLS, "27.2.1.1",
            "\"virtualize x2APIC mode\" and \"virtualize APIC accesses\" exclude each other",
            s -> !s.vmcs().secondary(Secondary.VIRTUALIZE_X2APIC_MODE)
                    || !s.vmcs().secondary(Secondary.VIRTUALIZE_APIC_ACCESSES)),
    INTERRUPT_DELIVERY_WITHOUT_EXTERNAL_INTERRUPT_EXITING(
            Group.CONTROLS, "27.2.1.1",
            "\"virtual-interrupt delivery\" needs \"external-interrupt exiting\"",
            s -> !s.vmcs().secondary(Secondary.VIRTUAL_INTERRUPT_DELIVERY)
                    || s.vmcs().pin(Pin.EXTERNAL_INTERRUPT_EXITING)),
    POSTED_INTERRUPTS_WITHOUT_INTERRUPT_DELIVERY(
            Group.CONTROLS, "27.2.1.1",
            "\"process posted interrupts\" needs \"virtual-interrupt delivery\"",
            s -> !s.vmcs().pin(Pin.PROCESS_POSTED_INTERRUPTS)
                    || s.vmcs().secondary(Secondary.VIRTUAL_INTERRUPT_DELIVERY)),
    POSTED_INTERRUPTS_WITHOUT_ACKNOWLEDGEMENT(
            Group.CONTROLS, "27.2.1.1",
            "\"process posted interrupts\" needs \"acknowledge interrupt on exit\"",
            s -> !s.vmcs().pin(Pin.PROCESS_POSTED_INTERRUPTS) || s.vmcs().exit(Exit.ACKNOWLEDGE_INTERRUPT_ON_EXIT)),
    POSTED_INTERRUPT_VECTOR(
            Group.CONTROLS, "27.2.1.1",
            "the posted-interrupt notification vector must be 0 to 255",
            s -> !s.vmcs().pin(Pin.PROCESS_POSTED_INTERRUPTS)
                    || s.read(VmcsField.POSTED_INTERRUPT_NOTIFICATION_VECTOR) <= 255),
    POSTED_INTERRUPT_DESCRIPTOR_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the posted-interrupt descriptor address must be 64-byte aligned and within the physical-address width",
            s -> !s.vmcs().pin(Pin.PROCESS_POSTED_INTERRUPTS)
                    || s.isAddress(VmcsField.POSTED_INTERRUPT_DESCRIPTOR_ADDRESS, 64)),
    VPID_ZERO(
            Group.CONTROLS, "27.2.1.1",
            "the VPID must not be 0000H with \"enable VPID\"",
            s -> !s.vmcs().secondary(Secondary.ENABLE_VPID) || s.read(VmcsField.VPID) != 0),
    EPTP_MEMORY_TYPE(
            Group.CONTROLS, "27.2.1.1",
            "bits 2:0 of the EPTP must be a memory type that IA32_VMX_EPT_VPID_CAP lists",
            s -> !s.vmcs().secondary(Secondary.ENABLE_EPT)
                    || switch ((int) s.read(VmcsField.EPT_POINTER) & 7) {
                        case 0 -> s.capabilities().ept(Capabilities.EPT_UNCACHEABLE);
                        case 6 -> s.capabilities().ept(Capabilities.EPT_WRITE_BACK);
                        default -> false;
                    }),
    EPTP_WALK_LENGTH(
            Group.CONTROLS, "27.2.1.1",
            "bits 5:3 of the EPTP must be 3: a walk of four levels",
            s -> !s.vmcs().secondary(Secondary.ENABLE_EPT) || (s.read(VmcsField.EPT_POINTER) >> 3 & 7) == 3),
    EPTP_ACCESSED_AND_DIRTY(
            Group.CONTROLS, "27.2.1.1",
            "bit 6 of the EPTP needs accessed and dirty flags for EPT in IA32_VMX_EPT_VPID_CAP",
            s -> !s.vmcs().secondary(Secondary.ENABLE_EPT) || s.isZero(VmcsField.EPT_POINTER, 1 << 6)
                    || s.capabilities().ept(Capabilities.EPT_ACCESSED_DIRTY)),
    EPTP_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "bits 11:7 of the EPTP and those beyond the physical-address width must be 0",
            s -> !s.vmcs().secondary(Secondary.ENABLE_EPT)
                    || s.isZero(VmcsField.EPT_POINTER, 0xf80) && s.isPhysical(s.read(VmcsField.EPT_POINTER))),
    PML_WITHOUT_EPT(
            Group.CONTROLS, "27.2.1.1",
            "\"enable PML\" needs \"enable EPT\"",
            s -> !s.vmcs().secondary(Secondary.ENABLE_PML) || s.vmcs().secondary(Secondary.ENABLE_EPT)),
    PML_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the PML address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.ENABLE_PML) || s.isAddress(VmcsField.PML_ADDRESS, 4096)),
    UNRESTRICTED_GUEST_WITHOUT_EPT(
            Group.CONTROLS, "27.2.1.1",
            "\"unrestricted guest\" needs \"enable EPT\"",
            s -> !s.unrestricted() || s.vmcs().secondary(Secondary.ENABLE_EPT)),
    MODE_BASED_EXECUTE_CONTROL_WITHOUT_EPT(
            Group.CONTROLS, "27.2.1.1",
            "\"mode-based execute control for EPT\" needs \"enable EPT\"",
            s -> !s.vmcs().secondary(Secondary.MODE_BASED_EXECUTE_CONTROL) || s.vmcs().secondary(Secondary.ENABLE_EPT)),
    TSC_MULTIPLIER_ZERO(
            Group.CONTROLS, "27.2.1.1",
            "the TSC multiplier must not be 0 with \"use TSC scaling\"",
            s -> !s.vmcs().secondary(Secondary.USE_TSC_SCALING) || s.read(VmcsField.TSC_MULTIPLIER) != 0),
    VM_FUNCTION_CONTROLS_RESERVED(
            Group.CONTROLS, "27.2.1.1",
            "the VM-function controls must have no bits that IA32_VMX_VMFUNC lacks",
            s -> !s.vmcs().secondary(Secondary.ENABLE_VM_FUNCTIONS)
                    || s.isZero(VmcsField.VM_FUNCTION_CONTROLS, ~s.capabilities().vmFunctions())),
    EPTP_SWITCHING_WITHOUT_EPT(
            Group.CONTROLS, "27.2.1.1",
            "EPTP switching needs \"enable EPT\"",
            s -> !s.vmcs().secondary(Secondary.ENABLE_VM_FUNCTIONS) || s.isZero(VmcsField.VM_FUNCTION_CONTROLS, 1)
                    || s.vmcs().secondary(Secondary.ENABLE_EPT)),
    EPTP_LIST_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the EPTP-list address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.ENABLE_VM_FUNCTIONS) || s.isZero(VmcsField.VM_FUNCTION_CONTROLS, 1)
                    || s.isAddress(VmcsField.EPTP_LIST_ADDRESS, 4096)),
    VMREAD_BITMAP_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the VMREAD-bitmap address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.VMCS_SHADOWING) || s.isAddress(VmcsField.VMREAD_BITMAP_ADDRESS, 4096)),
    VMWRITE_BITMAP_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the VMWRITE-bitmap address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.VMCS_SHADOWING) || s.isAddress(VmcsField.VMWRITE_BITMAP_ADDRESS, 4096)),
    VIRTUALIZATION_EXCEPTION_ADDRESS(
            Group.CONTROLS, "27.2.1.1",
            "the virtualization-exception information address must be 4-KByte aligned and within the physical-address width",
            s -> !s.vmcs().secondary(Secondary.EPT_VIOLATION_EXCEPTION)
                    || s.isAddress(VmcsField.VIRTUALIZATION_EXCEPTION_ADDRESS, 4096)),
    EXIT_RESERVED(
            Group.CONTROLS, "27.2.1.2",
            "reserved bits of the VM-exit controls must be as IA32_VMX_TRUE_EXIT_CTLS says",
            s -> s.allows(s.capabilities().exit(), VmcsField.EXIT_CONTROLS)),
    SAVE_PREEMPTION_TIMER_WITHOUT_TIMER(
            Group.CONTROLS, "27.2.1.2",
            "\"save VMX-preemption timer value\" needs \"activate VMX-preemption timer\"",
            s -> !s.vmcs().exit(Exit.SAVE_PREEMPTION_TIMER) || s.vmcs().pin(Pin.ACTIVATE_PREEMPTION_TIMER)),
    EXIT_MSR_STORE_ADDRESS(
            Group.CONTROLS, "27.2.1.2",
            "the VM-exit MSR-store area must be 16-byte aligned and within the physical-address width",
            s -> s.isMsrArea(VmcsField.EXIT_MSR_STORE_ADDRESS, VmcsField.EXIT_MSR_STORE_COUNT)),
    EXIT_MSR_LOAD_ADDRESS(
            Group.CONTROLS, "27.2.1.2",
            "the VM-exit MSR-load area must be 16-byte aligned and within the physical-address width",
            s -> s.isMsrArea(VmcsField.EXIT_MSR_LOAD_ADDRESS, VmcsField.EXIT_MSR_LOAD_COUNT)),
    ENTRY_RESERVED(
            Group.CONTROLS, "27.2.1.3",
            "reserved bits of the VM-entry controls must be as IA32_VMX_TRUE_ENTRY_CTLS says",
            s -> s.allows(s.capabilities().entry(), VmcsField.ENTRY_CONTROLS)),
    INJECTION_TYPE(
            Group.CONTROLS, "27.2.1.3",
            "the interruption type must not be 1, nor 7 without \"monitor trap flag\"",
            s -> !s.injects()
                    || !s.injects(1)
                            && (!s.injects(InterruptionInformation.OTHER_EVENT)
                                    || Capabilities.allows(
                                            s.capabilities().primary(),
                                            s.read(VmcsField.PRIMARY_CONTROLS) | Primary.MONITOR_TRAP_FLAG))),
    INJECTION_VECTOR(
            Group.CONTROLS, "27.2.1.3",
            "the vector must be 2 for an NMI, at most 31 for a hardware exception, 0 for another event",
            s -> !s.injects()
                    || switch (InterruptionInformation.type(s.injection())) {
                        case InterruptionInformation.NMI -> s.vector() == 2;
                        case InterruptionInformation.HARDWARE_EXCEPTION -> s.vector() <= 31;
                        case InterruptionInformation.OTHER_EVENT -> s.vector() == 0;
                        default -> true;
                    }),
    INJECTION_ERROR_CODE_DELIVERY(
            Group.CONTROLS, "27.2.1.3",
            "an error code must be delivered exactly with those hardware exceptions in protected mode that have one",
            s -> !s.injects()
                    || ((s.injection() & InterruptionInformation.ERROR_CODE) != 0) == ((!s.unrestricted()
                            || s.cr0(Capabilities.CR0_PE))
                            && s.injects(InterruptionInformation.HARDWARE_EXCEPTION)
                            && hasErrorCode(s.vector()))),
    INJECTION_RESERVED(
            Group.CONTROLS, "27.2.1.3",
            "bits 30:12 of the interruption information must be 0",
            s -> !s.injects() || (s.injection() & 0x7fff_f000) == 0),
    INJECTION_ERROR_CODE(
            Group.CONTROLS, "27.2.1.3",
            "bits 31:16 of the exception error code must be 0 when it is delivered",
            s -> !s.injects() || (s.injection() & InterruptionInformation.ERROR_CODE) == 0
                    || s.isZero(VmcsField.ENTRY_EXCEPTION_ERROR_CODE, 0xffff_0000L)),
    INJECTION_INSTRUCTION_LENGTH(
            Group.CONTROLS, "27.2.1.3",
            "the instruction length of a software event must be 1 to 15, or 0 where IA32_VMX_MISC allows it",
            s -> {
                if (!s.injects(InterruptionInformation.SOFTWARE_INTERRUPT)
                        && !s.injects(InterruptionInformation.PRIVILEGED_SOFTWARE_EXCEPTION)
                        && !s.injects(InterruptionInformation.SOFTWARE_EXCEPTION)) {
                    return true;
                }
                long length = s.read(VmcsField.ENTRY_INSTRUCTION_LENGTH);
                return length <= 15 && (length > 0 || s.capabilities().canInjectLengthZero());
            }),
    ENTRY_MSR_LOAD_ADDRESS(
            Group.CONTROLS, "27.2.1.3",
            "the VM-entry MSR-load area must be 16-byte aligned and within the physical-address width",
            s -> s.isMsrArea(VmcsField.ENTRY_MSR_LOAD_ADDRESS, VmcsField.ENTRY_MSR_LOAD_COUNT)),
    ENTRY_TO_SMM(
            Group.CONTROLS, "27.2.1.3",
            "\"entry to SMM\" and \"deactivate dual-monitor treatment\" must be 0 outside of SMM",
            s -> !s.vmcs().entry(Entry.ENTRY_TO_SMM | Entry.DEACTIVATE_DUAL_MONITOR_TREATMENT)),
    HOST_CR0_FIXED(
            Group.HOST_STATE, "27.2.2",
            "host CR0 must have the bits that VMX operation fixes",
            s -> EntryState.isFixed(s.read(VmcsField.HOST_CR0), s.capabilities().cr0Fixed0(),
                    s.capabilities().cr0Fixed1())),
    HOST_CR4_FIXED(
            Group.HOST_STATE, "27.2.2",
            "host CR4 must have the bits that VMX operation fixes",
            s -> EntryState.isFixed(s.read(VmcsField.HOST_CR4), s.capabilities().cr4Fixed0(),
                    s.capabilities().cr4Fixed1())),
    HOST_CR3_WIDTH(
            Group.HOST_STATE, "27.2.2",
            "host CR3 must be within the physical-address width",
            s -> s.isPhysical(s.read(VmcsField.HOST_CR3))),
    HOST_SYSENTER_ESP(
            Group.HOST_STATE, "27.2.2",
            "host IA32_SYSENTER_ESP must be canonical",
            s -> s.isCanonical(VmcsField.HOST_SYSENTER_ESP)),
    HOST_SYSENTER_EIP(
            Group.HOST_STATE, "27.2.2",
            "host IA32_SYSENTER_EIP must be canonical",
            s -> s.isCanonical(VmcsField.HOST_SYSENTER_EIP)),
    HOST_PERF_GLOBAL_CTRL(
            Group.HOST_STATE, "27.2.2",
            "host IA32_PERF_GLOBAL_CTRL must have no reserved bits",
            s -> !s.vmcs().exit(Exit.LOAD_PERF_GLOBAL_CTRL)
                    || s.isZero(VmcsField.HOST_PERF_GLOBAL_CTRL, PERF_GLOBAL_CTRL_RESERVED)),
    HOST_PAT(
            Group.HOST_STATE, "27.2.2",
            "each byte of host IA32_PAT must be a memory type",
            s -> !s.vmcs().exit(Exit.LOAD_PAT) || EntryState.isPat(s.read(VmcsField.HOST_PAT))),
    HOST_EFER_RESERVED(
            Group.HOST_STATE, "27.2.2",
            "host IA32_EFER must have no reserved bits",
            s -> !s.vmcs().exit(Exit.LOAD_EFER) || s.isZero(VmcsField.HOST_EFER, EFER_RESERVED)),
    HOST_EFER_LONG_MODE(
            Group.HOST_STATE, "27.2.2",
            "LMA and LME of host IA32_EFER must equal \"host address-space size\"",
            s -> !s.vmcs().exit(Exit.LOAD_EFER) || (s.read(VmcsField.HOST_EFER) & (EFER_LMA | EFER_LME)) == (s.vmcs()
                    .exit(Exit.HOST_ADDRESS_SPACE_SIZE) ? EFER_LMA | EFER_LME : 0)),
    HOST_SELECTORS(
            Group.HOST_STATE, "27.2.3",
            "host selectors must have RPL 0 and TI 0",
            s -> {
                for (int n = 0; n < 7; n++) {
                    if (!s.isZero(VmcsField.HOST_ES_SELECTOR.at(n), 7)) {
                        return false;
                    }
                }
                return true;
            }),
    HOST_CS_SELECTOR(
            Group.HOST_STATE, "27.2.3",
            "the host CS selector must not be 0000H",
            s -> s.read(VmcsField.HOST_CS_SELECTOR) != 0),
    HOST_TR_SELECTOR(
            Group.HOST_STATE, "27.2.3",
            "the host TR selector must not be 0000H",
            s -> s.read(VmcsField.HOST_TR_SELECTOR) != 0),
    HOST_SS_SELECTOR(
            Group.HOST_STATE, "27.2.3",
            "the host SS selector must not be 0000H with a 32-bit host",
            s -> s.vmcs().exit(Exit.HOST_ADDRESS_SPACE_SIZE) || s.read(VmcsField.HOST_SS_SELECTOR) != 0),
    HOST_FS_BASE(
            Group.HOST_STATE, "27.2.3",
            "the host FS base must be canonical",
            s -> s.isCanonical(VmcsField.HOST_FS_BASE)),
    HOST_GS_BASE(
            Group.HOST_STATE, "27.2.3",
            "the host GS base must be canonical",
            s -> s.isCanonical(VmcsField.HOST_GS_BASE)),
    HOST_TR_BASE(
            Group.HOST_STATE, "27.2.3",
            "the host TR base must be canonical",
            s -> s.isCanonical(VmcsField.HOST_TR_BASE)),
    HOST_GDTR_BASE(
            Group.HOST_STATE, "27.2.3",
            "the host GDTR base must be canonical",
            s -> s.isCanonical(VmcsField.HOST_GDTR_BASE)),
    HOST_IDTR_BASE(
            Group.HOST_STATE, "27.2.3",
            "the host IDTR base must be canonical",
            s -> s.isCanonical(VmcsField.HOST_IDTR_BASE)),
    HOST_ADDRESS_SPACE_SIZE(
            Group.HOST_STATE, "27.2.4",
            "\"host address-space size\" must be 1, for this processor enters from IA-32e mode",
            s -> s.vmcs().exit(Exit.HOST_ADDRESS_SPACE_SIZE)),
    HOST_PAE(
            Group.HOST_STATE, "27.2.4",
            "host CR4.PAE must be 1 with a 64-bit host",
            s -> !s.vmcs().exit(Exit.HOST_ADDRESS_SPACE_SIZE) || !s.isZero(VmcsField.HOST_CR4, CR4_PAE)),
    HOST_RIP(
            Group.HOST_STATE, "27.2.4",
            "host RIP must be canonical",
            s -> s.isCanonical(VmcsField.HOST_RIP)),
    GUEST_CR0_FIXED(
            Group.GUEST_STATE, "27.3.1.1",
            "guest CR0 must have the bits that VMX operation fixes; PE and PG are free for an unrestricted guest",
            s -> EntryState.isFixed(s.read(VmcsField.GUEST_CR0),
                    s.capabilities().cr0Fixed0()
                            & (s.unrestricted() ? ~(Capabilities.CR0_PE | Capabilities.CR0_PG) : -1),
                    s.capabilities().cr0Fixed1())),
    GUEST_CR0_PAGING_WITHOUT_PROTECTION(
            Group.GUEST_STATE, "27.3.1.1",
            "guest CR0.PG needs CR0.PE",
            s -> !s.cr0(Capabilities.CR0_PG) || s.cr0(Capabilities.CR0_PE)),
    GUEST_CR4_FIXED(
            Group.GUEST_STATE, "27.3.1.1",
            "guest CR4 must have the bits that VMX operation fixes",
            s -> EntryState.isFixed(s.read(VmcsField.GUEST_CR4), s.capabilities().cr4Fixed0(),
                    s.capabilities().cr4Fixed1())),
    GUEST_DEBUGCTL(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_DEBUGCTL must have no reserved bits",
            s -> !s.vmcs().entry(Entry.LOAD_DEBUG_CONTROLS) || s.isZero(VmcsField.GUEST_DEBUGCTL, DEBUGCTL_RESERVED)),
    GUEST_IA_32E_WITHOUT_PAGING(
            Group.GUEST_STATE, "27.3.1.1",
            "an IA-32e mode guest needs CR0.PG and CR4.PAE",
            s -> !s.ia32e() || s.cr0(Capabilities.CR0_PG) && s.cr4(CR4_PAE)),
    GUEST_PCIDE_WITHOUT_IA_32E(
            Group.GUEST_STATE, "27.3.1.1",
            "guest CR4.PCIDE needs an IA-32e mode guest",
            s -> s.ia32e() || !s.cr4(CR4_PCIDE)),
    GUEST_CR3_WIDTH(
            Group.GUEST_STATE, "27.3.1.1",
            "guest CR3 must be within the physical-address width",
            s -> s.isPhysical(s.read(VmcsField.GUEST_CR3))),
    GUEST_DR7(
            Group.GUEST_STATE, "27.3.1.1",
            "bits 63:32 of guest DR7 must be 0",
            s -> !s.vmcs().entry(Entry.LOAD_DEBUG_CONTROLS) || s.read(VmcsField.GUEST_DR7) >>> 32 == 0),
    GUEST_SYSENTER_ESP(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_SYSENTER_ESP must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_SYSENTER_ESP)),
    GUEST_SYSENTER_EIP(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_SYSENTER_EIP must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_SYSENTER_EIP)),
    GUEST_PERF_GLOBAL_CTRL(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_PERF_GLOBAL_CTRL must have no reserved bits",
            s -> !s.vmcs().entry(Entry.LOAD_PERF_GLOBAL_CTRL)
                    || s.isZero(VmcsField.GUEST_PERF_GLOBAL_CTRL, PERF_GLOBAL_CTRL_RESERVED)),
    GUEST_PAT(
            Group.GUEST_STATE, "27.3.1.1",
            "each byte of guest IA32_PAT must be a memory type",
            s -> !s.vmcs().entry(Entry.LOAD_PAT) || EntryState.isPat(s.read(VmcsField.GUEST_PAT))),
    GUEST_EFER_RESERVED(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_EFER must have no reserved bits",
            s -> !s.vmcs().entry(Entry.LOAD_EFER) || s.isZero(VmcsField.GUEST_EFER, EFER_RESERVED)),
    GUEST_EFER_LMA(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_EFER.LMA must equal \"IA-32e mode guest\"",
            s -> !s.vmcs().entry(Entry.LOAD_EFER) || !s.isZero(VmcsField.GUEST_EFER, EFER_LMA) == s.ia32e()),
    GUEST_EFER_LME(
            Group.GUEST_STATE, "27.3.1.1",
            "guest IA32_EFER.LME must equal LMA while CR0.PG is 1",
            s -> !s.vmcs().entry(Entry.LOAD_EFER) || !s.cr0(Capabilities.CR0_PG)
                    || s.isZero(VmcsField.GUEST_EFER, EFER_LME) == s.isZero(VmcsField.GUEST_EFER, EFER_LMA)),
    TR_SELECTOR(
            Group.GUEST_STATE, "27.3.1.2",
            "TI of the TR selector must be 0",
            s -> (s.selector(EntryState.TR) & 4) == 0),
    LDTR_SELECTOR(
            Group.GUEST_STATE, "27.3.1.2",
            "TI of the LDTR selector must be 0",
            s -> !s.usable(EntryState.LDTR) || (s.selector(EntryState.LDTR) & 4) == 0),
    SS_SELECTOR(
            Group.GUEST_STATE, "27.3.1.2",
            "RPL of SS must equal that of CS unless the guest is unrestricted or virtual-8086",
            s -> s.virtual8086() || s.unrestricted() || s.rpl(EntryState.SS) == s.rpl(EntryState.CS)),
    VIRTUAL_8086_BASES(
            Group.GUEST_STATE, "27.3.1.2",
            "segment bases of a virtual-8086 guest must be their selectors times 16",
            s -> !s.virtual8086() || s.all(n -> s.base(n) == (long) s.selector(n) << 4)),
    TR_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "the TR base must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_TR_BASE)),
    FS_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "the FS base must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_FS_BASE)),
    GS_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "the GS base must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_GS_BASE)),
    LDTR_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "the LDTR base must be canonical",
            s -> !s.usable(EntryState.LDTR) || s.isCanonical(VmcsField.GUEST_LDTR_BASE)),
    CS_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 63:32 of the CS base must be 0",
            s -> s.base(EntryState.CS) >>> 32 == 0),
    SS_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 63:32 of the SS base must be 0",
            s -> !s.usable(EntryState.SS) || s.base(EntryState.SS) >>> 32 == 0),
    DS_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 63:32 of the DS base must be 0",
            s -> !s.usable(EntryState.DS) || s.base(EntryState.DS) >>> 32 == 0),
    ES_BASE(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 63:32 of the ES base must be 0",
            s -> !s.usable(EntryState.ES) || s.base(EntryState.ES) >>> 32 == 0),
    VIRTUAL_8086_LIMITS(
            Group.GUEST_STATE, "27.3.1.2",
            "segment limits of a virtual-8086 guest must be 0000FFFFH",
            s -> !s.virtual8086() || s.all(n -> s.limit(n) == 0xffff)),
    VIRTUAL_8086_ACCESS_RIGHTS(
            Group.GUEST_STATE, "27.3.1.2",
            "segment access rights of a virtual-8086 guest must be 000000F3H",
            s -> !s.virtual8086() || s.all(n -> s.rights(n) == 0xf3)),
    CS_TYPE(
            Group.GUEST_STATE, "27.3.1.2",
            "CS must be an accessed code segment, or for an unrestricted guest an accessed read/write data segment",
            s -> s.virtual8086() || (s.type(EntryState.CS) & 9) == 9 || s.unrestricted() && s.type(EntryState.CS) == 3),
    SS_TYPE(
            Group.GUEST_STATE, "27.3.1.2",
            "SS must be an accessed read/write data segment",
            s -> s.virtual8086() || !s.usable(EntryState.SS) || s.type(EntryState.SS) == 3
                    || s.type(EntryState.SS) == 7),
    DATA_SEGMENT_ACCESSED(
            Group.GUEST_STATE, "27.3.1.2",
            "DS, ES, FS and GS must be accessed segments",
            s -> s.allUsableData(n -> (s.type(n) & 1) != 0)),
    DATA_SEGMENT_READABLE(
            Group.GUEST_STATE, "27.3.1.2",
            "a code segment in DS, ES, FS or GS must be readable",
            s -> s.allUsableData(n -> (s.type(n) & 8) == 0 || (s.type(n) & 2) != 0)),
    SEGMENT_SYSTEM(
            Group.GUEST_STATE, "27.3.1.2",
            "S must be 1",
            s -> s.allUsable(n -> !s.system(n))),
    CS_PRIVILEGE(
            Group.GUEST_STATE, "27.3.1.2",
            "DPL of CS must be 0 for a data segment, that of SS for non-conforming code, and at most that of SS for conforming code",
            s -> s.virtual8086()
                    || switch (s.type(EntryState.CS)) {
                        case 3 -> s.dpl(EntryState.CS) == 0;
                        case 9, 11 -> s.dpl(EntryState.CS) == s.dpl(EntryState.SS);
                        default -> s.dpl(EntryState.CS) <= s.dpl(EntryState.SS);
                    }),
    SS_PRIVILEGE(
            Group.GUEST_STATE, "27.3.1.2",
            "DPL of SS must be its RPL unless the guest is unrestricted",
            s -> s.virtual8086() || s.unrestricted() || s.dpl(EntryState.SS) == s.rpl(EntryState.SS)),
    SS_PRIVILEGE_WITHOUT_PROTECTION(
            Group.GUEST_STATE, "27.3.1.2",
            "DPL of SS must be 0 in real-address mode and while CS is a data segment",
            s -> s.virtual8086() || s.cr0(Capabilities.CR0_PE) && s.type(EntryState.CS) != 3
                    || s.dpl(EntryState.SS) == 0),
    DATA_SEGMENT_PRIVILEGE(
            Group.GUEST_STATE, "27.3.1.2",
            "DPL of a data segment or of non-conforming code in DS, ES, FS or GS must not be below its RPL unless the guest is unrestricted",
            s -> s.unrestricted() || s.allUsableData(n -> s.type(n) > 11 || s.dpl(n) >= s.rpl(n))),
    SEGMENT_PRESENT(
            Group.GUEST_STATE, "27.3.1.2",
            "P must be 1",
            s -> s.allUsable(s::present)),
    SEGMENT_RESERVED(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 11:8 and 31:17 of access rights must be 0",
            s -> s.allUsable(s::reservedClear)),
    CS_DEFAULT_SIZE(
            Group.GUEST_STATE, "27.3.1.2",
            "D/B of CS must be 0 in 64-bit mode",
            s -> s.virtual8086() || !s.ia32e() || (s.rights(EntryState.CS) & 3 << 13) != 3 << 13),
    SEGMENT_GRANULARITY(
            Group.GUEST_STATE, "27.3.1.2",
            "G must fit the segment limit",
            s -> s.allUsable(s::granularityFits)),
    TR_TYPE(
            Group.GUEST_STATE, "27.3.1.2",
            "TR must be a busy TSS: 11, or 3 for a guest that is not in IA-32e mode",
            s -> s.type(EntryState.TR) == 11 || !s.ia32e() && s.type(EntryState.TR) == 3),
    TR_SYSTEM(
            Group.GUEST_STATE, "27.3.1.2",
            "S of TR must be 0",
            s -> s.system(EntryState.TR)),
    TR_PRESENT(
            Group.GUEST_STATE, "27.3.1.2",
            "P of TR must be 1",
            s -> s.present(EntryState.TR)),
    TR_RESERVED(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 11:8 and 31:17 of TR's access rights must be 0",
            s -> s.reservedClear(EntryState.TR)),
    TR_GRANULARITY(
            Group.GUEST_STATE, "27.3.1.2",
            "G of TR must fit its limit",
            s -> s.granularityFits(EntryState.TR)),
    TR_USABLE(
            Group.GUEST_STATE, "27.3.1.2",
            "TR must be usable",
            s -> s.usable(EntryState.TR)),
    LDTR_TYPE(
            Group.GUEST_STATE, "27.3.1.2",
            "LDTR must be of type 2",
            s -> !s.usable(EntryState.LDTR) || s.type(EntryState.LDTR) == 2),
    LDTR_SYSTEM(
            Group.GUEST_STATE, "27.3.1.2",
            "S of LDTR must be 0",
            s -> !s.usable(EntryState.LDTR) || s.system(EntryState.LDTR)),
    LDTR_PRESENT(
            Group.GUEST_STATE, "27.3.1.2",
            "P of LDTR must be 1",
            s -> !s.usable(EntryState.LDTR) || s.present(EntryState.LDTR)),
    LDTR_RESERVED(
            Group.GUEST_STATE, "27.3.1.2",
            "bits 11:8 and 31:17 of LDTR's access rights must be 0",
            s -> !s.usable(EntryState.LDTR) || s.reservedClear(EntryState.LDTR)),
    LDTR_GRANULARITY(
            Group.GUEST_STATE, "27.3.1.2",
            "G of LDTR must fit its limit",
            s -> !s.usable(EntryState.LDTR) || s.granularityFits(EntryState.LDTR)),
    GDTR_BASE(
            Group.GUEST_STATE, "27.3.1.3",
            "the GDTR base must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_GDTR_BASE)),
    IDTR_BASE(
            Group.GUEST_STATE, "27.3.1.3",
            "the IDTR base must be canonical",
            s -> s.isCanonical(VmcsField.GUEST_IDTR_BASE)),
    GDTR_LIMIT(
            Group.GUEST_STATE, "27.3.1.3",
            "bits 31:16 of the GDTR limit must be 0",
            s -> s.isZero(VmcsField.GUEST_GDTR_LIMIT, 0xffff_0000L)),
    IDTR_LIMIT(
            Group.GUEST_STATE, "27.3.1.3",
            "bits 31:16 of the IDTR limit must be 0",
            s -> s.isZero(VmcsField.GUEST_IDTR_LIMIT, 0xffff_0000L)),
    RIP_WIDTH(
            Group.GUEST_STATE, "27.3.1.4",
            "bits 63:32 of RIP must be 0 outside of 64-bit mode",
            s -> s.ia32e() && (s.rights(EntryState.CS) & 1 << 13) != 0 || s.read(VmcsField.GUEST_RIP) >>> 32 == 0),
    RIP_CANONICAL(
            Group.GUEST_STATE, "27.3.1.4",
            "RIP must be canonical in 64-bit mode",
            s -> !(s.ia32e() && (s.rights(EntryState.CS) & 1 << 13) != 0) || s.isCanonical(VmcsField.GUEST_RIP)),
    RFLAGS_RESERVED(
            Group.GUEST_STATE, "27.3.1.4",
            "bits 63:22, 15, 5 and 3 of RFLAGS must be 0, bit 1 must be 1",
            s -> (s.read(VmcsField.GUEST_RFLAGS) & (0xffff_ffff_ffc0_802aL)) == 2),
    RFLAGS_VM(
            Group.GUEST_STATE, "27.3.1.4",
            "RFLAGS.VM must be 0 in IA-32e mode and in real-address mode",
            s -> !s.virtual8086() || !s.ia32e() && s.cr0(Capabilities.CR0_PE)),
    RFLAGS_IF_CLEAR(
            Group.GUEST_STATE, "27.3.1.4",
            "RFLAGS.IF must be 1 when an external interrupt is injected",
            s -> !s.injects(InterruptionInformation.EXTERNAL_INTERRUPT)
                    || !s.isZero(VmcsField.GUEST_RFLAGS, RFLAGS_IF)),
    ACTIVITY_STATE(
            Group.GUEST_STATE, "27.3.1.5",
            "the activity state must be one that IA32_VMX_MISC lists",
            s -> s.read(VmcsField.GUEST_ACTIVITY_STATE) == 0
                    || s.capabilities().supportsActivity(s.read(VmcsField.GUEST_ACTIVITY_STATE))),
    ACTIVITY_HLT_PRIVILEGE(
            Group.GUEST_STATE, "27.3.1.5",
            "the activity state must not be HLT unless DPL of SS is 0",
            s -> s.read(VmcsField.GUEST_ACTIVITY_STATE) != HLT || s.dpl(EntryState.SS) == 0),
    ACTIVITY_WITH_BLOCKING(
            Group.GUEST_STATE, "27.3.1.5",
            "the activity state must be active while events are blocked by STI or by MOV SS",
            s -> s.read(VmcsField.GUEST_ACTIVITY_STATE) == 0
                    || !s.interruptibility(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)),
    ACTIVITY_WITH_INJECTION(
            Group.GUEST_STATE, "27.3.1.5",
            "the injected event must be one that the activity state does not block",
            s -> !s.injects()
                    || switch ((int) s.read(VmcsField.GUEST_ACTIVITY_STATE)) {
                        case 0 -> true;
                        case HLT -> s.injects(InterruptionInformation.EXTERNAL_INTERRUPT)
                                || s.injects(InterruptionInformation.NMI)
                                || s.injects(InterruptionInformation.OTHER_EVENT)
                                || s.injects(InterruptionInformation.HARDWARE_EXCEPTION)
                                        && (s.vector() == DEBUG_EXCEPTION || s.vector() == MACHINE_CHECK);
                        case SHUTDOWN -> s.injects(InterruptionInformation.NMI)
                                || s.injects(InterruptionInformation.HARDWARE_EXCEPTION)
                                        && s.vector() == MACHINE_CHECK;
                        default -> false;
                    }),
    INTERRUPTIBILITY_RESERVED(
            Group.GUEST_STATE, "27.3.1.5",
            "bits 31:4 of the interruptibility state must be 0",
            s -> s.isZero(VmcsField.GUEST_INTERRUPTIBILITY_STATE, 0xffff_fff0L)),
    INTERRUPTIBILITY_STI_AND_MOV_SS(
            Group.GUEST_STATE, "27.3.1.5",
            "blocking by STI and by MOV SS exclude each other",
            s -> !s.interruptibility(BLOCKING_BY_STI) || !s.interruptibility(BLOCKING_BY_MOV_SS)),
    INTERRUPTIBILITY_STI_WITHOUT_IF(
            Group.GUEST_STATE, "27.3.1.5",
            "blocking by STI needs RFLAGS.IF",
            s -> !s.interruptibility(BLOCKING_BY_STI) || !s.isZero(VmcsField.GUEST_RFLAGS, RFLAGS_IF)),
    INTERRUPTIBILITY_WITH_EXTERNAL_INTERRUPT(
            Group.GUEST_STATE, "27.3.1.5",
            "an external interrupt must not be injected while events are blocked by STI or by MOV SS",
            s -> !s.injects(InterruptionInformation.EXTERNAL_INTERRUPT)
                    || !s.interruptibility(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)),
    INTERRUPTIBILITY_WITH_NMI(
            Group.GUEST_STATE, "27.3.1.5",
            "an NMI must not be injected while events are blocked by MOV SS",
            s -> !s.injects(InterruptionInformation.NMI) || !s.interruptibility(BLOCKING_BY_MOV_SS)),
    INTERRUPTIBILITY_SMI(
            Group.GUEST_STATE, "27.3.1.5",
            "blocking by SMI must be 0 outside of SMM",
            s -> !s.interruptibility(BLOCKING_BY_SMI)),
    INTERRUPTIBILITY_WITH_VIRTUAL_NMI(
            Group.GUEST_STATE, "27.3.1.5",
            "an NMI must not be injected while virtual NMIs are blocked",
            s -> !s.vmcs().pin(Pin.VIRTUAL_NMIS) || !s.injects(InterruptionInformation.NMI)
                    || !s.interruptibility(BLOCKING_BY_NMI)),
    PENDING_DEBUG_RESERVED(
            Group.GUEST_STATE, "27.3.1.5",
            "bits 11:4, 13 and 63:15 of the pending debug exceptions must be 0",
            s -> s.isZero(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, ~0x500fL)),
    PENDING_DEBUG_SINGLE_STEP(
            Group.GUEST_STATE, "27.3.1.5",
            "while events are blocked or the guest is halted, BS must be pending exactly when TF is 1 and BTF is 0",
            s -> {
                boolean held = s.interruptibility(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS)
                        || s.read(VmcsField.GUEST_ACTIVITY_STATE) == HLT;
                boolean steps = !s.isZero(VmcsField.GUEST_RFLAGS, RFLAGS_TF)
                        && s.isZero(VmcsField.GUEST_DEBUGCTL, DEBUGCTL_BTF);
                return !held || !s.isZero(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, 1 << 14) == steps;
            }),
    VMCS_LINK_POINTER(
            Group.GUEST_STATE, 4, "27.3.1.5",
            "the VMCS link pointer must be FFFFFFFF_FFFFFFFFH, or a 4-KByte aligned address within the physical-address width",
            s -> s.read(VmcsField.VMCS_LINK_POINTER) == -1 || s.isAddress(VmcsField.VMCS_LINK_POINTER, 4096)),
    VMCS_LINK_REVISION(
            Group.GUEST_STATE, 4, "27.3.1.5",
            "the VMCS that the link pointer names must begin with the revision identifier, and with the shadow indicator of \"VMCS shadowing\"",
            s -> s.read(VmcsField.VMCS_LINK_POINTER) == -1
                    || (s.longAt(s.read(VmcsField.VMCS_LINK_POINTER))
                            & 0xffff_ffffL) == (s.capabilities().basic() & 0x7fff_ffffL
                                    | (s.vmcs().secondary(Secondary.VMCS_SHADOWING) ? 1L << 31 : 0))),
    GUEST_PDPTES(
            Group.GUEST_STATE, 2, "27.3.1.6",
            "reserved bits of present PDPTEs must be 0",
            s -> {
                if (!s.vmcs().secondary(Secondary.ENABLE_EPT) || !s.paePaging()) {
                    return true;
                }
                for (int n = 0; n < 4; n++) {
                    long entry = s.read(VmcsField.GUEST_PDPTE0.at(n));
                    if ((entry & 1) != 0 && ((entry & PDPTE_RESERVED) != 0 || !s.isPhysical(entry))) {
                        return false;
                    }
                }
                return true;
            });

    /** How a VM entry fails when a check does, SDM vol. 3C, 27.2 and 27.8. */
    enum Group {
        /** VMfailValid with error 7. */
        CONTROLS,
        /** VMfailValid with error 8. */
        HOST_STATE,
        /** A VM exit with reason 33. */
        GUEST_STATE
    }

    private static final EntryCheck[] CHECKS = values();

    private final Group group;
    private final int qualification;
    private final String section;
    private final String requirement;
    private final Predicate<EntryState> rule;

    EntryCheck(Group group, String section, String requirement, Predicate<EntryState> rule) {
        this(group, 0, section, requirement, rule);
    }

    EntryCheck(Group group, int qualification, String section, String requirement, Predicate<EntryState> rule) {
        this.group = group;
        this.qualification = qualification;
        this.section = section;
        this.requirement = requirement;
        this.rule = rule;
    }

    Group group() {
        return group;
    }

    /** The exit qualification of a VM entry that fails because of the guest state, SDM vol. 3C, 27.8. */
    int qualification() {
        return qualification;
    }

    /** What the check demands, and where the manual says so. */
    String requirement() {
        return requirement + " (SDM vol. 3C, " + section + ")";
    }

    /** Whether the outcome may be another one than at the last VM entry, by what was written since. */
    boolean isDue(Vmcs vmcs) {
        return switch (group) {
            case HOST_STATE -> vmcs.isWritten(Written.HOST_STATE) || vmcs.isWritten(Written.CONTROLS);
            case CONTROLS ->
                    vmcs.isWritten(Written.CONTROLS)
                            || vmcs.isWritten(Written.GUEST_MODE_CONTROLS)
                            || isOfEvent() && vmcs.isWritten(Written.EVENT);
            case GUEST_STATE ->
                    vmcs.isWritten(Written.GUEST_STATE)
                            || vmcs.isWritten(Written.GUEST_MODE_CONTROLS)
                            || isOfEvent() && vmcs.isWritten(Written.EVENT);
        };
    }

    /** Whether the check is about the event to be injected. */
    private boolean isOfEvent() {
        return switch (this) {
            case INJECTION_TYPE,
                    INJECTION_VECTOR,
                    INJECTION_ERROR_CODE_DELIVERY,
                    INJECTION_RESERVED,
                    INJECTION_ERROR_CODE,
                    INJECTION_INSTRUCTION_LENGTH,
                    RFLAGS_IF_CLEAR,
                    ACTIVITY_WITH_INJECTION,
                    INTERRUPTIBILITY_WITH_EXTERNAL_INTERRUPT,
                    INTERRUPTIBILITY_WITH_NMI,
                    INTERRUPTIBILITY_WITH_VIRTUAL_NMI -> true;
            default -> false;
        };
    }

    /** The first check that is due and does not hold; null when the VM entry may go on. */
    static @Nullable EntryCheck firstFailing(EntryState state) {
        for (EntryCheck check : CHECKS) {
            if (check.isDue(state.vmcs()) && !check.holds(state)) {
                return check;
            }
        }
        return null;
    }

    /** The first check of the guest state that does not hold; null when a VM entry would accept it. */
    static @Nullable EntryCheck firstFailingOfGuestState(EntryState state) {
        for (EntryCheck check : CHECKS) {
            if (check.group == Group.GUEST_STATE && !check.holds(state)) {
                return check;
            }
        }
        return null;
    }

    boolean holds(EntryState state) {
        return rule.test(state);
    }

    private static boolean hasErrorCode(int vector) {
        return switch (vector) {
            case 8, 10, 11, 12, 13, 14, 17 -> true;
            default -> false;
        };
    }
}
