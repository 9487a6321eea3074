package org.bundlevisor.cpu.core.execute;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuHost;

/** What a vCPU under test reaches outside of memory: ports that remember, one page of device registers, a clock by hand. */
final class TestHost implements CpuHost {
    /** A page of memory-mapped registers. */
    static final long DEVICE = 0x00F0_0000;

    /** Values that ports answer with. */
    final Map<Integer, Integer> ports = new HashMap<>();

    /** What was written to ports, as {@code port:size=value} in hexadecimal. */
    final List<String> portWrites = new ArrayList<>();

    final Map<Integer, Long> msrs = new HashMap<>();
    final Map<Long, Long> registers = new HashMap<>();
    long counter;
    int taskPriority;

    @Override
    public int readPort(int cpu, int port, int size) {
        return ports.getOrDefault(port, -1) & (size == 4 ? -1 : (1 << 8 * size) - 1);
    }

    @Override
    public void writePort(int cpu, int port, int size, int value) {
        portWrites.add(Integer.toHexString(port) + ":" + size + "=" + Integer.toHexString(value));
    }

    @Override
    public boolean isMemoryMappedIo(long gpa) {
        return gpa >>> 12 == DEVICE >>> 12;
    }

    @Override
    public long readMemoryMappedIo(int cpu, long gpa, int size) {
        return registers.getOrDefault(gpa, -1L);
    }

    @Override
    public void writeMemoryMappedIo(int cpu, long gpa, int size, long value) {
        registers.put(gpa, value);
    }

    @Override
    public boolean readMsr(int cpu, int index, long[] value) {
        Long known = msrs.get(index);
        value[0] = known == null ? 0 : known;
        return known != null;
    }

    @Override
    public boolean writeMsr(int cpu, int index, long value) {
        return msrs.replace(index, value) != null;
    }

    @Override
    public int acknowledgeInterrupt(int cpu) {
        return -1;
    }

    @Override
    public int taskPriority(int cpu) {
        return taskPriority;
    }

    @Override
    public void setTaskPriority(int cpu, int priority) {
        taskPriority = priority;
    }

    @Override
    public long timeStampCounter(int cpu) {
        return counter;
    }
}
