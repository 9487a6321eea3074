package org.bundlevisor.cpu.core;

import java.util.Map;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Activity;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuStatistics;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;
import org.jspecify.annotations.Nullable;

/**
 * A vCPU as a hypervisor runs it, whatever the vendor: entry, guest code until an exit, the exit's handling, and again. The
 * vendor's control structure decides what causes exits and records them, which is what a subclass adds; the processor
 * holds the live guest state.
 */
public abstract class BackendCpu implements VirtualCpu {
    private static final int IA32_TIME_STAMP_COUNTER = 0x10;
    private static final int IA32_TSC_ADJUST = 0x3b;
    private static final int DEBUG_EXCEPTION = 1;
    private static final int PAGE_FAULT = 14;

    protected final Processor processor;
    protected final Registers registers;
    protected final ProcessorExit exit;

    private final int index;
    private final String name;
    private final CpuHost host;
    private final SecondLevelTables tables;
    private final ExitServices services;
    private final EventLines lines;
    private final Translation translation = new Translation();

    /** The processor has stopped while an exit was being handled: no entry before that stop is handled too. */
    private boolean stoppedAgain;

    private volatile String failure = "";
    private volatile @Nullable Thread runner;

    /** Entries so far, for those who wait for the vCPU to leave the guest. Written by the vCPU's thread alone. */
    private volatile long entries;

    protected BackendCpu(int index, PartitionConfiguration configuration, ProcessorGroup group)
            throws HostMemoryExhaustedException {
        this.index = index;
        this.name = configuration.name();
        this.host = configuration.host();
        this.tables = configuration.tables();
        this.processor = new Processor(index, configuration.model(), host, configuration.memory(), tables, group);
        this.exit = processor.exit();
        this.registers = processor.registers();
        this.services = new ExitServices(index, processor, host);
        this.lines = new EventLines(index, processor, host);
        if (index != 0) {
            registers.setActivity(Activity.WAITING_FOR_STARTUP);
        }
        lines.settle();
    }

    // ---- what the vendor's control structure adds

    /** Loads into the processor what software has written to the control structure's guest state. */
    protected abstract void loadGuestState();

    /**
     * Writes the event to be injected, and what to wait for, to the control structure.
     *
     * @param event or {@link Injection#NONE}
     * @param waiting bits of {@link EventLines}
     */
    protected abstract void prepare(Injection event, int waiting);

    /** The entry: checks what has changed, loads state, injects. False after {@link #fail}. */
    protected abstract boolean enter();

    /**
     * Records why the processor stopped, as an exit. Also gets to see what no hardware makes an exit of.
     *
     * @return false when it was none: the guest goes on
     */
    protected abstract boolean record();

    /** A start-up IPI arrived; hardware that has an exit for it records it. */
    protected abstract void recordStartUp(int vector);

    /** Makes the processor's intercepts what the control structure says, after they were changed for one instruction. */
    protected abstract void followIntercepts();

    /** The guest's state was replaced in the processor. */
    protected abstract void guestStateReplaced();

    /** CR0 or CR4 may have changed by other than the guest's own doing. */
    protected abstract void controlRegistersChanged();

    /** The processor's TSC offset was set. */
    protected abstract void timeStampOffsetChanged();

    /** Why the entry would refuse the guest state that the processor holds; null when it would not. */
    protected abstract @Nullable String refusal();

    /** How often there was an exit for each reason. */
    protected abstract Map<String, Long> exitCounts();

    /** Makes the vCPU fail. @param sentence without the name of the vCPU, and without a full stop */
    protected final RunResult fail(String sentence) {
        failure = name + ": vCPU " + index + ": " + sentence;
        return RunResult.FAILED;
    }

    // ---- the loop

    @Override
    public final RunResult run() {
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

    /** One entry and the exit that ends it. */
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
        loadGuestState();
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

    /** Decides on the event to be delivered; whether there is one. */
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
        prepare(event, waiting);
        return event != Injection.NONE;
    }

