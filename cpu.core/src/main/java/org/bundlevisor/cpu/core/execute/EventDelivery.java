package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Injection.Kind;
import org.bundlevisor.cpu.core.ProcessorExit;

/**
 * Delivers exceptions and interrupts through the IDT, SDM vol. 3A, chapter 7 "Interrupt and Exception Handling". Nothing in
 * the registers changes before the frame is written, so that delivery can begin anew after an exit.
 */
final class EventDelivery {
    private static final long CLEARED_FLAGS = Bits.FLAG_TF | Bits.FLAG_NT | Bits.FLAG_RF | Bits.FLAG_VM;
    private static final int FIRST_STACK_POINTER = 4;
    private static final int FIRST_INTERRUPT_STACK = 0x24;

    /** What entering from virtual-8086 mode makes null, in the order of a frame from its low end. */
    private static final int[] DATA_SEGMENTS = {Cpu.ES, Cpu.DS, Cpu.FS, Cpu.GS};

    /** Error code bit: it names a gate of the IDT. */
    private static final int IN_IDT = 2;

    /** Error code bit: the event was external to the program. */
    private static final int EXTERNAL = 1;

    private final Cpu cpu;
    private final TargetStack stack;

    // the event that is being delivered; NONE between deliveries
    private Kind kind = Kind.NONE;
    private int vector;
    private boolean hasErrorCode;
    private int errorCode;
    private int instructionLength;

    EventDelivery(Cpu cpu) {
        this.cpu = cpu;
        this.stack = cpu.targetStack;
    }

    /** The event that is being delivered, for exits that interrupt delivery. */
    Injection vectoring() {
        return kind == Kind.NONE
                ? Injection.NONE
                : new Injection(kind, vector, hasErrorCode, errorCode, instructionLength);
    }

    /** Delivers an exception or software interrupt that an instruction raised; RIP is that of the instruction. */
    void deliverFault(GuestFault fault) {
        if (fault.kind != Kind.SOFTWARE_INTERRUPT) {
            intercept(fault);
        }
        begin(fault);
        deliver();
    }

    /** Delivers {@code cpu.injection}; no intercept applies to the event itself. */
    void deliverInjection() {
        Injection event = cpu.injection;
        cpu.inject(Injection.NONE);
        kind = event.kind();
        vector = event.vector();
        hasErrorCode = event.hasErrorCode();
        errorCode = event.errorCode();
        instructionLength = event.instructionLength();
        if (kind == Kind.NMI) {
            cpu.nmiBlocked = true;
        }
        deliver();
    }

    private void begin(GuestFault fault) {
        kind = fault.kind;
        vector = fault.vector;
        hasErrorCode = pushesErrorCode(fault);
        errorCode = fault.errorCode;
        instructionLength = kind == Kind.HARDWARE_EXCEPTION ? 0 : fault.instructionLength;
        if (kind == Kind.HARDWARE_EXCEPTION) {
            if (vector == Vectors.PAGE_FAULT) {
                cpu.cr2 = cpu.exit.exceptionAddress;
            } else if (vector == Vectors.DEBUG) {
                // SDM vol. 3B, 18.2.3: B0 to B3 are set anew, the others only added to
                cpu.dr[6] = cpu.dr[6] & ~15L | cpu.exit.exceptionAddress;
                cpu.dr[7] &= ~Bits.DR7_GD;
            }
        }
    }

    private boolean pushesErrorCode(GuestFault fault) {
        return fault.kind == Kind.HARDWARE_EXCEPTION
                && Vectors.pushesErrorCode(fault.vector)
                && !cpu.realMode();
    }

    /** Stops before an exception is delivered if that is asked for; CR2 and DR6 have not changed then. */
    private void intercept(GuestFault fault) {
        if (cpu.intercepts.exception(fault.vector, fault.errorCode)) {
            boolean software = fault.kind != Kind.HARDWARE_EXCEPTION;
            cpu.exit.vector = fault.vector;
            cpu.exit.hasErrorCode = pushesErrorCode(fault);
            cpu.exit.errorCode = fault.errorCode;
            cpu.exit.softwareException = software;
            throw stop(ProcessorExit.Kind.EXCEPTION, software ? fault.instructionLength : 0);
        }
    }

    private ExitSignal stop(ProcessorExit.Kind reason, int length) {
        ExitSignal signal = cpu.exit(reason, length);
        kind = Kind.NONE;
        return signal;
    }

    private void deliver() {
        cpu.halted = false;
        while (true) {
            try {
                deliverOnce();
                break;
            } catch (GuestFault nested) {
                escalate(nested);
            } catch (ExitSignal signal) {
                kind = Kind.NONE;
                throw signal;
            }
        }
        if (isSoftware()) {
            cpu.instructions++;
        }
        kind = Kind.NONE;
        cpu.shadow = 0;
        cpu.stepSuppressed = true;
    }

