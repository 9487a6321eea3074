package org.bundlevisor.machine.test;

import org.bundlevisor.cpu.CpuHost;

/** Surroundings of a vCPU in which there is nothing. */
public final class NoHost implements CpuHost {
    @Override
    public int readPort(int cpu, int port, int size) {
        return -1;
    }

    @Override
    public void writePort(int cpu, int port, int size, int value) {}

    @Override
    public boolean isMemoryMappedIo(long gpa) {
        return true;
    }

    @Override
    public long readMemoryMappedIo(int cpu, long gpa, int size) {
        return -1;
    }

    @Override
    public void writeMemoryMappedIo(int cpu, long gpa, int size, long value) {}

    @Override
    public boolean readMsr(int cpu, int index, long[] value) {
        return false;
    }

    @Override
    public boolean writeMsr(int cpu, int index, long value) {
        return false;
    }

    @Override
    public int acknowledgeInterrupt(int cpu) {
        return -1;
    }

    @Override
    public int taskPriority(int cpu) {
        return 0;
    }

    @Override
    public void setTaskPriority(int cpu, int priority) {}

    @Override
    public long timeStampCounter(int cpu) {
        return 0;
    }
}
