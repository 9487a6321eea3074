package org.bundlevisor.cpu.core.backend;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.VirtualCpu;

/** Buses that keep a log, an interrupt controller that is a queue of vectors, and a counter for a clock. */
final class BenchHost implements CpuHost {
    /** Guest-physical addresses from here on are memory-mapped registers, or nothing. */
    static final long DEVICES = 0xe000_0000L;

    final List<String> log = new ArrayList<>();
    final Deque<Integer> vectors = new ArrayDeque<>();
    int input = 0x1234_5678;
    long timeStamp = 1000;
    int priority;
    VirtualCpu cpu;

    @Override
    public int readPort(int cpu, int port, int size) {
        log.add("in %x/%d".formatted(port, size));
        return size == 4 ? input : input & (1 << 8 * size) - 1;
    }

    @Override
    public void writePort(int cpu, int port, int size, int value) {
        log.add("out %x/%d %x".formatted(port, size, value));
    }

    @Override
    public boolean isMemoryMappedIo(long gpa) {
        return gpa >= DEVICES;
    }

    @Override
    public long readMemoryMappedIo(int cpu, long gpa, int size) {
        log.add("read %x/%d".formatted(gpa, size));
        return 0x1122_3344_5566_7788L & (size == 8 ? -1 : (1L << 8 * size) - 1);
    }

    @Override
    public void writeMemoryMappedIo(int cpu, long gpa, int size, long value) {
        log.add("write %x/%d %x".formatted(gpa, size, value));
    }

    @Override
    public boolean readMsr(int cpu, int index, long[] value) {
        if (index == 0x1b) {
            value[0] = 0xfee0_0900L;
            return true;
        }
        return false;
    }

    @Override
    public boolean writeMsr(int cpu, int index, long value) {
        log.add("wrmsr %x %x".formatted(index, value));
        return index == 0x1b;
    }

    @Override
    public int acknowledgeInterrupt(int cpu) {
        Integer vector = vectors.poll();
        if (vectors.isEmpty()) {
            this.cpu.setInterruptRequest(false);
        }
        log.add("acknowledge " + vector);
        return vector == null ? -1 : vector;
    }

    @Override
    public int taskPriority(int cpu) {
        return priority;
    }

    @Override
    public void setTaskPriority(int cpu, int priority) {
        this.priority = priority;
    }

    @Override
    public long timeStampCounter(int cpu) {
        return timeStamp++;
    }

    /** Raises an interrupt as a device would. */
    void interrupt(int vector) {
        vectors.add(vector);
        cpu.setInterruptRequest(true);
    }
}
