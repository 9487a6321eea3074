package org.bundlevisor.cpu.vtx;

import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_INSTRUCTION_INFORMATION;
import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_INSTRUCTION_LENGTH;
import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_INTERRUPTION_ERROR_CODE;
import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_INTERRUPTION_INFORMATION;
import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_QUALIFICATION;
import static org.bundlevisor.cpu.vtx.VmcsField.EXIT_REASON;
import static org.bundlevisor.cpu.vtx.VmcsField.GUEST_LINEAR_ADDRESS;
import static org.bundlevisor.cpu.vtx.VmcsField.GUEST_PHYSICAL_ADDRESS;
import static org.bundlevisor.cpu.vtx.VmcsField.IDT_VECTORING_ERROR_CODE;
import static org.bundlevisor.cpu.vtx.VmcsField.IDT_VECTORING_INFORMATION;

import java.util.Map;
import java.util.function.Supplier;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.core.ExitTally;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Processor;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.mmu.Translation;
import org.jspecify.annotations.Nullable;

/**
 * Turns a stop of the processor into a VM exit: records it in the VMCS as SDM vol. 3C, 28.2 "Recording VM-Exit Information"
 * says, counts it, and shows it to whoever watches. For one vCPU's thread, but for the counts, which any thread may read.
 */
final class ExitRecorder {
    private static final int DEBUG_EXCEPTION = 1;
    private static final int PAGE_FAULT = 14;
    private static final int NMI_VECTOR = 2;

    private final int cpu;
    private final Processor processor;
    private final ProcessorExit exit;
    private final Vmcs vmcs;
    private final ExitTally<ExitReason> tally;
    private final Supplier<String> information = this::information;

    /** What was recorded last. */
    private ExitReason last = ExitReason.CPUID;

    ExitRecorder(int cpu, Processor processor, Vmcs vmcs, @Nullable ExitObserver observer) {
        this.cpu = cpu;
        this.processor = processor;
        this.exit = processor.exit();
        this.vmcs = vmcs;
        this.tally = new ExitTally<>(cpu, processor, observer, ExitReason.values());
    }

    /** As {@link ExitTally#counts()}. */
    Map<String, Long> counts() {
        return tally.counts();
    }

    /** Records why the processor stopped, which is neither IDLE nor what only this implementation knows. */
    ExitReason record() {
        ExitReason reason = reason();
        vmcs.save(EXIT_INSTRUCTION_LENGTH, exit.instructionLength);
        vmcs.save(EXIT_INTERRUPTION_INFORMATION, interruption());
        vmcs.save(EXIT_INTERRUPTION_ERROR_CODE, exit.errorCode);
        Injection vectoring = exit.vectoring;
        vmcs.save(IDT_VECTORING_INFORMATION, InterruptionInformation.of(vectoring));
        if (vectoring != Injection.NONE) {
            vmcs.save(IDT_VECTORING_ERROR_CODE, vectoring.errorCode());
            vmcs.save(EXIT_INSTRUCTION_LENGTH, vectoring.instructionLength());
        }
        vmcs.save(EXIT_INSTRUCTION_INFORMATION, instructionInformation());
        switch (exit.kind) {
            case SECOND_LEVEL -> {
                vmcs.save(GUEST_PHYSICAL_ADDRESS, exit.guestPhysicalAddress);
                vmcs.save(GUEST_LINEAR_ADDRESS, exit.linearAddress);
            }
            case PORT_IO, CONTROL_REGISTER -> vmcs.save(GUEST_LINEAR_ADDRESS, exit.linearAddress);
            default -> {}
        }
        finish(reason, qualification());
        return reason;
    }

    /** Records a VM exit that no stop of the processor brought about. */
    void record(ExitReason reason, long qualification) {
        vmcs.save(EXIT_INSTRUCTION_LENGTH, 0);
        vmcs.save(EXIT_INTERRUPTION_INFORMATION, 0);
        vmcs.save(IDT_VECTORING_INFORMATION, 0);
        vmcs.save(EXIT_INSTRUCTION_INFORMATION, 0);
        finish(reason, qualification);
    }