    /** An exception came up in delivery: it follows, becomes a double fault, or shuts the processor down. */
    private void escalate(GuestFault nested) {
        boolean selectorError = nested.vector >= Vectors.INVALID_TSS && nested.vector <= Vectors.GENERAL_PROTECTION;
        if (selectorError && isExternal()) {
            nested.errorCode |= EXTERNAL;
        }
        nested.instructionLength = 0;
        intercept(nested);
        boolean exception = kind == Kind.HARDWARE_EXCEPTION;
        boolean serious = isContributory(nested.vector) || nested.vector == Vectors.PAGE_FAULT;
        if (nested.vector == Vectors.PAGE_FAULT) {
            // also where a double fault follows: CR2 says what the second access was
            cpu.cr2 = cpu.exit.exceptionAddress;
        }
        if (exception && vector == Vectors.DOUBLE_FAULT && serious) {
            kind = Kind.NONE;
            throw stop(ProcessorExit.Kind.TRIPLE_FAULT, 0);
        }
        if (exception && isDoubleFault(vector, nested.vector)) {
            kind = Kind.NONE;
            nested.vector = Vectors.DOUBLE_FAULT;
            nested.errorCode = 0;
            intercept(nested);
        }
        begin(nested);
    }

    /** SDM vol. 3A, table 7-5 "Conditions for Generating a Double Fault". */
    private static boolean isDoubleFault(int first, int second) {
        return isContributory(second) && (isContributory(first) || first == Vectors.PAGE_FAULT)
                || second == Vectors.PAGE_FAULT && first == Vectors.PAGE_FAULT;
    }

    private static boolean isContributory(int vector) {
        return vector == Vectors.DIVIDE_ERROR
                || vector >= Vectors.INVALID_TSS && vector <= Vectors.GENERAL_PROTECTION;
    }

    /** INT n, INT3 and INTO: subject to the gate's DPL, and no external events. */
    private boolean isChecked() {
        return kind == Kind.SOFTWARE_INTERRUPT || kind == Kind.SOFTWARE_EXCEPTION;
    }

    private boolean isExternal() {
        return !isChecked();
    }

    private boolean isSoftware() {
        return isChecked() || kind == Kind.PRIVILEGED_SOFTWARE_EXCEPTION;
    }

    private void deliverOnce() {
        if (cpu.realMode()) {
            deliverReal();
        } else if (cpu.longMode()) {
            deliverLong();
        } else {
            deliverProtected();
        }
    }

    private long savedRip() {
        return cpu.rip + instructionLength & cpu.ripMask;
    }

    /** RFLAGS as they are saved: RF is set by faults, so that a breakpoint on the instruction does not hit again. */
    private long savedFlags() {
        long flags = cpu.rflags();
        boolean fault = kind == Kind.HARDWARE_EXCEPTION && vector != Vectors.DEBUG;
        return fault ? flags | Bits.FLAG_RF : flags;
    }

    /** SDM vol. 3B, 21.1.4 "Interrupt and Exception Handling" in real mode. */
    private void deliverReal() {
        if (vector * 4 + 3 > cpu.idtrLimit) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long target = cpu.readSystem(cpu.idtrBase + vector * 4L, 4);
        stack.useCurrent();
        stack.require(6);
        stack.push(cpu.rflags(), 2);
        stack.push(cpu.selector[Cpu.CS], 2);
        stack.push(savedRip(), 2);
        stack.commit();
        cpu.systemFlags &= ~(Bits.FLAG_IF | Bits.FLAG_TF | Bits.FLAG_RF | Bits.FLAG_AC);
        Segments.setReal(cpu, Cpu.CS, (int) (target >>> 16) & 0xFFFF);
        cpu.rip = target & 0xFFFF;
        cpu.modeChanged();
    }

    private GuestFault gateFault(int faultVector) {
        return cpu.raise(faultVector, vector << 3 | IN_IDT);
    }

    /** Reads and checks the gate: SDM vol. 3A, 7.12.1 "Exception- or Interrupt-Handler Procedures". */
    private long gate(int gateBytes) {
        if (vector * gateBytes + gateBytes - 1 > cpu.idtrLimit) {
            throw gateFault(Vectors.GENERAL_PROTECTION);
        }
        long gate = cpu.readSystem(cpu.idtrBase + (long) vector * gateBytes, 8);
        int type = Descriptors.type(gate);
        boolean known = type == Descriptors.INTERRUPT_GATE_32
                || type == Descriptors.TRAP_GATE_32
                || gateBytes == 8
                        && (type == Descriptors.INTERRUPT_GATE_16
                                || type == Descriptors.TRAP_GATE_16
                                || type == Descriptors.TASK_GATE);
        if (!Descriptors.isSystem(gate) || !known) {
            throw gateFault(Vectors.GENERAL_PROTECTION);
        }
        if (isChecked() && Descriptors.privilege(gate) < cpu.cpl) {
            throw gateFault(Vectors.GENERAL_PROTECTION);
        }
        if (!Descriptors.isPresent(gate)) {
            throw gateFault(Vectors.SEGMENT_NOT_PRESENT);
        }
        return gate;
    }

