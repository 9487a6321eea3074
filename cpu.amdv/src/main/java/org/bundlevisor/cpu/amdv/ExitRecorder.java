package org.bundlevisor.cpu.amdv;

import static org.bundlevisor.cpu.amdv.VmcbField.EXITCODE;
import static org.bundlevisor.cpu.amdv.VmcbField.EXITINFO1;
import static org.bundlevisor.cpu.amdv.VmcbField.EXITINFO2;
import static org.bundlevisor.cpu.amdv.VmcbField.EXITINTINFO;

import java.util.Map;
import java.util.function.Supplier;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.amdv.Controls.Vector3;
import org.bundlevisor.cpu.amdv.Controls.Vector4;
import org.bundlevisor.cpu.core.ExitTally;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Processor;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.Registers;
import org.jspecify.annotations.Nullable;

/**
 * Turns a stop of the processor into a #VMEXIT: records it in the VMCB as APM vol. 2, 15.6 to 15.14 and appendix C say,
 * counts it, and shows it to whoever watches. For one vCPU's thread, but for the counts, which any thread may read.
 */
final class ExitRecorder {
    private static final int PAGE_FAULT = 14;
    private static final long RFLAGS_RF = 1 << 16;
    private static final long EFER_LMA = 1 << 10;
    private static final int ATTRIBUTE_L = 1 << 13;
    private static final int ATTRIBUTE_D = 1 << 14;

    private final int cpu;
    private final Processor processor;
    private final Registers registers;
    private final ProcessorExit exit;
    private final Vmcb vmcb;
    private final ExitTally<ExitCode> tally;
    private final Supplier<String> information = this::information;

    /** What was recorded last. */
    private ExitCode last = ExitCode.INVALID;

    ExitRecorder(int cpu, Processor processor, Vmcb vmcb, @Nullable ExitObserver observer) {
        this.cpu = cpu;
        this.processor = processor;
        this.registers = processor.registers();
        this.exit = processor.exit();
        this.vmcb = vmcb;
        this.tally = new ExitTally<>(cpu, processor, observer, ExitCode.values());
    }

    /** As {@link ExitTally#counts()}. */
    Map<String, Long> counts() {
        return tally.counts();
    }

    /** Whether the VMCB asks for an exit on what stopped the processor, which can tell fewer things apart. */
    boolean isIntercepted() {
        if (exit.kind != ProcessorExit.Kind.INSTRUCTION) {
            return true;
        }
        int bit = switch (exit.intercept) {
            case STORE_DESCRIPTOR_TABLE, LOAD_DESCRIPTOR_TABLE, STORE_LOCAL_OR_TASK, LOAD_LOCAL_OR_TASK ->
                    // in the order of the exit codes
                    1 << 6 + (int) (table().code() - ExitCode.IDTR_READ.code());
            case SVM_INSTRUCTION -> svmIntercept();
            default -> -1;
        };
        boolean inFourth = exit.intercept == Intercept.SVM_INSTRUCTION
                && bit != Vector3.INVLPGA;
        return bit == -1 || vmcb.has(inFourth ? VmcbField.INTERCEPT_4 : VmcbField.INTERCEPT_3, bit);
    }

    private int svmIntercept() {
        return switch (exit.mnemonic) {
            case "VMRUN" -> Vector4.VMRUN;
            case "VMMCALL" -> Vector4.VMMCALL;
            case "VMLOAD" -> Vector4.VMLOAD;
            case "VMSAVE" -> Vector4.VMSAVE;
            case "STGI" -> Vector4.STGI;
            case "CLGI" -> Vector4.CLGI;
            case "SKINIT" -> Vector4.SKINIT;
            default -> Vector3.INVLPGA;
        };
    }

