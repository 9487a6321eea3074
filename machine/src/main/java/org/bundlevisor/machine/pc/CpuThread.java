package org.bundlevisor.machine.pc;

import java.util.concurrent.locks.LockSupport;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.device.CpuSignals;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.machine.clock.CountedClock;
import org.jspecify.annotations.Nullable;

/** One vCPU with the thread that executes it, and the wires that lead to it. */
final class CpuThread implements CpuSignals {
    private final int index;
    private final RunGate gate;
    private final @Nullable CountedClock counted;
    private final Supervisor supervisor;
    private final Thread thread;

    /** Replaced only while nobody is inside the gate; null until the devices, which may hold the wires, are made. */
    private volatile @Nullable VirtualCpu cpu;

    /** The level of the interrupt request line, for the vCPU that comes next. */
    private volatile boolean requested;

    private @Nullable LocalInterruptController controller;

    /**
     * Makes the thread, which waits at the gate.
     *
     * @param counted the clock whose instructions this vCPU counts; null with a real one
     */
    CpuThread(
            String machine,
            int index,
            RunGate gate,
            @Nullable CountedClock counted,
            Supervisor supervisor) {
        this.index = index;
        this.gate = gate;
        this.counted = counted;
        this.supervisor = supervisor;
        thread = Thread.ofPlatform().name(machine + " vCPU " + index).daemon().unstarted(this::loop);
    }

    int index() {
        return index;
    }

    void start() {
        thread.start();
    }

    /** Waits for the thread's end, after that of the gate. */
    void join() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Says which local APIC an INIT resets together with the vCPU. */
    void attach(LocalInterruptController own) {
        controller = own;
    }

    /** Says what the thread executes from now on. */
    void attach(VirtualCpu virtualCpu) {
        cpu = virtualCpu;
        boolean level;
        do {
            // a device may change the line meanwhile: the last level that was set must win
            level = requested;
            virtualCpu.setInterruptRequest(level);
        } while (level != requested);
    }

    /** Makes the thread look at the gate soon. */
    void kick() {
        VirtualCpu current = cpu;
        if (current != null) {
            current.kick();
        }
        LockSupport.unpark(thread);
    }

    @Override
    public void interruptRequest(boolean asserted) {
        requested = asserted;
        VirtualCpu current = cpu;
        if (current != null) {
            current.setInterruptRequest(asserted);
            if (asserted) {
                wake();
            }
        }
    }

    @Override
    public void nonMaskableInterrupt() {
        VirtualCpu current = cpu;
        if (current != null) {
            current.nonMaskableInterrupt();
            wake();
        }
    }

    @Override
    public void init() {
        VirtualCpu current = cpu;
        LocalInterruptController own = controller;
        if (current != null && own != null) {
            own.initReset();
            current.init();
            wake();
        }
    }

    @Override
    public void startUp(int vector) {
        VirtualCpu current = cpu;
        if (current != null) {
            current.startUp(vector);
            wake();
        }
    }

    private void wake() {
        if (Thread.currentThread() != thread) {
            LockSupport.unpark(thread);
        }
    }

    private void loop() {
        while (gate.enter()) {
            try {
                VirtualCpu current = cpu;
                if (current != null) {
                    execute(current);
                }
            } catch (RuntimeException | Error e) {
                supervisor.fail("vCPU " + index + " was executed", e);
            } finally {
                gate.leave();
            }
        }
    }

    private void execute(VirtualCpu current) {
        if (counted == null) {
            while (gate.isOpen()) {
                act(current, current.run());
            }
            return;
        }
        counted.enter();
        try {
            counted.expire();
            while (gate.isOpen()) {
                act(current, current.run());
                counted.expire();
            }
        } finally {
            counted.leave();
        }
    }

    private void act(VirtualCpu current, VirtualCpu.RunResult result) {
        switch (result) {
            case KICKED, LIMIT_REACHED -> {
                // the gate or a timer wants attention, which it gets between runs
            }
            case HALTED, WAITING_FOR_STARTUP -> sleep(current);
            case SHUT_DOWN -> supervisor.fail(tripleFault(current.state()));
            case FAILED -> supervisor.fail(current.failure());
        }
    }

    private void sleep(VirtualCpu current) {
        while (!current.wakes() && gate.isOpen()) {
            if (counted == null) {
                LockSupport.park(this);
                continue;
            }
            long lead = counted.lead();
            if (lead > 0) {
                LockSupport.parkNanos(this, lead);
            } else if (counted.skip()) {
                counted.expire();
            } else {
                LockSupport.park(this);
            }
        }
    }

    private String tripleFault(CpuState state) {
        return "triple fault on vCPU %d at rip=0x%x (cs=0x%x rsp=0x%x cr0=0x%x cr2=0x%x cr3=0x%x), after which a processor shuts down"
                .formatted(
                        index,
                        state.rip(),
                        state.segments().get(1).selector(),
                        state.general().get(4),
                        state.control().cr0(),
                        state.control().cr2(),
                        state.control().cr3());
    }
}
