package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.cpu.core.EventLines;
import org.bundlevisor.cpu.core.ExitServices;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Processor;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.cpu.core.Registers;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Exit;
import org.bundlevisor.cpu.vtx.Controls.Pin;
import org.bundlevisor.cpu.vtx.Controls.Primary;
import org.bundlevisor.cpu.vtx.Controls.Secondary;
import org.bundlevisor.cpu.vtx.Vmcs.Written;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;
import org.jspecify.annotations.Nullable;

/**
 * A vCPU as a hypervisor on VT-x runs it: VM entry, guest code until a VM exit, the exit's handling, and again. The VMCS
 * decides what causes VM exits; the processor holds the live guest state.
 */
final class VtxCpu implements VirtualCpu {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    private static final int IA32_TSC_ADJUST = 0x3b;
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

    private final int index;
    private final String name;
    private final CpuHost host;
    private final SecondLevelTables tables;
    private final Processor processor;
    private final ProcessorExit exit;
    private final Registers registers;
    private final ExitServices services;
    private final EventLines lines;
    private final GuestState guestState;
    private final Vmcs vmcs;
    private final EntryState entryState;
    private final Intercepting intercepting;
    private final ExitRecorder recorder;
    private final Translation translation = new Translation();

    /** The processor has stopped while an exit was being handled: no VM entry before that stop is handled too. */
    private boolean stoppedAgain;

    private long limit = Long.MAX_VALUE;
    private volatile String failure = "";
    private volatile @Nullable Thread runner;

    /** VM entries so far, for those who wait for the vCPU to leave the guest. Written by the vCPU's thread alone. */
    private volatile long entries;

    VtxCpu(
            int index,
            PartitionConfiguration configuration,
            Capabilities capabilities,
            ControlBitmaps bitmaps,
            ProcessorGroup group)
            throws HostMemoryExhaustedException {
        this.index = index;
        this.name = configuration.name();
        this.host = configuration.host();
        this.tables = configuration.tables();
        this.processor = new Processor(index, configuration.model(), host, configuration.memory(),
                configuration.tables(), group);
        this.exit = processor.exit();
        this.registers = processor.registers();
        this.services = new ExitServices(index, processor, host);
        this.lines = new EventLines(index, processor, host);
        this.guestState = new GuestState(registers);
        this.vmcs = new Vmcs(guestState, capabilities);
        this.entryState = new EntryState(vmcs, capabilities, configuration.memory().segment());
        this.intercepting = new Intercepting(processor, bitmaps);
        this.recorder = new ExitRecorder(index, processor, vmcs, configuration.observer());
        if (index != 0) {
            registers.setActivity(Activity.WAITING_FOR_STARTUP);
        }
        setUp(capabilities, bitmaps);
        vmcs.guestStateReplaced();
        lines.settle();
    }

    /** Sets the VMCS up as a hypervisor does that uses EPT, VPID and unrestricted guest. */
    private void setUp(Capabilities capabilities, ControlBitmaps bitmaps) {
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
        vmcs.write(VmcsField.VPID, index + 1L);
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
        showControlRegisters();
    }

    @Override
    public RunResult run() {
        runner = Thread.currentThread();
        try {
            while (true) {
                RunResult result = stoppedAgain ? handle() : enterAndHandle();
                if (result != null) {
                    return result;
                }
            }
        } finally {
            lines.leaveGuest();
            lines.settle();
            runner = null;
        }
    }

    /** One VM entry and the exit that ends it. */
    private @Nullable RunResult enterAndHandle() {
        if (!failure.isEmpty()) {
            return RunResult.FAILED;
        }
        lines.enterGuest();
        if (lines.takeKick()) {
            return RunResult.KICKED;
        }
        if (lines.takeInit()) {
            reset();
        }
        if (vmcs.takeGuestStateWritten()) {
            guestState.load(vmcs);
        }
        boolean event = chooseEvent();
        if (registers.activity() != Activity.RUNNING && !wakeUp(event)) {
            return resultWhileIdle();
        }
        if (!enter()) {
            return RunResult.FAILED;
        }
        entries++;
        processor.run();
        lines.leaveGuest();
        return handle();
    }

    /** Puts the event to be delivered into the VM-entry fields; whether there is one. */
    private boolean chooseEvent() {
        Activity activity = registers.activity();
        if (activity == Activity.WAITING_FOR_STARTUP || activity == Activity.SHUT_DOWN) {
            // SDM vol. 3C, 27.7.2: these block all events that could be injected
            return false;
        }
        Injection event = registers.injection();
        int waiting = lines.next();
        if (event == Injection.NONE) {
            event = lines.chosen();
        }
        vmcs.set(
                VmcsField.PRIMARY_CONTROLS,
                Primary.INTERRUPT_WINDOW_EXITING,
                (waiting & EventLines.WAIT_FOR_INTERRUPT_WINDOW) != 0);
        vmcs.set(
                VmcsField.PRIMARY_CONTROLS,
                Primary.NMI_WINDOW_EXITING,
                (waiting & EventLines.WAIT_FOR_NMI_WINDOW) != 0);
        if (event == Injection.NONE) {
            return false;
        }
        vmcs.write(VmcsField.ENTRY_INTERRUPTION_INFORMATION, InterruptionInformation.of(event));
        vmcs.write(VmcsField.ENTRY_EXCEPTION_ERROR_CODE, event.errorCode());
        vmcs.write(VmcsField.ENTRY_INSTRUCTION_LENGTH, event.instructionLength());
        return true;
    }

