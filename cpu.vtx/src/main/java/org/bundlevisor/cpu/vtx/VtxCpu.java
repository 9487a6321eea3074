package org.bundlevisor.cpu.vtx;

import java.util.Map;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.core.BackendCpu;
import org.bundlevisor.cpu.core.EventLines;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Exit;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;
import org.bundlevisor.cpu.vtx.Vmcs.Written;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.jspecify.annotations.Nullable;

/** A vCPU as a hypervisor on VT-x runs it: the VMCS decides what causes VM exits, and records them. */
final class VtxCpu extends BackendCpu {
    private static final int IA32_FS_BASE = 0xc000_0100;
    private static final int IA32_GS_BASE = 0xc000_0101;
    private static final int IA32_SMM_MONITOR_CTL = 0x9b;

    private static final long CR0_WP = 1 << 16;
    private static final long CR0_TS = 1 << 3;

    /** What of CR0 and CR4 the guest may change by itself: TS and WP; PVI, TSD, DE, PGE, PCE, OSFXSR, OSXMMEXCPT, FSGSBASE. */
    private static final long CR0_GUEST_OWNED = CR0_TS | CR0_WP;

    private static final long CR4_GUEST_OWNED = 0x1078e;

    private static final long EPTP_WRITE_BACK = 6;
    private static final long EPTP_WALK_LENGTH = 3 << 3;
    private static final long EPTP_ACCESSED_DIRTY = 1 << 6;

    private final SecondLevelTables tables;
    private final GuestState guestState;
    private final Vmcs vmcs;
    private final EntryState entryState;
    private final Intercepting intercepting;
    private final ExitRecorder recorder;
    private long limit = Long.MAX_VALUE;

    VtxCpu(
            int index,
            PartitionConfiguration configuration,
            Capabilities capabilities,
            ControlBitmaps bitmaps,
            ProcessorGroup group)
            throws HostMemoryExhaustedException {
        super(index, configuration, group);
        this.tables = configuration.tables();
        this.guestState = new GuestState(registers);
        this.vmcs = new Vmcs(guestState, capabilities);
        this.entryState = new EntryState(vmcs, capabilities, configuration.memory().segment());
        this.intercepting = new Intercepting(processor, bitmaps);
        this.recorder = new ExitRecorder(index, processor, vmcs, configuration.observer());
        setUp(index + 1L, capabilities, bitmaps);
        vmcs.guestStateReplaced();
    }

