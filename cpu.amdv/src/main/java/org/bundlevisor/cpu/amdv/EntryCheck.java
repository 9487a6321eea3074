package org.bundlevisor.cpu.amdv;

import static org.bundlevisor.cpu.amdv.EntryState.ATTRIBUTE_D;
import static org.bundlevisor.cpu.amdv.EntryState.ATTRIBUTE_L;
import static org.bundlevisor.cpu.amdv.EntryState.CR0_CD;
import static org.bundlevisor.cpu.amdv.EntryState.CR0_NW;
import static org.bundlevisor.cpu.amdv.EntryState.CR0_PE;
import static org.bundlevisor.cpu.amdv.EntryState.CR4_PAE;
import static org.bundlevisor.cpu.amdv.EntryState.EFER_LMA;
import static org.bundlevisor.cpu.amdv.EntryState.EFER_LME;
import static org.bundlevisor.cpu.amdv.EntryState.EFER_SVME;

import java.util.function.Predicate;
import org.bundlevisor.cpu.amdv.Controls.Interrupt;
import org.bundlevisor.cpu.amdv.Controls.Vector3;
import org.bundlevisor.cpu.amdv.Controls.Vector4;
import org.bundlevisor.cpu.amdv.Vmcb.Written;
import org.jspecify.annotations.Nullable;

/**
 * The consistency checks of VMRUN, APM vol. 2, each with its section, in the order of 15.5.1; each that fails is a #VMEXIT
 * with code VMEXIT_INVALID. Checks of features that this processor has not (CET, AVIC, SEV) do not exist.
 */
