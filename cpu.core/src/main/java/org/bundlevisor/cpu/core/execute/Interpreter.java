package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.cpu.core.decode.Instruction;

/**
 * The loop that runs traces through their handlers: the portable engine, and the oracle for any faster one. Between traces
 * it looks up for what is pending; within a trace nothing but a fault or an exit stops it.
 */
public final class Interpreter {
    private final Cpu cpu;
    private final EventDelivery events;

    /** Set when the loop is to return: {@code cpu.exit} says why. */
    private boolean stopped;

    public Interpreter(Cpu cpu) {
        this.cpu = cpu;
        this.events = cpu.events;
    }

    /** Executes until something in the vCPU's exit record says why not to go on. */
    public void run() {
        stopped = false;
        while (!stopped) {
            int most = Integer.MAX_VALUE;
            if ((cpu.signals.flags() | cpu.pending) != 0) {
                most = lookUp();
                if (most == 0) {
                    continue;
                }
            }
            long left = cpu.instructionLimit - cpu.instructions;
            if (left <= 0) {
                stop(Kind.LIMIT);
            } else {
                execute((int) Math.min(most, left));
            }
        }
    }

    /**
     * Executes the one instruction at RIP with devices within reach: how a backend completes an exit. Returns true when it was
     * done or its fault delivered, false when another exit stopped it.
     */
    public boolean complete() {
        stopped = false;
        cpu.completing = true;
        try {
            if (cpu.injection != Injection.NONE) {
                inject();
            } else {
                stepOne();
            }
        } finally {
            cpu.completing = false;
        }
        return !stopped;
    }

    private void stop(Kind kind) {
        cpu.exit(kind, 0);
        stopped = true;
    }

    /** Executes one trace, or as much of it as the limit allows; delivers the fault that it ends with. */
    private void execute(int most) {
        Trace trace;
        try {
            trace = cpu.traces.next();
            if (cpu.codeSize != 8 && cpu.segmentLimit[Cpu.CS] != -1) {
                most = Math.min(most, withinCodeSegment(trace));
            }
        } catch (GuestFault fault) {
            deliver(fault);
            return;
        } catch (ExitSignal signal) {
            stopped = true;
            return;
        }
        runTrace(trace, most);
    }