    private void finish(ExitReason reason, long qualification) {
        boolean entryFailed = reason == ExitReason.INVALID_GUEST_STATE || reason == ExitReason.MSR_LOADING;
        vmcs.save(EXIT_REASON, reason.number() | (entryFailed ? ExitReason.ENTRY_FAILURE : 0));
        vmcs.save(EXIT_QUALIFICATION, qualification);
        // SDM vol. 3C, 25.8.3: the valid bit is cleared on every VM exit
        vmcs.save(
                VmcsField.ENTRY_INTERRUPTION_INFORMATION,
                vmcs.read(VmcsField.ENTRY_INTERRUPTION_INFORMATION) & ~InterruptionInformation.VALID);
        vmcs.guestStateLeft();
        last = reason;
        tally.count(reason, information);
        VmExitEvent event = new VmExitEvent();
        if (event.isEnabled()) {
            event.cpu = cpu;
            event.reason = reason.toString();
            event.qualification = qualification;
            event.guestPhysicalAddress = reason == ExitReason.EPT_VIOLATION || reason == ExitReason.EPT_MISCONFIGURATION
                    ? vmcs.read(GUEST_PHYSICAL_ADDRESS)
                    : 0;
            event.rip = processor.registers().rip();
            event.instructions = processor.instructions();
            event.commit();
        }
    }

    private ExitReason reason() {
        return switch (exit.kind) {
            case INSTRUCTION -> ofInstruction(exit.intercept);
            case PORT_IO -> ExitReason.IO_INSTRUCTION;
            case MSR_READ -> ExitReason.RDMSR;
            case MSR_WRITE -> ExitReason.WRMSR;
            case CONTROL_REGISTER -> ExitReason.CONTROL_REGISTER_ACCESS;
            case DEBUG_REGISTER -> ExitReason.MOV_DR;
            case EXCEPTION, NMI -> ExitReason.EXCEPTION_OR_NMI;
            // A stop that the backend asked for is what an inter-processor interrupt does to a core in non-root operation.
            case EXTERNAL_INTERRUPT, STOPPED, IDLE -> ExitReason.EXTERNAL_INTERRUPT;
            case INTERRUPT_WINDOW -> ExitReason.INTERRUPT_WINDOW;
            case NMI_WINDOW -> ExitReason.NMI_WINDOW;
            case SECOND_LEVEL ->
                    exit.refusal == Translation.Outcome.MISCONFIGURED
                            ? ExitReason.EPT_MISCONFIGURATION
                            : ExitReason.EPT_VIOLATION;
            case TASK_SWITCH -> ExitReason.TASK_SWITCH;
            case TRIPLE_FAULT -> ExitReason.TRIPLE_FAULT;
            case INIT -> ExitReason.INIT_SIGNAL;
            case STARTUP -> ExitReason.STARTUP_IPI;
            case LIMIT -> ExitReason.PREEMPTION_TIMER_EXPIRED;
        };
    }

    private ExitReason ofInstruction(Intercept intercept) {
        return switch (intercept) {
            case CPUID -> ExitReason.CPUID;
            case GETSEC -> ExitReason.GETSEC;
            case HLT -> ExitReason.HLT;
            case INVD -> ExitReason.INVD;
            case WBINVD -> ExitReason.WBINVD;
            case INVLPG -> ExitReason.INVLPG;
            case INVPCID -> ExitReason.INVPCID;
            case RDPMC -> ExitReason.RDPMC;
            case RDTSC -> ExitReason.RDTSC;
            case RDTSCP -> ExitReason.RDTSCP;
            case RDRAND -> ExitReason.RDRAND;
            case RDSEED -> ExitReason.RDSEED;
            case PAUSE -> ExitReason.PAUSE;
            case MONITOR -> ExitReason.MONITOR;
            case MWAIT -> ExitReason.MWAIT;
            case XSETBV -> ExitReason.XSETBV;
            case RSM -> ExitReason.RSM;
            case STORE_DESCRIPTOR_TABLE, LOAD_DESCRIPTOR_TABLE -> ExitReason.GDTR_OR_IDTR_ACCESS;
            case STORE_LOCAL_OR_TASK, LOAD_LOCAL_OR_TASK -> ExitReason.LDTR_OR_TR_ACCESS;
            case TASK_SWITCH -> ExitReason.TASK_SWITCH;
            case VMX_INSTRUCTION -> ExitReason.valueOf(exit.mnemonic);
            case EXTERNAL_INTERRUPT -> ExitReason.EXTERNAL_INTERRUPT;
            case NMI -> ExitReason.EXCEPTION_OR_NMI;
            case INTERRUPT_WINDOW -> ExitReason.INTERRUPT_WINDOW;
            case NMI_WINDOW -> ExitReason.NMI_WINDOW;
            case SVM_INSTRUCTION, IRET, PUSHF, POPF, SOFTWARE_INTERRUPT, INT1 ->
                    throw new IllegalStateException("VT-x has no VM exit for " + intercept);
        };
    }