    /** Whether an idle vCPU has something to execute after all. */
    private boolean wakeUp(boolean event) {
        switch (registers.activity()) {
            case HALTED -> {
                if (event) {
                    // SDM vol. 3C, 27.7.2: a vectoring VM entry ends in the active state; AMD-V knows no other
                    registers.setActivity(Activity.RUNNING);
                }
                return event;
            }
            case WAITING_FOR_STARTUP -> {
                int vector = lines.takeStartUp();
                if (vector >= 0) {
                    recordStartUp(vector);
                    registers.startUp(vector);
                    registers.setActivity(Activity.RUNNING);
                    guestStateReplaced();
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

    /** INIT, SDM vol. 3A, 9.4: the bootstrap processor starts again, all others wait for a start-up IPI. */
    private void reset() {
        processor.inject(Injection.NONE);
        registers.init();
        registers.setActivity(index == 0 ? Activity.RUNNING : Activity.WAITING_FOR_STARTUP);
        controlRegistersChanged();
        guestStateReplaced();
    }

    // ---- exits

    /** Records the exit and does what a hypervisor does on it; null to enter again. */
    private @Nullable RunResult handle() {
        stoppedAgain = false;
        if (exit.kind == ProcessorExit.Kind.IDLE || !record()) {
            return null;
        }
        switch (exit.kind) {
            case INSTRUCTION -> handleInstruction(exit.intercept);
            case PORT_IO -> complete();
            case SECOND_LEVEL -> {
                return handleSecondLevel();
            }
            case CONTROL_REGISTER -> {
                services.accessControlRegister();
                controlRegistersChanged();
            }
            case MSR_READ -> services.readMsr();
            case MSR_WRITE -> {
                services.writeMsr();
                if (exit.value == IA32_TIME_STAMP_COUNTER || exit.value == IA32_TSC_ADJUST) {
                    timeStampOffsetChanged();
                }
            }
            case DEBUG_REGISTER -> {
                processor.intercepts().setDebugRegisters(0, 0);
                completeUnintercepted();
            }
            case EXCEPTION -> {
                return reflectException();
            }
            case TASK_SWITCH -> {
                if (exit.vectoring != Injection.NONE) {
                    processor.inject(exit.vectoring);
                }
                completeWithout(Intercept.TASK_SWITCH);
            }
            case TRIPLE_FAULT -> {
                registers.setActivity(Activity.SHUT_DOWN);
                return RunResult.SHUT_DOWN;
            }
            case LIMIT -> {
                return RunResult.LIMIT_REACHED;
            }
            // The lines remember what caused these, and are looked at before the next entry.
            case EXTERNAL_INTERRUPT, NMI, INTERRUPT_WINDOW, NMI_WINDOW, INIT, STARTUP, STOPPED, IDLE -> {}
        }
        return null;
    }

    private void handleInstruction(Intercept instruction) {
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
            case MONITOR, MWAIT, GETSEC, RSM, VMX_INSTRUCTION, SVM_INSTRUCTION -> services.undefinedOpcode();
            // whoever asks for these wants to know of them, not to change what they do
            default -> completeWithout(instruction);
        }
    }

    /** Has the guest take the exception that was intercepted before it was delivered. */
    private @Nullable RunResult reflectException() {
        if (exit.vectoring != Injection.NONE) {
            return fail("exception " + exit.vector + " was intercepted while vector " + exit.vectoring.vector()
                    + " was delivered; only exceptions of the guest's own instructions can be intercepted");
        }
        if (exit.softwareException) {
            Injection.Kind kind = exit.vector == DEBUG_EXCEPTION
                    ? Injection.Kind.PRIVILEGED_SOFTWARE_EXCEPTION
                    : Injection.Kind.SOFTWARE_EXCEPTION;
            processor.inject(new Injection(kind, exit.vector, false, 0, exit.instructionLength));
            return null;
        }
        if (exit.vector == PAGE_FAULT) {
            registers.setCr2(exit.exceptionAddress);
        } else if (exit.vector == DEBUG_EXCEPTION) {
            registers.setDebug(6, registers.debug(6) & ~15L | exit.exceptionAddress);
        }
        processor.inject(new Injection(
                Injection.Kind.HARDWARE_EXCEPTION, exit.vector, exit.hasErrorCode, exit.errorCode, 0));
        return null;
    }

    /** Refusals of second-level paging: memory-mapped registers, entries that another vCPU has put right, and errors. */
    private @Nullable RunResult handleSecondLevel() {
        boolean delivering = exit.vectoring != Injection.NONE;
        if (delivering && registers.injection() == Injection.NONE) {
            // SDM vol. 3C, 28.2.4; APM vol. 2, 15.20: delivery did not complete, so it is begun again by the next entry
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

    /**
     * Has the processor finish the instruction that it stopped at, as if it were not intercepted; {@link #followIntercepts}
     * comes after.
     */
    protected final void completeWithout(Intercept intercept) {
        processor.intercepts().set(intercept, false);
        completeUnintercepted();
    }

    private void completeUnintercepted() {
        processor.interceptsChanged();
        complete();
        followIntercepts();
    }

    /** Makes the vCPU forget second-level translations before it executes its next instruction. From any thread. */
    final void invalidateSecondLevel() {
        processor.invalidateSecondLevel();
        if (lines.isInGuest() && runner != Thread.currentThread()) {
            processor.requestStop();
        }
    }

    /** Waits until {@link #invalidateSecondLevel} has taken effect. From any thread. */
    final void awaitInvalidation() {
        if (runner == Thread.currentThread()) {
            return;
        }
        long before = entries;
        while (lines.isInGuest() && entries == before) {
            Thread.onSpinWait();
        }
    }

    // ---- the contract's small change

    @Override
    public final void kick() {
        lines.kick();
    }

    @Override
    public final String failure() {
        return failure;
    }

    @Override
    public final boolean wakes() {
        return lines.wakes();
    }

    @Override
    public final void setInterruptRequest(boolean asserted) {
        lines.setInterruptRequest(asserted);
    }

    @Override
    public final void nonMaskableInterrupt() {
        lines.nonMaskableInterrupt();
    }

    @Override
    public final void init() {
        lines.init();
    }

    @Override
    public final void startUp(int vector) {
        lines.startUp(vector);
    }

    @Override
    public final long instructions() {
        return processor.instructions();
    }

    @Override
    public void setInstructionLimit(long limit) {
        processor.setInstructionLimit(limit);
    }

    @Override
    public final CpuState state() {
        // a state has no place for a start-up IPI that nobody has looked at, so what waits for the next entry happens now
        if (lines.takeInit()) {
            reset();
            lines.settle();
        }
        loadGuestState();
        if (registers.activity() == Activity.WAITING_FOR_STARTUP) {
            wakeUp(false);
            lines.settle();
        }
        return lines.addTo(registers.save());
    }

    @Override
    public final void restore(CpuState state) {
        CpuState before = registers.save();
        try {
            registers.restore(state);
            guestStateReplaced();
            String refusal = refusal();
            if (refusal != null) {
                throw new IllegalArgumentException(refusal);
            }
        } catch (IllegalArgumentException e) {
            registers.restore(before);
            guestStateReplaced();
            throw new IllegalArgumentException(name + ": vCPU " + index + ": " + e.getMessage(), e);
        }
        lines.takeFrom(state);
        failure = "";
        stoppedAgain = false;
        controlRegistersChanged();
        timeStampOffsetChanged();
    }

    @Override
    public final CpuStatistics statistics() {
        return new CpuStatistics(
                processor.instructions(),
                exitCounts(),
                processor.tlbMisses(),
                processor.tracesDecoded(),
                processor.tracesInvalidated());
    }

    /** Gives up the processor; the vendor's control structure comes after. */
    @Override
    public void close() {
        processor.close();
    }
}