    /** How many instructions of the trace lie within the limit of CS; raises #GP if not even the first one does. */
    private int withinCodeSegment(Trace trace) {
        long room = (cpu.segmentLimit[Cpu.CS] & 0xFFFF_FFFFL) + 1 - cpu.rip;
        if (room >= trace.length) {
            return Integer.MAX_VALUE;
        }
        int fit = 0;
        for (Instruction in : trace.instructions) {
            if (in.offset + in.length > room) {
                break;
            }
            fit++;
        }
        if (fit == 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        return fit;
    }

    /**
     * Executes a trace. The common forms stand in the loop itself, so that each is compiled into it and found by one jump:
     * a call of a handler costs three times as much, because no processor predicts it.
     */
    private void runTrace(Trace trace, int most) {
        Cpu cpu = this.cpu;
        Instruction[] instructions = trace.instructions;
        Handler[] handlers = trace.handlers;
        byte[] forms = trace.forms;
        long[] gpr = cpu.gpr;
        long base = cpu.rip;
        cpu.gpr[Instruction.RIP] = base;
        cpu.rip = base + trace.length & cpu.ripMask;
        cpu.traceLimit = Math.min(most, instructions.length);
        int i = 0;
        try {
            do {
                Instruction in = instructions[i];
                switch (forms[i]) {
                    case CommonForms.MOVE_64 -> gpr[in.rm] = gpr[in.reg];
                    case CommonForms.MOVE_32 -> gpr[in.rm] = gpr[in.reg] & 0xFFFF_FFFFL;
                    case CommonForms.LOAD_64 -> gpr[in.reg] = cpu.read64(cpu.address64(in));
                    case CommonForms.LOAD_32 -> gpr[in.reg] = cpu.read32(cpu.address64(in)) & 0xFFFF_FFFFL;
                    case CommonForms.STORE_64 -> cpu.write64(cpu.address64(in), gpr[in.reg]);
                    case CommonForms.STORE_32 -> cpu.write32(cpu.address64(in), (int) gpr[in.reg]);
                    case CommonForms.ADDRESS_64 ->
                            gpr[in.reg] = gpr[in.base] + (gpr[in.index] << in.scale) + in.displacement;
                    case CommonForms.MOVE_IMMEDIATE_32 -> gpr[in.rm] = in.immediate & 0xFFFF_FFFFL;
                    case CommonForms.LOAD_BYTE -> gpr[in.reg] = cpu.read8(cpu.address64(in));
                    case CommonForms.ADD_64 ->
                            gpr[in.rm] = Alu.add(cpu, gpr[in.rm], gpr[in.reg], gpr[in.rm] + gpr[in.reg]);
                    case CommonForms.ADD_32 -> gpr[in.rm] = CommonForms.add32(cpu, (int) gpr[in.rm], (int) gpr[in.reg]);
                    case CommonForms.SUBTRACT_64 ->
                            gpr[in.rm] = Alu.subtract(cpu, gpr[in.rm], gpr[in.reg], gpr[in.rm] - gpr[in.reg]);
                    case CommonForms.SUBTRACT_32 ->
                            gpr[in.rm] = CommonForms.subtract32(cpu, (int) gpr[in.rm], (int) gpr[in.reg]);
                    case CommonForms.AND_64 -> gpr[in.rm] = Alu.logic(cpu, gpr[in.rm] & gpr[in.reg]);
                    case CommonForms.AND_32 ->
                            gpr[in.rm] = Alu.logic(cpu, (int) (gpr[in.rm] & gpr[in.reg])) & 0xFFFF_FFFFL;
                    case CommonForms.OR_64 -> gpr[in.rm] = Alu.logic(cpu, gpr[in.rm] | gpr[in.reg]);
                    case CommonForms.OR_32 ->
                            gpr[in.rm] = Alu.logic(cpu, (int) (gpr[in.rm] | gpr[in.reg])) & 0xFFFF_FFFFL;
                    case CommonForms.XOR_64 -> gpr[in.rm] = Alu.logic(cpu, gpr[in.rm] ^ gpr[in.reg]);
                    case CommonForms.XOR_32 ->
                            gpr[in.rm] = Alu.logic(cpu, (int) (gpr[in.rm] ^ gpr[in.reg])) & 0xFFFF_FFFFL;
                    case CommonForms.COMPARE_64 -> Alu.subtract(cpu, gpr[in.rm], gpr[in.reg], gpr[in.rm] - gpr[in.reg]);
                    case CommonForms.COMPARE_32 -> CommonForms.subtract32(cpu, (int) gpr[in.rm], (int) gpr[in.reg]);
                    case CommonForms.TEST_64 -> Alu.logic(cpu, gpr[in.rm] & gpr[in.reg]);
                    case CommonForms.TEST_32 -> Alu.logic(cpu, (int) (gpr[in.rm] & gpr[in.reg]));
                    case CommonForms.ADD_IMMEDIATE_64 ->
                            gpr[in.rm] = Alu.add(cpu, gpr[in.rm], in.immediate, gpr[in.rm] + in.immediate);
                    case CommonForms.ADD_IMMEDIATE_32 ->
                            gpr[in.rm] = CommonForms.add32(cpu, (int) gpr[in.rm], (int) in.immediate);
                    case CommonForms.SUBTRACT_IMMEDIATE_64 ->
                            gpr[in.rm] = Alu.subtract(cpu, gpr[in.rm], in.immediate, gpr[in.rm] - in.immediate);
                    case CommonForms.COMPARE_IMMEDIATE_64 ->
                            Alu.subtract(cpu, gpr[in.rm], in.immediate, gpr[in.rm] - in.immediate);
                    case CommonForms.COMPARE_IMMEDIATE_32 ->
                            CommonForms.subtract32(cpu, (int) gpr[in.rm], (int) in.immediate);
                    case CommonForms.AND_IMMEDIATE_32 ->
                            gpr[in.rm] = Alu.logic(cpu, (int) (gpr[in.rm] & in.immediate)) & 0xFFFF_FFFFL;
                    case CommonForms.JUMP_IF_EQUAL -> {
                        if (cpu.flagZero == 0) {
                            BranchHandlers.jump(cpu, in);
                        }
                    }
                    case CommonForms.JUMP_IF_NOT_EQUAL -> {
                        if (cpu.flagZero != 0) {
                            BranchHandlers.jump(cpu, in);
                        }
                    }
                    case CommonForms.JUMP_IF_BELOW -> {
                        if (cpu.flagCarry < 0) {
                            BranchHandlers.jump(cpu, in);
                        }
                    }
                    case CommonForms.JUMP_IF_NOT_BELOW -> {
                        if (cpu.flagCarry >= 0) {
                            BranchHandlers.jump(cpu, in);
                        }
                    }
                    case CommonForms.SHIFT_LEFT_64 ->
                            gpr[in.rm] = ShiftHandlers.shiftLeft(cpu, gpr[in.rm], (int) in.immediate & 63, 8);
                    case CommonForms.SHIFT_RIGHT_64 ->
                            gpr[in.rm] = ShiftHandlers.shiftRight(cpu, gpr[in.rm], (int) in.immediate & 63, 8);
                    case CommonForms.MULTIPLY_64 ->
                            gpr[in.reg] = MultiplyHandlers.multiplySigned64(cpu, gpr[in.rm], gpr[in.reg]);
                    case CommonForms.SIGN_EXTEND_64 -> gpr[in.reg] = (int) gpr[in.rm];
                    case CommonForms.JUMP -> BranchHandlers.jump(cpu, in);
                    case CommonForms.PUSH -> Stack.push64(cpu, gpr[in.rm]);
                    case CommonForms.POP -> StackHandlers.pop64(cpu, in);
                    case CommonForms.CALL -> BranchHandlers.callRelative64(cpu, in);
                    case CommonForms.RETURN -> BranchHandlers.return64(cpu, in);
                    default -> handlers[i].execute(cpu, in);
                }
                i++;
            } while (i < cpu.traceLimit);
            if (i < instructions.length) {
                cpu.rip = base + instructions[i].offset & cpu.ripMask;
            }
            cpu.executedInTrace = 0;
            cpu.instructions += i;
        } catch (GuestFault fault) {
            cpu.executedInTrace = 0;
            cpu.instructions += i;
            if (!fault.ripIsFinal) {
                cpu.rip = base + instructions[i].offset & cpu.ripMask;
            }
            if (fault.nonCanonical && Segments.isStackReference(cpu, instructions[i], fault.linear)) {
                fault.vector = Vectors.STACK_FAULT;
            }
            fault.instructionLength = instructions[i].length;
            deliver(fault);
        } catch (ExitSignal signal) {
            cpu.executedInTrace = 0;
            cpu.instructions += i;
            cpu.rip = base + instructions[i].offset & cpu.ripMask;
            stopped = true;
        }
    }

    private void deliver(GuestFault fault) {
        try {
            events.deliverFault(fault);
        } catch (ExitSignal signal) {
            stopped = true;
        }
    }

    /**
     * Acts on what is pending at an instruction boundary, in the order of SDM vol. 3A, table 7-2 "Priority Among Concurrent
     * Events".
     *
     * @return how many instructions may execute before the next look, 0 for none now
     */
    private int lookUp() {
        takeSignals();
        if (stopped) {
            return 0;
        }
        if (cpu.injection != Injection.NONE) {
            inject();
            return 0;
        }
        if (cpu.pendingDebug != 0 && cpu.shadow != 2) {
            deliver(cpu.trapDebug());
            return 0;
        }
        if ((cpu.pending & Cpu.PENDING_IDLE) != 0) {
            if (cpu.waitingForStartup || cpu.halted || cpu.shutDown) {
                stop(Kind.IDLE);
                return 0;
            }
            cpu.pending &= ~Cpu.PENDING_IDLE;
        }
        boolean shadowed = cpu.shadow != 0;
        if (!shadowed && windowOpens()) {
            return 0;
        }
        if (shadowed || (cpu.pending & (Cpu.PENDING_SINGLE_STEP | Cpu.PENDING_BREAKPOINTS)) != 0) {
            stepOne();
            return 0;
        }
        cpu.pending &= ~(Cpu.PENDING_SHADOW | Cpu.PENDING_DEBUG);
        return Integer.MAX_VALUE;
    }

    private void takeSignals() {
        Signals signals = cpu.signals;
        int flags = signals.flags();
        if (flags == 0) {
            return;
        }
        if ((flags & Signals.CODE) != 0 && signals.take(Signals.CODE)) {
            cpu.traces.takeNotices();
        }
        if ((flags & Signals.SECOND_LEVEL) != 0 && signals.take(Signals.SECOND_LEVEL)) {
            cpu.paging.forgetSecondLevel();
            cpu.flushTlb();
        }
        if ((flags & Signals.INIT) != 0 && signals.take(Signals.INIT)) {
            stop(Kind.INIT);
        } else if ((flags & Signals.STARTUP) != 0 && signals.take(Signals.STARTUP)) {
            if (cpu.waitingForStartup) {
                cpu.exit.value = signals.startupVector();
                stop(Kind.STARTUP);
            }
        } else if ((flags & Signals.NMI) != 0 && !cpu.waitingForStartup && signals.take(Signals.NMI)) {
            stop(Kind.NMI);
        } else if ((flags & Signals.EXTERNAL_INTERRUPT) != 0 && signals.take(Signals.EXTERNAL_INTERRUPT)) {
            stop(Kind.EXTERNAL_INTERRUPT);
        } else if ((flags & Signals.STOP) != 0 && signals.take(Signals.STOP)) {
            stop(Kind.STOPPED);
        }
    }

    private void inject() {
        try {
            events.deliverInjection();
        } catch (ExitSignal signal) {
            stopped = true;
        }
    }

    private boolean windowOpens() {
        if ((cpu.pending & Cpu.PENDING_WINDOW) == 0) {
            return false;
        }
        if (cpu.intercepts.has(Intercept.NMI_WINDOW) && !cpu.nmiBlocked) {
            stop(Kind.NMI_WINDOW);
            return true;
        }
        if (cpu.intercepts.has(Intercept.INTERRUPT_WINDOW) && cpu.flag(Bits.FLAG_IF)) {
            stop(Kind.INTERRUPT_WINDOW);
            return true;
        }
        return false;
    }

    /** Executes one instruction by itself, with code breakpoints before it and the single-step trap behind it. */
    private void stepOne() {
        boolean stepping = cpu.flag(Bits.FLAG_TF);
        boolean checked = (cpu.pending & Cpu.PENDING_BREAKPOINTS) != 0 && !cpu.completing;
        if (checked && !cpu.flag(Bits.FLAG_RF) && cpu.shadow != 2) {
            long hits = Breakpoints.instruction(cpu);
            if (hits != 0) {
                cpu.exit.exceptionAddress = hits;
                deliver(cpu.raise(Vectors.DEBUG, 0));
                return;
            }
        }
        int shadow = cpu.shadow;
        long before = cpu.instructions;
        boolean resume = cpu.flag(Bits.FLAG_RF);
        cpu.shadow = 0;
        cpu.stepSuppressed = false;
        execute(1);
        if (cpu.instructions == before) {
            // it faulted or stopped: nothing of it has happened, so the shadow still covers it
            if (stopped) {
                cpu.shadow = shadow;
            }
            return;
        }
        if (resume) {
            cpu.systemFlags &= ~Bits.FLAG_RF;
        }
        if (stepping && !cpu.stepSuppressed) {
            cpu.pendingDebug |= Bits.DR6_BS;
            cpu.pending |= Cpu.PENDING_DEBUG;
        }
        if (!cpu.flag(Bits.FLAG_TF) && !cpu.flag(Bits.FLAG_RF)) {
            cpu.pending &= ~Cpu.PENDING_SINGLE_STEP;
        }
        if (cpu.shadow == 0) {
            cpu.pending &= ~Cpu.PENDING_SHADOW;
        }
    }
}