    /** Sets the VMCS up as a hypervisor does that uses EPT, VPID and unrestricted guest. */
    private void setUp(long vpid, Capabilities capabilities, ControlBitmaps bitmaps) {
        vmcs.write(
                VmcsField.PIN_BASED_CONTROLS,
                Capabilities.adjust(
                        capabilities.pinBased(),
                        Pin.EXTERNAL_INTERRUPT_EXITING | Pin.NMI_EXITING | Pin.VIRTUAL_NMIS));
        vmcs.write(
                VmcsField.PRIMARY_CONTROLS,
                Capabilities.adjust(
                        capabilities.primary(),
                        Primary.USE_TSC_OFFSETTING
                                | Primary.HLT_EXITING
                                | Primary.MWAIT_EXITING
                                | Primary.MONITOR_EXITING
                                | Primary.RDPMC_EXITING
                                | Primary.CR8_LOAD_EXITING
                                | Primary.CR8_STORE_EXITING
                                | Primary.USE_IO_BITMAPS
                                | Primary.USE_MSR_BITMAPS
                                | Primary.ACTIVATE_SECONDARY_CONTROLS));
        vmcs.write(
                VmcsField.SECONDARY_CONTROLS,
                Capabilities.adjust(
                        capabilities.secondary(),
                        Secondary.ENABLE_EPT
                                | Secondary.ENABLE_VPID
                                | Secondary.UNRESTRICTED_GUEST
                                | Secondary.ENABLE_RDTSCP
                                | Secondary.ENABLE_INVPCID));
        vmcs.write(
                VmcsField.EXIT_CONTROLS,
                Capabilities.adjust(
                        capabilities.exit(),
                        Exit.HOST_ADDRESS_SPACE_SIZE
                                | Exit.SAVE_DEBUG_CONTROLS
                                | Exit.SAVE_PAT
                                | Exit.LOAD_PAT
                                | Exit.SAVE_EFER
                                | Exit.LOAD_EFER));
        vmcs.write(
                VmcsField.ENTRY_CONTROLS,
                Capabilities.adjust(
                        capabilities.entry(), Entry.LOAD_DEBUG_CONTROLS | Entry.LOAD_PAT | Entry.LOAD_EFER));
        vmcs.write(VmcsField.VPID, vpid);
        vmcs.write(VmcsField.EPT_POINTER, tables.root() | EPTP_WRITE_BACK | EPTP_WALK_LENGTH | EPTP_ACCESSED_DIRTY);
        vmcs.write(VmcsField.IO_BITMAP_A, bitmaps.ioA());
        vmcs.write(VmcsField.IO_BITMAP_B, bitmaps.ioB());
        vmcs.write(VmcsField.MSR_BITMAPS, bitmaps.msrs());
        vmcs.write(VmcsField.CR0_GUEST_HOST_MASK, ~CR0_GUEST_OWNED);
        vmcs.write(VmcsField.CR4_GUEST_HOST_MASK, ~CR4_GUEST_OWNED);

        // The host is this platform: its state is never loaded, but has to be one that VM entries accept.
        vmcs.write(VmcsField.HOST_CR0, capabilities.cr0Fixed0());
        vmcs.write(VmcsField.HOST_CR4, capabilities.cr4Fixed0() | EntryState.CR4_PAE);
        vmcs.write(VmcsField.HOST_EFER, EntryState.EFER_LME | EntryState.EFER_LMA);
        vmcs.write(VmcsField.HOST_CS_SELECTOR, 1 << 3);
        vmcs.write(VmcsField.HOST_TR_SELECTOR, 2 << 3);
        controlRegistersChanged();
    }

    @Override
    protected void loadGuestState() {
        if (vmcs.takeGuestStateWritten()) {
            guestState.load(vmcs);
        }
    }

    /** Puts the event to be delivered into the VM-entry fields. */
    @Override
    protected void prepare(Injection event, int waiting) {
        vmcs.set(
                VmcsField.PRIMARY_CONTROLS,
                Primary.INTERRUPT_WINDOW_EXITING,
                (waiting & EventLines.WAIT_FOR_INTERRUPT_WINDOW) != 0);
        vmcs.set(
                VmcsField.PRIMARY_CONTROLS,
                Primary.NMI_WINDOW_EXITING,
                (waiting & EventLines.WAIT_FOR_NMI_WINDOW) != 0);
        if (event != Injection.NONE) {
            vmcs.write(VmcsField.ENTRY_INTERRUPTION_INFORMATION, InterruptionInformation.of(event));
            vmcs.write(VmcsField.ENTRY_EXCEPTION_ERROR_CODE, event.errorCode());
            vmcs.write(VmcsField.ENTRY_INSTRUCTION_LENGTH, event.instructionLength());
        }
    }

    /** VM entry, SDM vol. 3C, chapter 27: checks what has changed, loads state, injects. False when it fails. */
    @Override
    protected boolean enter() {
        if (vmcs.isWritten()) {
            EntryCheck failing = EntryCheck.firstFailing(entryState);
            if (failing != null) {
                refuseEntry(failing);
                return false;
            }
            if (vmcs.isWritten(Written.CONTROLS) || vmcs.isWritten(Written.GUEST_MODE_CONTROLS)) {
                intercepting.follow(vmcs);
                registers.setTimeStampOffset(
                        vmcs.primary(Primary.USE_TSC_OFFSETTING) ? vmcs.read(VmcsField.TSC_OFFSET) : 0);
            }
            int badMsr = loadMsrs();
            if (badMsr != 0) {
                recorder.record(ExitReason.MSR_LOADING, badMsr);
                fail("VM entry loads no MSR from entry " + badMsr
                        + " of the VM-entry MSR-load area: SDM vol. 3C, 27.4 forbids it");
                return false;
            }
            vmcs.examined();
        }
        if (limit != Long.MAX_VALUE) {
            // The preemption timer counts instructions: in the mode that sets limits, so does all of the guest's time.
            vmcs.save(VmcsField.PREEMPTION_TIMER_VALUE, Math.clamp(limit - processor.instructions(), 0, 0xffff_ffffL));
        }
        long event = vmcs.readAsIs(VmcsField.ENTRY_INTERRUPTION_INFORMATION);
        processor.inject(
                InterruptionInformation.isValid(event)
                        ? InterruptionInformation.event(
                                event,
                                (int) vmcs.readAsIs(VmcsField.ENTRY_EXCEPTION_ERROR_CODE),
                                (int) vmcs.readAsIs(VmcsField.ENTRY_INSTRUCTION_LENGTH))
                        : Injection.NONE);
        return true;
    }