enum EntryCheck {
    EFER_SVME_CLEAR(
            Written.GUEST_STATE, "15.5.1", "EFER.SVME must be 1", s -> s.isSet(VmcbField.EFER, EFER_SVME)),
    CR0_NW_WITHOUT_CD(
            Written.GUEST_STATE, "15.5.1", "CR0.NW needs CR0.CD",
            s -> s.isZero(VmcbField.CR0, CR0_NW) || s.isSet(VmcbField.CR0, CR0_CD)),
    CR0_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits 63:32 of CR0 must be 0", s -> s.isZero(VmcbField.CR0, -1L << 32)),
    CR3_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits of CR3 beyond the physical-address width must be 0",
            s -> s.isZero(VmcbField.CR3, -1L << s.physicalAddressBits())),
    CR4_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits 63:22, 19 and 15:12 of CR4 must be 0",
            s -> s.isZero(VmcbField.CR4, ~0x37_0fffL)),
    DR6_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits 63:32 of DR6 must be 0", s -> s.isZero(VmcbField.DR6, -1L << 32)),
    DR7_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits 63:32 of DR7 must be 0", s -> s.isZero(VmcbField.DR7, -1L << 32)),
    EFER_RESERVED(
            Written.GUEST_STATE, "15.5.1", "bits of EFER other than SCE, LME, LMA, NXE and SVME must be 0",
            s -> s.isZero(VmcbField.EFER, ~0x1d01L)),
    EFER_LONG_MODE_UNSUPPORTED(
            Written.GUEST_STATE, "15.5.1", "EFER.LMA and EFER.LME must be 0 on a processor without long mode",
            s -> s.longMode() || s.isZero(VmcbField.EFER, EFER_LMA | EFER_LME)),
    LONG_MODE_WITHOUT_PAE(
            Written.GUEST_STATE, "15.5.1", "EFER.LME and CR0.PG need CR4.PAE",
            s -> !s.longModeEnabledAndPaging() || s.isSet(VmcbField.CR4, CR4_PAE)),
    LONG_MODE_WITHOUT_PROTECTION(
            Written.GUEST_STATE, "15.5.1", "EFER.LME and CR0.PG need CR0.PE",
            s -> !s.longModeEnabledAndPaging() || s.isSet(VmcbField.CR0, CR0_PE)),
    LONG_MODE_WITH_L_AND_D(
            Written.GUEST_STATE, "15.5.1", "with EFER.LME, CR0.PG and CR4.PAE, CS.L and CS.D exclude each other",
            s -> !s.longModeEnabledAndPaging() || !s.isSet(VmcbField.CR4, CR4_PAE)
                    || !s.isSet(VmcbField.CS_ATTRIBUTES, ATTRIBUTE_L | ATTRIBUTE_D)),
    VMRUN_NOT_INTERCEPTED(
            Written.CONTROLS, "15.5.1", "VMRUN must be intercepted",
            s -> s.isSet(VmcbField.INTERCEPT_4, Vector4.VMRUN)),
    IOPM_TOO_HIGH(
            Written.CONTROLS, "15.5.1", "the I/O permission map must end within the physical-address width",
            s -> s.isZero(VmcbField.INTERCEPT_3, Vector3.IOIO_PROT)
                    || s.isMap(VmcbField.IOPM_BASE, PermissionMaps.IOPM_SIZE)),
    MSRPM_TOO_HIGH(
            Written.CONTROLS, "15.5.1", "the MSR permission map must end within the physical-address width",
            s -> s.isZero(VmcbField.INTERCEPT_3, Vector3.MSR_PROT)
                    || s.isMap(VmcbField.MSRPM_BASE, PermissionMaps.MSRPM_SIZE)),
    INJECTION_TYPE(
            Written.EVENT, "15.20", "the type of an event to be injected must be 0, 2, 3 or 4",
            s -> !s.injects() || s.injectionType() != 1 && s.injectionType() <= EventInformation.SOFTWARE_INTERRUPT),
    INJECTION_VECTOR(
            Written.EVENT, "15.20",
            "the vector of an exception to be injected must be one, which 2 and those above 31 are not",
            s -> !s.injects() || s.injectionType() != EventInformation.EXCEPTION
                    || s.injectionVector() < 32 && s.injectionVector() != 2),
    ASID_ZERO(
            Written.CONTROLS, "15.5.1", "the ASID must not be 0, which is the host's",
            s -> s.read(VmcbField.ASID) != 0),
    VIRTUAL_NMI_WITHOUT_INTERCEPT(
            Written.CONTROLS, "15.21.10", "V_NMI_ENABLE needs the intercept of NMIs",
            s -> s.isZero(VmcbField.INTERRUPT_CONTROL, Interrupt.V_NMI_ENABLE)
                    || s.isSet(VmcbField.INTERCEPT_3, Vector3.NMI)),
    N_CR3_RESERVED(
            Written.CONTROLS, "15.25.3", "nCR3 must be the address of a page within the physical-address width",
            s -> s.isZero(VmcbField.NESTED_CONTROL, Controls.NP_ENABLE)
                    || s.isZero(VmcbField.N_CR3, -1L << s.physicalAddressBits() | 0xfff)),
    G_PAT_TYPE(
            Written.GUEST_STATE, "15.25.3", "each byte of G_PAT must be a memory type",
            s -> s.isZero(VmcbField.NESTED_CONTROL, Controls.NP_ENABLE) || EntryState.isPat(s.read(VmcbField.G_PAT))),
    TSC_RATIO_RESERVED(
            Written.CONTROLS, "15.30.5", "bits 63:40 of the TSC ratio must be 0, and the ratio must not be 0",
            s -> s.timeStampRatio() >>> 40 == 0 && s.timeStampRatio() != 0);

    private static final EntryCheck[] CHECKS = values();

    private final Written group;
    private final String section;
    private final String requirement;
    private final Predicate<EntryState> rule;

    EntryCheck(Written group, String section, String requirement, Predicate<EntryState> rule) {
        this.group = group;
        this.section = section;
        this.requirement = requirement;
        this.rule = rule;
    }

    /** What the check demands, and where the manual says so. */
    String requirement() {
        return requirement + " (APM vol. 2, " + section + ")";
    }

    boolean holds(EntryState state) {
        return rule.test(state);
    }

    /** The first check that does not hold of those on fields that were written; null when VMRUN may go on. */
    static @Nullable EntryCheck firstFailing(EntryState state) {
        for (EntryCheck check : CHECKS) {
            if (state.vmcb().isWritten(check.group) && !check.holds(state)) {
                return check;
            }
        }
        return null;
    }

    /** The first check of the guest state that does not hold; null when VMRUN would accept it. */
    static @Nullable EntryCheck firstFailingOfGuestState(EntryState state) {
        for (EntryCheck check : CHECKS) {
            if (check.group == Written.GUEST_STATE && !check.holds(state)) {
                return check;
            }
        }
        return null;
    }
}