    /** Records why the processor stopped, which is neither IDLE nor what only this implementation knows. */
    void record() {
        long information1 = 0;
        long information2 = 0;
        switch (exit.kind) {
            case PORT_IO -> {
                information1 = port();
                information2 = nextRip();
            }
            case MSR_WRITE -> information1 = 1;
            case CONTROL_REGISTER -> {
                boolean move = exit.registerAccess == ProcessorExit.MOV_TO_CR
                        || exit.registerAccess == ProcessorExit.MOV_FROM_CR;
                information1 = move ? ExitInformation.moveControlRegister(exit.generalRegister) : 0;
            }
            case DEBUG_REGISTER -> information1 = exit.generalRegister;
            case EXCEPTION -> {
                information1 = exit.hasErrorCode ? exit.errorCode & 0xffff_ffffL : 0;
                information2 = exit.vector == PAGE_FAULT ? exit.exceptionAddress : 0;
            }
            case SECOND_LEVEL -> {
                information1 = ExitInformation.nestedPageFault(exit.access, exit.refusal);
                information2 = exit.guestPhysicalAddress;
            }
            case TASK_SWITCH -> {
                information1 = exit.value & 0xffff;
                information2 = ExitInformation.taskSwitch(
                        exit.taskSwitchSource,
                        exit.vectoring.hasErrorCode(),
                        exit.vectoring.errorCode(),
                        (registers.rflags() & RFLAGS_RF) != 0);
            }
            case INSTRUCTION ->
                    information1 = switch (exit.intercept) {
                        case INVLPG, INVPCID -> exit.linearAddress;
                        case SOFTWARE_INTERRUPT -> exit.vector;
                        default -> 0;
                    };
            default -> {}
        }
        record(code(), information1, information2);
    }

    /** Records a #VMEXIT. */
    void record(ExitCode code, long information1, long information2) {
        vmcb.save(EXITCODE, code.code());
        vmcb.save(EXITINFO1, information1);
        vmcb.save(EXITINFO2, information2);
        // an event whose injection was not begun is one whose delivery did not complete
        Injection vectoring = exit.vectoring != Injection.NONE ? exit.vectoring : registers.injection();
        vmcb.save(EXITINTINFO, code == ExitCode.INVALID ? 0 : EventInformation.of(vectoring));
        boolean ofInstruction = code != ExitCode.INVALID && exit.instructionLength != 0;
        vmcb.save(VmcbField.N_RIP, ofInstruction ? nextRip() : 0);
        // APM vol. 2, 15.20: a #VMEXIT clears the valid bit
        vmcb.save(VmcbField.EVENTINJ, vmcb.readAsIs(VmcbField.EVENTINJ) & ~EventInformation.VALID);
        vmcb.guestStateLeft();
        last = code;
        tally.count(code, information);
        VmExitEvent event = new VmExitEvent();
        if (event.isEnabled()) {
            event.cpu = cpu;
            event.code = code.toString();
            event.information1 = information1;
            event.information2 = information2;
            event.rip = registers.rip();
            event.instructions = processor.instructions();
            event.commit();
        }
    }

    private ExitCode code() {
        return switch (exit.kind) {
            case INSTRUCTION -> ofInstruction();
            case PORT_IO -> ExitCode.IOIO;
            case MSR_READ, MSR_WRITE -> ExitCode.MSR;
            case CONTROL_REGISTER -> ofControlRegister();
            case DEBUG_REGISTER ->
                    (exit.registerAccess == 0 ? ExitCode.DR0_WRITE : ExitCode.DR0_READ).at(exit.registerNumber);
            case EXCEPTION -> ExitCode.EXCP0.at(exit.vector);
            case NMI -> ExitCode.NMI;
            case INIT -> ExitCode.INIT;
            case INTERRUPT_WINDOW -> ExitCode.VINTR;
            case SECOND_LEVEL -> ExitCode.NPF;
            case TASK_SWITCH -> ExitCode.TASK_SWITCH;
            case TRIPLE_FAULT -> ExitCode.SHUTDOWN;
            // A stop that the backend asked for is what an interrupt of the host does to a core that executes a guest.
            case EXTERNAL_INTERRUPT, NMI_WINDOW, STARTUP, STOPPED, LIMIT, IDLE -> ExitCode.INTR;
        };
    }

    private ExitCode ofControlRegister() {
        if (exit.registerAccess == ProcessorExit.MOV_FROM_CR) {
            return ExitCode.CR0_READ.at(exit.registerNumber);
        }
        // CLTS and LMSW write CR0
        int number = exit.registerAccess == ProcessorExit.MOV_TO_CR ? exit.registerNumber : 0;
        boolean every = vmcb.has(VmcbField.INTERCEPT_CR, 1 << number + Controls.WRITES_SHIFT);
        return every ? ExitCode.CR0_WRITE.at(number) : ExitCode.CR0_SEL_WRITE;
    }