    private void refuseEntry(EntryCheck check) {
        switch (check.group()) {
            case CONTROLS -> vmcs.fail(VmInstructionError.INVALID_CONTROL_FIELDS);
            case HOST_STATE -> vmcs.fail(VmInstructionError.INVALID_HOST_STATE);
            case GUEST_STATE -> recorder.record(ExitReason.INVALID_GUEST_STATE, check.qualification());
        }
        fail("VM entry refused by check " + check.name() + ": " + check.requirement());
    }

    /** Loads the VM-entry MSR-load area, SDM vol. 3C, 27.4; the number of the entry that cannot be loaded, counted from 1. */
    private int loadMsrs() {
        int count = (int) vmcs.read(VmcsField.ENTRY_MSR_LOAD_COUNT);
        long area = vmcs.read(VmcsField.ENTRY_MSR_LOAD_ADDRESS);
        for (int n = 0; n < count; n++) {
            long head = entryState.longAt(area + n * 16L);
            int msr = (int) head;
            boolean forbidden = head >>> 32 != 0
                    || msr == IA32_FS_BASE
                    || msr == IA32_GS_BASE
                    || msr >>> 8 == 8
                    || msr == IA32_SMM_MONITOR_CTL;
            if (forbidden || !registers.writeMsr(msr, entryState.longAt(area + n * 16L + 8))) {
                return n + 1;
            }
        }
        return 0;
    }

    @Override
    protected boolean record() {
        recorder.record();
        return true;
    }

    /** As on hardware: the VM entry into the wait-for-SIPI state, and at once the VM exit. */
    @Override
    protected void recordStartUp(int vector) {
        recorder.record(ExitReason.STARTUP_IPI, ExitQualification.startUp(vector));
    }

    @Override
    protected void followIntercepts() {
        intercepting.follow(vmcs);
    }

    @Override
    protected void guestStateReplaced() {
        vmcs.guestStateReplaced();
    }

    /** Lets the guest read its own values of those bits of CR0 and CR4 that belong to the host. */
    @Override
    protected void controlRegistersChanged() {
        show(VmcsField.CR0_READ_SHADOW, registers.cr0());
        show(VmcsField.CR4_READ_SHADOW, registers.cr4());
    }

    private void show(VmcsField shadow, long value) {
        if (vmcs.read(shadow) != value) {
            vmcs.write(shadow, value);
        }
    }

    @Override
    protected void timeStampOffsetChanged() {
        vmcs.write(VmcsField.TSC_OFFSET, registers.timeStampOffset());
    }

    @Override
    protected @Nullable String refusal() {
        EntryCheck failing = EntryCheck.firstFailingOfGuestState(entryState);
        return failing == null
                ? null
                : "VT-x cannot enter the state, check " + failing.name() + ": " + failing.requirement();
    }

    @Override
    protected Map<String, Long> exitCounts() {
        return recorder.counts();
    }

    /** For tests: the control structure. */
    Vmcs vmcs() {
        return vmcs;
    }

    @Override
    public void setInstructionLimit(long limit) {
        this.limit = limit;
        super.setInstructionLimit(limit);
        vmcs.set(VmcsField.PIN_BASED_CONTROLS, Pin.ACTIVATE_PREEMPTION_TIMER, limit != Long.MAX_VALUE);
    }
}
