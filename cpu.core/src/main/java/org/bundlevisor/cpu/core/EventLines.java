package org.bundlevisor.cpu.core;

import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.CpuState.Shadow;

/**
 * The lines that lead into a vCPU from outside (INTR, NMI, INIT, start-up IPI, kick) and what is to come of them, whatever
 * the vendor: which event to inject next, whether a window must be waited for, whether an idle vCPU has reason to run.
 *
 * <p>The methods that raise a line, and {@link #wakes()}, may be called from any thread; all others belong to the vCPU's.
 * A line that is raised while the guest executes also signals the processor, so that there is a VM exit as there is on
 * hardware; while the backend itself executes, it looks at the lines before the next VM entry anyhow.
 */
public final class EventLines {
    /** What the next VM entry must wait for, as bits: {@link #next()}. */
    public static final int WAIT_FOR_INTERRUPT_WINDOW = 1;

    public static final int WAIT_FOR_NMI_WINDOW = 2;

    private static final int NMI_VECTOR = 2;
    private static final long RFLAGS_IF = 1 << 9;

    /** What {@link #wakes()} goes by while the vCPU is not running. */
    private enum Idle {
        NOT,
        HALTED,
        HALTED_WITH_INTERRUPTS_DISABLED,
        WAITING_FOR_STARTUP,
        SHUT_DOWN
    }

    private final int cpu;
    private final Processor processor;
    private final CpuHost host;

    private volatile boolean interruptRequest;
    private volatile boolean nmi;
    private volatile boolean init;
    private volatile boolean startUp;
    private volatile int startUpVector;
    private volatile boolean kick;
    private volatile boolean inGuest;
    private volatile Idle idle = Idle.NOT;
    private Injection chosen = Injection.NONE;

    public EventLines(int cpu, Processor processor, CpuHost host) {
        this.cpu = cpu;
        this.processor = processor;
        this.host = host;
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#setInterruptRequest}. */
    public void setInterruptRequest(boolean asserted) {
        interruptRequest = asserted;
        if (asserted && inGuest) {
            processor.signalExternalInterrupt();
        }
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#nonMaskableInterrupt}. */
    public void nonMaskableInterrupt() {
        nmi = true;
        if (inGuest) {
            processor.signalNonMaskableInterrupt();
        }
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#init}. */
    public void init() {
        init = true;
        if (inGuest) {
            processor.signalInit();
        }
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#startUp}. */
    public void startUp(int vector) {
        if (init || idle == Idle.WAITING_FOR_STARTUP) {
            startUpVector = vector;
            startUp = true;
        }
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#kick}. */
    public void kick() {
        kick = true;
        if (inGuest) {
            processor.requestStop();
        }
    }

    /** As {@link org.bundlevisor.cpu.VirtualCpu#wakes}. */
    public boolean wakes() {
        return switch (idle) {
            case NOT -> true;
            case HALTED -> interruptRequest || nmi || init;
            case HALTED_WITH_INTERRUPTS_DISABLED -> nmi || init;
            case WAITING_FOR_STARTUP -> startUp || init;
            case SHUT_DOWN -> init;
        };
    }

    /**
     * The vCPU is about to execute guest code: lines raised from now on cause an exit. To be called before {@link #next()},
     * so that no line goes unseen.
     */
    public void enterGuest() {
        inGuest = true;
    }

    /** The guest has stopped executing. */
    public void leaveGuest() {
        inGuest = false;
    }

    /** Whether guest code may be executing now. From any thread. */
    public boolean isInGuest() {
        return inGuest;
    }

    /** Whether there was a kick since this was last asked. */
    public boolean takeKick() {
        if (kick) {
            kick = false;
            return true;
        }
        return false;
    }

    /**
     * Whether INIT was signalled since this was last asked. The bootstrap processor, number 0, then starts again; all others
     * wait for a start-up IPI, SDM vol. 3A, 9.4.
     */
    public boolean takeInit() {
        if (init) {
            // in this order, so that a start-up IPI that follows at once is not taken for one that nobody waits for
            idle = cpu == 0 ? Idle.NOT : Idle.WAITING_FOR_STARTUP;
            init = false;
            return true;
        }
        return false;
    }

    /** The vector of a start-up IPI that came since this was last asked, or -1. */
    public int takeStartUp() {
        if (startUp) {
            idle = Idle.NOT;
            startUp = false;
            return startUpVector;
        }
        return -1;
    }

    /**
     * Decides on the event to inject, which {@link #chosen()} then tells, and on what to wait for. Acknowledges the interrupt
     * at the host if that is it. Not to be called while another event waits for its injection.
     *
     * @return {@link #WAIT_FOR_INTERRUPT_WINDOW} and {@link #WAIT_FOR_NMI_WINDOW} where an event must wait for one
     */
    public int next() {
        chosen = Injection.NONE;
        if (!nmi && !interruptRequest) {
            return 0;
        }
        Registers registers = processor.registers();
        boolean open = registers.shadow() == Shadow.NONE && registers.injection() == Injection.NONE;
        int waiting = 0;
        if (nmi) {
            if (open && !registers.nmiBlocked()) {
                nmi = false;
                chosen = new Injection(Injection.Kind.NMI, NMI_VECTOR, false, 0, 0);
                open = false;
            } else {
                waiting |= WAIT_FOR_NMI_WINDOW;
            }
        }
        if (interruptRequest) {
            if (!open || (registers.rflags() & RFLAGS_IF) == 0) {
                return waiting | WAIT_FOR_INTERRUPT_WINDOW;
            }
            int vector = host.acknowledgeInterrupt(cpu);
            if (vector >= 0) {
                chosen = new Injection(Injection.Kind.EXTERNAL_INTERRUPT, vector, false, 0, 0);
            }
        }
        return waiting;
    }

    /** The event that {@link #next()} decided on, or {@link Injection#NONE}. */
    public Injection chosen() {
        return chosen;
    }

    /** Makes the vCPU's activity known to {@link #wakes()}; to be called when it stops to run. */
    public void settle() {
        Registers registers = processor.registers();
        idle = switch (registers.activity()) {
            case RUNNING -> Idle.NOT;
            case HALTED ->
                    (registers.rflags() & RFLAGS_IF) != 0 ? Idle.HALTED : Idle.HALTED_WITH_INTERRUPTS_DISABLED;
            case WAITING_FOR_STARTUP -> Idle.WAITING_FOR_STARTUP;
            case SHUT_DOWN -> Idle.SHUT_DOWN;
        };
    }

    /** The state with the events that wait on the lines; a signal that the processor has not seen yet is one of them. */
    public CpuState addTo(CpuState state) {
        CpuState.Events events = state.events();
        CpuState.Events all = new CpuState.Events(
                events.injection(),
                events.shadow(),
                events.pendingDebug(),
                nmi,
                events.nmiBlocked(),
                init);
        return new CpuState(
                state.general(),
                state.rip(),
                state.rflags(),
                state.segments(),
                state.gdtr(),
                state.idtr(),
                state.control(),
                state.debug(),
                state.msrs(),
                state.xsave(),
                all,
                state.activity(),
                state.timeStampCounter(),
                state.instructions());
    }

    /** Takes the events that waited on the lines when the state was saved. The level of INTR stays as it is. */
    public void takeFrom(CpuState state) {
        nmi = state.events().nmiPending();
        init = state.events().initPending();
        startUp = false;
        settle();
    }
}
