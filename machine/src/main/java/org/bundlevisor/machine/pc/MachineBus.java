package org.bundlevisor.machine.pc;

import java.util.random.RandomGenerator;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.device.Clock;
import org.bundlevisor.device.IoRegion;
import org.bundlevisor.device.LocalInterruptControllers.LocalInterruptController;
import org.bundlevisor.machine.bus.MemoryBus;
import org.bundlevisor.machine.bus.PortBus;
import org.bundlevisor.machine.memory.GuestRam;

/** What vCPUs reach outside of RAM: the two buses, each vCPU's own local APIC, the clock. */
final class MachineBus implements CpuHost {
    private static final long PAGE_OFFSET = 0xfff;
    private static final long NANOSECONDS = 1_000_000_000;

    private final PortBus ports;
    private final MemoryBus memory;
    private final GuestRam ram;
    private final Clock clock;
    private final long timeStampFrequency;
    private final RandomGenerator random;
    private final LocalInterruptController[] controllers;
    private final IoRegion[] controllerPages;

    MachineBus(
            PortBus ports,
            MemoryBus memory,
            GuestRam ram,
            Clock clock,
            long timeStampFrequency,
            RandomGenerator random,
            LocalInterruptController[] controllers) {
        this.ports = ports;
        this.memory = memory;
        this.ram = ram;
        this.clock = clock;
        this.timeStampFrequency = timeStampFrequency;
        this.random = random;
        this.controllers = controllers.clone();
        controllerPages = new IoRegion[controllers.length];
        for (int cpu = 0; cpu < controllers.length; cpu++) {
            controllerPages[cpu] = controllers[cpu].registers();
        }
    }

    @Override
    public int readPort(int cpu, int port, int size) {
        return ports.read(port, size);
    }

    @Override
    public void writePort(int cpu, int port, int size, int value) {
        ports.write(port, size, value);
    }

    @Override
    public boolean isMemoryMappedIo(long gpa) {
        return !ram.contains(gpa);
    }

    @Override
    public long readMemoryMappedIo(int cpu, long gpa, int size) {
        if (isOwnController(cpu, gpa, size)) {
            return controllerPages[cpu].read(gpa & PAGE_OFFSET, size);
        }
        return memory.read(gpa, size);
    }

    @Override
    public void writeMemoryMappedIo(int cpu, long gpa, int size, long value) {
        if (isOwnController(cpu, gpa, size)) {
            controllerPages[cpu].write(gpa & PAGE_OFFSET, size, value);
        } else {
            memory.write(gpa, size, value);
        }
    }

    private boolean isOwnController(int cpu, long gpa, int size) {
        return (gpa & ~PAGE_OFFSET) == controllers[cpu].registerBase() && (gpa & PAGE_OFFSET) + size <= PAGE_OFFSET + 1;
    }

    @Override
    public boolean readMsr(int cpu, int index, long[] value) {
        return controllers[cpu].readMsr(index, value);
    }

    @Override
    public boolean writeMsr(int cpu, int index, long value) {
        return controllers[cpu].writeMsr(index, value);
    }

    @Override
    public int acknowledgeInterrupt(int cpu) {
        return controllers[cpu].acknowledge();
    }

    @Override
    public int taskPriority(int cpu) {
        return controllers[cpu].taskPriority();
    }

    @Override
    public void setTaskPriority(int cpu, int priority) {
        controllers[cpu].setTaskPriority(priority);
    }

    @Override
    public long timeStampCounter(int cpu) {
        long nanoseconds = clock.nanoseconds();
        if (timeStampFrequency == NANOSECONDS) {
            return nanoseconds;
        }
        return nanoseconds / NANOSECONDS * timeStampFrequency
                + nanoseconds % NANOSECONDS * timeStampFrequency / NANOSECONDS;
    }

    @Override
    public long random(int cpu) {
        synchronized (random) {
            return random.nextLong();
        }
    }
}