    /** Whether an idle vCPU has something to execute after all. */
    private boolean wakeUp(boolean event) {
        switch (registers.activity()) {
            case HALTED -> {
                if (event) {
                    // SDM vol. 3C, 27.7.2: a vectoring VM entry ends in the active state
                    registers.setActivity(Activity.RUNNING);
                }
                return event;
            }
            case WAITING_FOR_STARTUP -> {
                int vector = lines.takeStartUp();
                if (vector >= 0) {
                    // as on hardware: the VM entry into the wait-for-SIPI state, and at once the VM exit
                    recorder.record(ExitReason.STARTUP_IPI, ExitQualification.startUp(vector));
                    registers.startUp(vector);
                    registers.setActivity(Activity.RUNNING);
                    vmcs.guestStateReplaced();
                }
                return vector >= 0;
            }
            default -> {
                return false;
            }
        }
    }

    private RunResult resultWhileIdle() {
        return switch (registers.activity()) {
            case WAITING_FOR_STARTUP -> RunResult.WAITING_FOR_STARTUP;
            case SHUT_DOWN -> RunResult.SHUT_DOWN;
            default -> RunResult.HALTED;
        };
    }

    /** VM entry, SDM vol. 3C, chapter 27: checks what has changed, loads state, injects. False when it fails. */
    private boolean enter() {
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

    /** Records the VM exit and does what a hypervisor does on it; null to enter again. */
    private @Nullable RunResult handle() {
        stoppedAgain = false;
        if (exit.kind == ProcessorExit.Kind.IDLE) {
            return null;
        }
        recorder.record();
        switch (exit.kind) {
            case INSTRUCTION -> {
                return handleInstruction(exit.intercept);
            }
            case PORT_IO -> complete();
            case SECOND_LEVEL -> {
                return handleSecondLevel();
            }
            case CONTROL_REGISTER -> {
                services.accessControlRegister();
                showControlRegisters();
            }
            case MSR_READ -> services.readMsr();
            case MSR_WRITE -> {
                services.writeMsr();
                if (exit.value == IA32_TIME_STAMP_COUNTER || exit.value == IA32_TSC_ADJUST) {
                    vmcs.write(VmcsField.TSC_OFFSET, registers.timeStampOffset());
                }
            }
            case TASK_SWITCH -> switchTask();
            case TRIPLE_FAULT -> {
                registers.setActivity(Activity.SHUT_DOWN);
                return RunResult.SHUT_DOWN;
            }
            case LIMIT -> {
                return RunResult.LIMIT_REACHED;
            }
            // The lines remember what caused these, and are looked at before the next VM entry.
            case EXTERNAL_INTERRUPT, NMI, INTERRUPT_WINDOW, NMI_WINDOW, INIT, STARTUP, STOPPED -> {}
            case DEBUG_REGISTER, EXCEPTION, IDLE -> {
                return fail("the VMCS asks for no VM exit on " + exit.kind);
            }
        }
        return null;
    }

    private @Nullable RunResult handleInstruction(Intercept instruction) {
        switch (instruction) {
            case CPUID -> services.cpuid();
            case HLT -> {
                services.stepOver();
                // a single-step trap that is due ends the halt at once
                if (registers.pendingDebug() == 0) {
                    registers.setActivity(Activity.HALTED);
                }
            }
            case XSETBV -> services.setExtendedControlRegister();
            case INVD, WBINVD -> services.stepOver();
            case RDPMC -> services.generalProtection();
            case MONITOR, MWAIT, GETSEC, VMX_INSTRUCTION -> services.undefinedOpcode();
            default -> {
                return fail("the VMCS asks for no VM exit on " + instruction);
            }
        }
        return null;
    }

    /** EPT violations and misconfigurations: memory-mapped registers, entries that another vCPU has put right, and errors. */
    private @Nullable RunResult handleSecondLevel() {
        boolean delivering = exit.vectoring != Injection.NONE;
        if (delivering && registers.injection() == Injection.NONE) {
            // SDM vol. 3C, 28.2.4: delivery did not complete, so it is begun again by the next VM entry
            processor.inject(exit.vectoring);
        }
        boolean dataAccess = (exit.access & (SecondLevelTables.TABLE_WALK | SecondLevelTables.EXECUTE)) == 0;
        if (dataAccess && !delivering && host.isMemoryMappedIo(exit.guestPhysicalAddress)) {
            complete();
            return null;
        }
        tables.translate(exit.guestPhysicalAddress, exit.access, translation);
        if (translation.isPage()) {
            processor.invalidateSecondLevel();
            return null;
        }
        return fail(describeRefusal());
    }

    private String describeRefusal() {
        String access = (exit.access & SecondLevelTables.TABLE_WALK) != 0
                ? "walked page tables"
                : (exit.access & SecondLevelTables.EXECUTE) != 0
                        ? "executed"
                        : (exit.access & SecondLevelTables.WRITE) != 0 ? "wrote" : "read";
        return "the guest %s at guest-physical 0x%x (linear 0x%x, RIP 0x%x)%s, where there is no memory for it: %s"
                .formatted(
                        access,
                        exit.guestPhysicalAddress,
                        exit.linearAddress,
                        registers.rip(),
                        exit.vectoring == Injection.NONE
                                ? ""
                                : " while vector " + exit.vectoring.vector() + " was delivered",
                        exit.refusal);
    }

    /** Has the processor finish the instruction that exited, with the virtual machine's buses within its reach. */
    private void complete() {
        stoppedAgain = !processor.complete();
    }

    /** Task switches exit unconditionally, SDM vol. 3C, 26.4.2; the processor knows how they are done. */
    private void switchTask() {
        processor.intercepts().set(Intercept.TASK_SWITCH, false);
        processor.interceptsChanged();
        if (exit.vectoring != Injection.NONE) {
            processor.inject(exit.vectoring);
        }
        complete();
        processor.intercepts().set(Intercept.TASK_SWITCH, true);
        processor.interceptsChanged();
    }

    /** INIT, SDM vol. 3A, 9.4: the bootstrap processor starts again, all others wait for a start-up IPI. */
    private void reset() {
        processor.inject(Injection.NONE);
        registers.init();
        registers.setActivity(index == 0 ? Activity.RUNNING : Activity.WAITING_FOR_STARTUP);
        showControlRegisters();
        vmcs.guestStateReplaced();
    }

    /** Lets the guest read its own values of those bits of CR0 and CR4 that belong to the host. */
    private void showControlRegisters() {
        show(VmcsField.CR0_READ_SHADOW, registers.cr0());
        show(VmcsField.CR4_READ_SHADOW, registers.cr4());
    }

    private void show(VmcsField shadow, long value) {
        if (vmcs.read(shadow) != value) {
            vmcs.write(shadow, value);
        }
    }

    private RunResult fail(String sentence) {
        failure = name + ": vCPU " + index + ": " + sentence;
        return RunResult.FAILED;
    }

    /** Makes the vCPU forget second-level translations before it executes its next instruction. From any thread. */
    void invalidateSecondLevel() {
        processor.invalidateSecondLevel();
        if (lines.isInGuest() && runner != Thread.currentThread()) {
            processor.requestStop();
        }
    }

    /** Waits until {@link #invalidateSecondLevel} has taken effect. From any thread. */
    void awaitInvalidation() {
        if (runner == Thread.currentThread()) {
            return;
        }
        long before = entries;
        while (lines.isInGuest() && entries == before) {
            Thread.onSpinWait();
        }
    }

    /** For tests: the control structure. */
    Vmcs vmcs() {
        return vmcs;
    }

    @Override
    public void kick() {
        lines.kick();
    }

    @Override
    public String failure() {
        return failure;
    }

    @Override
    public boolean wakes() {
        return lines.wakes();
    }

    @Override
    public void setInterruptRequest(boolean asserted) {
        lines.setInterruptRequest(asserted);
    }

    @Override
    public void nonMaskableInterrupt() {
        lines.nonMaskableInterrupt();
    }

    @Override
    public void init() {
        lines.init();
    }

    @Override
    public void startUp(int vector) {
        lines.startUp(vector);
    }

    @Override
    public long instructions() {
        return processor.instructions();
    }

    @Override
    public void setInstructionLimit(long limit) {
        this.limit = limit;
        processor.setInstructionLimit(limit);
        vmcs.set(VmcsField.PIN_BASED_CONTROLS, Pin.ACTIVATE_PREEMPTION_TIMER, limit != Long.MAX_VALUE);
    }

    @Override
    public CpuState state() {
        if (registers.activity() == Activity.WAITING_FOR_STARTUP) {
            wakeUp(false);
        }
        return lines.addTo(registers.save());
    }

    @Override
    public void restore(CpuState state) {
        CpuState before = registers.save();
        try {
            registers.restore(state);
            vmcs.guestStateReplaced();
            EntryCheck failing = EntryCheck.firstFailingOfGuestState(entryState);
            if (failing != null) {
                throw new IllegalArgumentException(
                        "VT-x cannot enter the state, check " + failing.name() + ": " + failing.requirement());
            }
        } catch (IllegalArgumentException e) {
            registers.restore(before);
            vmcs.guestStateReplaced();
            throw new IllegalArgumentException(name + ": vCPU " + index + ": " + e.getMessage(), e);
        }
        lines.takeFrom(state);
        failure = "";
        showControlRegisters();
        vmcs.write(VmcsField.TSC_OFFSET, registers.timeStampOffset());
    }

    @Override
    public CpuStatistics statistics() {
        return new CpuStatistics(
                processor.instructions(),
                recorder.counts(),
                processor.tlbMisses(),
                processor.tracesDecoded(),
                processor.tracesInvalidated());
    }

    @Override
    public void close() {
        processor.close();
    }
}
