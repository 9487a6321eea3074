package org.bundlevisor.cpu.vtx;

import static org.bundlevisor.cpu.vtx.Capabilities.CR0_NE;
import static org.bundlevisor.cpu.vtx.Capabilities.CR4_VMXE;

import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Shadow;
import org.bundlevisor.cpu.core.Registers;
import org.bundlevisor.cpu.vtx.Controls.Entry;

/**
 * Carries guest state between the processor and the guest-state area, SDM vol. 3C, 27.3.2 "Loading Guest State" and 28.3
 * "Saving Guest State". For one vCPU's thread.
 *
 * <p>The processor holds CR0 and CR4 as the guest sees them. The bits that VMX operation fixes to 1, NE and VMXE, belong to
 * the host and are in the guest-state area alone.
 */
final class GuestState implements Vmcs.GuestStateSource {
    private static final int IA32_SYSENTER_CS = 0x174;
    private static final int IA32_SYSENTER_ESP = 0x175;
    private static final int IA32_SYSENTER_EIP = 0x176;
    private static final int IA32_DEBUGCTL = 0x1d9;
    private static final int IA32_PAT = 0x277;

    private static final int RSP = 4;

    private final Registers registers;
    private final long[] msr = new long[1];

    GuestState(Registers registers) {
        this.registers = registers;
    }

    @Override
    public void saveGuestState(Vmcs vmcs) {
        vmcs.save(VmcsField.GUEST_CR0, registers.cr0() | CR0_NE);
        vmcs.save(VmcsField.GUEST_CR3, registers.cr3());
        vmcs.save(VmcsField.GUEST_CR4, registers.cr4() | CR4_VMXE);
        for (int segment = Registers.ES; segment <= Registers.TR; segment++) {
            vmcs.save(VmcsField.GUEST_ES_SELECTOR.at(segment), registers.selector(segment));
            vmcs.save(VmcsField.GUEST_ES_BASE.at(segment), registers.base(segment));
            vmcs.save(VmcsField.GUEST_ES_LIMIT.at(segment), registers.limit(segment));
            vmcs.save(VmcsField.GUEST_ES_ACCESS_RIGHTS.at(segment), registers.attributes(segment));
        }
        vmcs.save(VmcsField.GUEST_GDTR_BASE, registers.gdtrBase());
        vmcs.save(VmcsField.GUEST_GDTR_LIMIT, registers.gdtrLimit());
        vmcs.save(VmcsField.GUEST_IDTR_BASE, registers.idtrBase());
        vmcs.save(VmcsField.GUEST_IDTR_LIMIT, registers.idtrLimit());
        vmcs.save(VmcsField.GUEST_DR7, registers.debug(7));
        vmcs.save(VmcsField.GUEST_RSP, registers.general(RSP));
        vmcs.save(VmcsField.GUEST_RIP, registers.rip());
        vmcs.save(VmcsField.GUEST_RFLAGS, registers.rflags());
        vmcs.save(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS, pendingDebug(registers.pendingDebug()));
        vmcs.save(VmcsField.GUEST_EFER, registers.efer());
        vmcs.save(VmcsField.GUEST_SYSENTER_CS, readMsr(IA32_SYSENTER_CS));
        vmcs.save(VmcsField.GUEST_SYSENTER_ESP, readMsr(IA32_SYSENTER_ESP));
        vmcs.save(VmcsField.GUEST_SYSENTER_EIP, readMsr(IA32_SYSENTER_EIP));
        vmcs.save(VmcsField.GUEST_DEBUGCTL, readMsr(IA32_DEBUGCTL));
        vmcs.save(VmcsField.GUEST_PAT, readMsr(IA32_PAT));
        for (int n = 0; n < 4; n++) {
            vmcs.save(VmcsField.GUEST_PDPTE0.at(n), registers.pageDirectoryPointer(n));
        }
        vmcs.save(VmcsField.GUEST_INTERRUPTIBILITY_STATE, interruptibility());
        vmcs.save(VmcsField.GUEST_ACTIVITY_STATE, activity());
        long controls = vmcs.readAsIs(VmcsField.ENTRY_CONTROLS) & ~(long) Entry.IA_32E_MODE_GUEST;
        boolean longMode = (registers.efer() & EntryState.EFER_LMA) != 0;
        vmcs.save(VmcsField.ENTRY_CONTROLS, controls | (longMode ? Entry.IA_32E_MODE_GUEST : 0));
    }