    private long qualification() {
        return switch (exit.kind) {
            case PORT_IO ->
                    ExitQualification.io(
                            exit.port,
                            exit.portSize,
                            exit.portInput,
                            exit.portString,
                            exit.portRepeated,
                            exit.portImmediate);
            case CONTROL_REGISTER ->
                    switch (exit.registerAccess) {
                        case ProcessorExit.CLTS -> ExitQualification.clearTaskSwitched();
                        case ProcessorExit.LMSW ->
                                ExitQualification.loadMachineStatusWord(exit.value, exit.linearAddressValid);
                        default ->
                                ExitQualification.moveControlRegister(
                                        exit.registerNumber,
                                        exit.registerAccess == ProcessorExit.MOV_TO_CR,
                                        exit.generalRegister);
                    };
            case DEBUG_REGISTER ->
                    ExitQualification.moveDebugRegister(
                            exit.registerNumber, exit.registerAccess != 0, exit.generalRegister);
            case EXCEPTION ->
                    switch (exit.vector) {
                        case DEBUG_EXCEPTION -> ExitQualification.debugException(exit.exceptionAddress);
                        case PAGE_FAULT -> exit.exceptionAddress;
                        default -> 0;
                    };
            case SECOND_LEVEL ->
                    exit.refusal == Translation.Outcome.MISCONFIGURED
                            ? 0
                            : ExitQualification.eptViolation(exit.access, exit.rights, exit.linearAddressValid);
            case TASK_SWITCH -> ExitQualification.taskSwitch(exit.value, exit.taskSwitchSource);
            case STARTUP -> ExitQualification.startUp(exit.value);
            case INSTRUCTION ->
                    switch (exit.intercept) {
                        case INVLPG, MONITOR -> exit.linearAddress;
                        default -> exit.displacement;
                    };
            default -> 0;
        };
    }

    private long interruption() {
        return switch (exit.kind) {
            case NMI -> InterruptionInformation.of(InterruptionInformation.NMI, NMI_VECTOR, false);
            case EXCEPTION -> InterruptionInformation.of(exceptionType(), exit.vector, exit.hasErrorCode);
            default -> 0;
        };
    }

    /** INT1 is a privileged software exception, INT3 and INTO are software exceptions: SDM vol. 3C, table 25-20. */
    private int exceptionType() {
        if (!exit.softwareException) {
            return InterruptionInformation.HARDWARE_EXCEPTION;
        }
        return exit.vector == DEBUG_EXCEPTION
                ? InterruptionInformation.PRIVILEGED_SOFTWARE_EXCEPTION
                : InterruptionInformation.SOFTWARE_EXCEPTION;
    }

    private long instructionInformation() {
        return switch (exit.kind) {
            case INSTRUCTION, PORT_IO -> exit.instructionInformation;
            default -> 0;
        };
    }

    /** What the VMCS says of the exit, for people. */
    private String information() {
        StringBuilder text = new StringBuilder("qualification=0x")
                .append(Long.toHexString(vmcs.read(EXIT_QUALIFICATION)));
        switch (last) {
            case EPT_VIOLATION, EPT_MISCONFIGURATION ->
                    text.append(" gpa=0x")
                            .append(Long.toHexString(vmcs.read(GUEST_PHYSICAL_ADDRESS)))
                            .append(" gla=0x")
                            .append(Long.toHexString(vmcs.read(GUEST_LINEAR_ADDRESS)));
            case IO_INSTRUCTION ->
                    text.append(exit.portInput ? " in port=0x" : " out port=0x")
                            .append(Integer.toHexString(exit.port))
                            .append(" size=")
                            .append(exit.portSize);
            case RDMSR, WRMSR -> text.append(" msr=0x").append(Integer.toHexString(exit.value));
            case EXCEPTION_OR_NMI ->
                    text.append(" interruption=0x").append(Long.toHexString(vmcs.read(EXIT_INTERRUPTION_INFORMATION)));
            default -> {}
        }
        long vectoring = vmcs.read(IDT_VECTORING_INFORMATION);
        if (vectoring != 0) {
            text.append(" vectoring=0x").append(Long.toHexString(vectoring));
        }
        return text.toString();
    }
}