    private ExitCode ofInstruction() {
        return switch (exit.intercept) {
            case CPUID -> ExitCode.CPUID;
            case HLT -> ExitCode.HLT;
            case INVD -> ExitCode.INVD;
            case WBINVD -> ExitCode.WBINVD;
            case INVLPG -> ExitCode.INVLPG;
            case INVPCID -> ExitCode.INVPCID;
            case RDPMC -> ExitCode.RDPMC;
            case RDTSC -> ExitCode.RDTSC;
            case RDTSCP -> ExitCode.RDTSCP;
            case PAUSE -> ExitCode.PAUSE;
            case MONITOR -> ExitCode.MONITOR;
            case MWAIT ->
                    vmcb.has(VmcbField.INTERCEPT_4, Vector4.MWAIT) ? ExitCode.MWAIT : ExitCode.MWAIT_CONDITIONAL;
            case XSETBV -> ExitCode.XSETBV;
            case RSM -> ExitCode.RSM;
            case IRET -> ExitCode.IRET;
            case PUSHF -> ExitCode.PUSHF;
            case POPF -> ExitCode.POPF;
            case SOFTWARE_INTERRUPT -> ExitCode.SWINT;
            case INT1 -> ExitCode.ICEBP;
            case TASK_SWITCH -> ExitCode.TASK_SWITCH;
            case STORE_DESCRIPTOR_TABLE, LOAD_DESCRIPTOR_TABLE, STORE_LOCAL_OR_TASK, LOAD_LOCAL_OR_TASK -> table();
            case SVM_INSTRUCTION -> ExitCode.valueOf(exit.mnemonic);
            case EXTERNAL_INTERRUPT, NMI, INTERRUPT_WINDOW, NMI_WINDOW, GETSEC, RDRAND, RDSEED, VMX_INSTRUCTION ->
                    throw new IllegalStateException("AMD-V has no #VMEXIT for " + exit.intercept);
        };
    }

    private ExitCode table() {
        return switch (exit.mnemonic) {
            case "SIDT" -> ExitCode.IDTR_READ;
            case "SGDT" -> ExitCode.GDTR_READ;
            case "SLDT" -> ExitCode.LDTR_READ;
            case "STR" -> ExitCode.TR_READ;
            case "LIDT" -> ExitCode.IDTR_WRITE;
            case "LGDT" -> ExitCode.GDTR_WRITE;
            case "LLDT" -> ExitCode.LDTR_WRITE;
            default -> ExitCode.TR_WRITE;
        };
    }

    private long port() {
        int segment = 0;
        int addressSize = is64Bit() ? 8 : (registers.attributes(Registers.CS) & ATTRIBUTE_D) != 0 ? 4 : 2;
        if (exit.portString) {
            // as the processor describes it: bits 9:7 the address size, bits 17:15 the segment
            addressSize = 2 << (exit.instructionInformation >>> 7 & 7);
            segment = exit.portInput ? Registers.ES : exit.instructionInformation >>> 15 & 7;
        }
        return ExitInformation.io(
                exit.port, exit.portSize, addressSize, segment, exit.portInput, exit.portString, exit.portRepeated);
    }

    private long nextRip() {
        long next = registers.rip() + exit.instructionLength;
        return is64Bit() ? next : next & 0xffff_ffffL;
    }

    private boolean is64Bit() {
        return (registers.efer() & EFER_LMA) != 0 && (registers.attributes(Registers.CS) & ATTRIBUTE_L) != 0;
    }

    /** What the VMCB says of the exit, for people. */
    private String information() {
        StringBuilder text = new StringBuilder("exitinfo1=0x")
                .append(Long.toHexString(vmcb.readAsIs(EXITINFO1)))
                .append(" exitinfo2=0x")
                .append(Long.toHexString(vmcb.readAsIs(EXITINFO2)));
        switch (last) {
            case IOIO ->
                    text.append(exit.portInput ? " in port=0x" : " out port=0x")
                            .append(Integer.toHexString(exit.port))
                            .append(" size=")
                            .append(exit.portSize);
            case MSR -> text.append(" msr=0x").append(Integer.toHexString(exit.value));
            case NPF -> text.append(" gla=0x").append(Long.toHexString(exit.linearAddress));
            default -> {}
        }
        long vectoring = vmcb.readAsIs(EXITINTINFO);
        if (vectoring != 0) {
            text.append(" exitintinfo=0x").append(Long.toHexString(vectoring));
        }
        return text.toString();
    }
}