    /** Loads what a VM entry loads; the checks have passed. */
    void load(Vmcs vmcs) {
        registers.setEfer(vmcs.read(VmcsField.GUEST_EFER));
        registers
                .setCr4(guestView(vmcs, VmcsField.GUEST_CR4, VmcsField.CR4_GUEST_HOST_MASK, VmcsField.CR4_READ_SHADOW));
        registers
                .setCr0(guestView(vmcs, VmcsField.GUEST_CR0, VmcsField.CR0_GUEST_HOST_MASK, VmcsField.CR0_READ_SHADOW));
        registers.setRflags(vmcs.read(VmcsField.GUEST_RFLAGS));
        for (int segment = Registers.ES; segment <= Registers.TR; segment++) {
            registers.setSegment(
                    segment,
                    (int) vmcs.read(VmcsField.GUEST_ES_SELECTOR.at(segment)),
                    vmcs.read(VmcsField.GUEST_ES_BASE.at(segment)),
                    (int) vmcs.read(VmcsField.GUEST_ES_LIMIT.at(segment)),
                    (int) vmcs.read(VmcsField.GUEST_ES_ACCESS_RIGHTS.at(segment)));
        }
        registers.setCr3(vmcs.read(VmcsField.GUEST_CR3));
        registers.setGdtr(vmcs.read(VmcsField.GUEST_GDTR_BASE), (int) vmcs.read(VmcsField.GUEST_GDTR_LIMIT));
        registers.setIdtr(vmcs.read(VmcsField.GUEST_IDTR_BASE), (int) vmcs.read(VmcsField.GUEST_IDTR_LIMIT));
        registers.setDebug(7, vmcs.read(VmcsField.GUEST_DR7));
        registers.setGeneral(RSP, vmcs.read(VmcsField.GUEST_RSP));
        registers.setRip(vmcs.read(VmcsField.GUEST_RIP));
        registers.writeMsr(IA32_SYSENTER_CS, vmcs.read(VmcsField.GUEST_SYSENTER_CS));
        registers.writeMsr(IA32_SYSENTER_ESP, vmcs.read(VmcsField.GUEST_SYSENTER_ESP));
        registers.writeMsr(IA32_SYSENTER_EIP, vmcs.read(VmcsField.GUEST_SYSENTER_EIP));
        registers.writeMsr(IA32_DEBUGCTL, vmcs.read(VmcsField.GUEST_DEBUGCTL));
        registers.writeMsr(IA32_PAT, vmcs.read(VmcsField.GUEST_PAT));
        long blocking = vmcs.read(VmcsField.GUEST_INTERRUPTIBILITY_STATE);
        registers.setShadow(
                (blocking & EntryState.BLOCKING_BY_STI) != 0
                        ? Shadow.STI
                        : (blocking & EntryState.BLOCKING_BY_MOV_SS) != 0 ? Shadow.MOV_SS : Shadow.NONE);
        registers.setNmiBlocked((blocking & EntryState.BLOCKING_BY_NMI) != 0);
        registers.setActivity(
                switch ((int) vmcs.read(VmcsField.GUEST_ACTIVITY_STATE)) {
                    case EntryState.ACTIVE -> Activity.RUNNING;
                    case EntryState.HLT -> Activity.HALTED;
                    case EntryState.SHUTDOWN -> Activity.SHUT_DOWN;
                    default -> Activity.WAITING_FOR_STARTUP;
                });
        registers.setPendingDebug(vmcs.read(VmcsField.GUEST_PENDING_DEBUG_EXCEPTIONS) & 0x400f);
    }

    /** A control register as the guest reads it: bits of the host's from the shadow. */
    private static long guestView(Vmcs vmcs, VmcsField register, VmcsField mask, VmcsField shadow) {
        long owned = vmcs.read(mask);
        return vmcs.read(register) & ~owned | vmcs.read(shadow) & owned;
    }

    private long interruptibility() {
        long blocking = switch (registers.shadow()) {
            case NONE -> 0;
            case STI -> EntryState.BLOCKING_BY_STI;
            case MOV_SS -> EntryState.BLOCKING_BY_MOV_SS;
        };
        return blocking | (registers.nmiBlocked() ? EntryState.BLOCKING_BY_NMI : 0);
    }

    private long activity() {
        return switch (registers.activity()) {
            case RUNNING -> EntryState.ACTIVE;
            case HALTED -> EntryState.HLT;
            case SHUT_DOWN -> EntryState.SHUTDOWN;
            case WAITING_FOR_STARTUP -> EntryState.WAIT_FOR_SIPI;
        };
    }

    /** DR6's bits in the layout of table 25-4: B3:0 and BS in their places, bit 12 for an enabled breakpoint. */
    private static long pendingDebug(long dr6) {
        return dr6 & 0x400f | ((dr6 & 15) != 0 ? 1 << 12 : 0);
    }

    private long readMsr(int index) {
        return registers.readMsr(index, msr) ? msr[0] : 0;
    }
}