    /** The descriptor of the handler's code segment. */
    private long code(int selector) {
        if (Descriptors.isNull(selector)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        long descriptor = Descriptors.read(cpu, selector, Vectors.GENERAL_PROTECTION);
        if (!Descriptors.isCode(descriptor) || Descriptors.privilege(descriptor) > cpu.cpl) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        if (!Descriptors.isPresent(descriptor)) {
            throw Descriptors.fault(cpu, Vectors.SEGMENT_NOT_PRESENT, selector);
        }
        return descriptor;
    }

    private int handlerPrivilege(long code) {
        return Descriptors.isConforming(code) ? cpu.cpl : Descriptors.privilege(code);
    }

    private void deliverProtected() {
        long gate = gate(8);
        int selector = Descriptors.gateSelector(gate);
        if (Descriptors.type(gate) == Descriptors.TASK_GATE) {
            TaskSwitch.throughInterruptGate(
                    cpu, selector, instructionLength, savedRip(), savedFlags(), hasErrorCode, errorCode);
            return;
        }
        long code = code(selector);
        int privilege = handlerPrivilege(code);
        boolean fromVirtual8086 = cpu.virtual8086();
        if (fromVirtual8086 && privilege != 0) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        boolean inner = privilege < cpu.cpl;
        if (inner) {
            stack.useInner(privilege);
        } else {
            stack.useCurrent();
        }
        int size = (Descriptors.type(gate) & 8) != 0 ? 4 : 2;
        stack.require(size * (3 + (hasErrorCode ? 1 : 0) + (inner ? 2 : 0) + (fromVirtual8086 ? 4 : 0)));
        long target = Descriptors.gateOffset(gate);
        FarReturn.checkTarget(cpu, code, target);
        if (inner) {
            pushOuterStack(size, fromVirtual8086);
        }
        pushFrame(size);
        enter(gate, selector, code, privilege, target);
        if (fromVirtual8086) {
            for (int segment : DATA_SEGMENTS) {
                Segments.setNull(cpu, segment, 0);
            }
        }
        cpu.modeChanged();
    }

    private void pushOuterStack(int size, boolean fromVirtual8086) {
        if (fromVirtual8086) {
            for (int i = DATA_SEGMENTS.length - 1; i >= 0; i--) {
                stack.push(cpu.selector[DATA_SEGMENTS[i]], size);
            }
        }
        stack.push(cpu.selector[Cpu.SS], size);
        stack.push(cpu.gpr[Cpu.RSP], size);
    }

    private void pushFrame(int size) {
        stack.push(savedFlags(), size);
        stack.push(cpu.selector[Cpu.CS], size);
        stack.push(savedRip(), size);
        if (hasErrorCode) {
            stack.push(errorCode, size);
        }
    }

    /** Changes the registers. The caller calls {@link Cpu#modeChanged}. */
    private void enter(long gate, int selector, long code, int privilege, long target) {
        boolean masks = (Descriptors.type(gate) & 1) == 0;
        cpu.systemFlags &= ~(masks ? CLEARED_FLAGS | Bits.FLAG_IF : CLEARED_FLAGS);
        Segments.setCode(cpu, selector, code, privilege);
        stack.commit();
        cpu.rip = target;
    }

    /** SDM vol. 3A, 7.14 "Exception and Interrupt Handling in 64-bit Mode". */
    private void deliverLong() {
        long gate = gate(16);
        int selector = Descriptors.gateSelector(gate);
        long code = code(selector);
        if (!Descriptors.isLong(code) || Descriptors.isBig(code)) {
            throw Descriptors.fault(cpu, Vectors.GENERAL_PROTECTION, selector);
        }
        long target = Descriptors.gateOffset(gate)
                | cpu.readSystem(cpu.idtrBase + vector * 16L + 8, 4) << 32;
        if (target << 16 >> 16 != target) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        int privilege = handlerPrivilege(code);
        int interruptStack = (int) (gate >>> 32) & 7;
        boolean inner = privilege < cpu.cpl;
        long pointer = interruptStack != 0
                ? TargetStack.pointerOfTask(cpu, FIRST_INTERRUPT_STACK + 8 * (interruptStack - 1))
                : inner
                        ? TargetStack.pointerOfTask(cpu, FIRST_STACK_POINTER + 8 * privilege)
                        : cpu.gpr[Cpu.RSP];
        stack.useLong(pointer & ~15L, !inner);
        stack.push(cpu.selector[Cpu.SS], 8);
        stack.push(cpu.gpr[Cpu.RSP], 8);
        pushFrame(8);
        enter(gate, selector, code, privilege, target);
        cpu.modeChanged();
    }
}
