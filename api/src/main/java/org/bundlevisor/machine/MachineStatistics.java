package org.bundlevisor.machine;

import java.util.List;
import org.bundlevisor.cpu.CpuStatistics;

/**
 * What a machine has done in its current or last run.
 *
 * @param backend name of the CPU backend
 * @param wallSeconds host time since the start, pauses included
 * @param guestSeconds guest time
 * @param swaps how often it moved to another CPU backend
 * @param cpus counters of each vCPU
 */
public record MachineStatistics(
        String backend, double wallSeconds, double guestSeconds, long swaps, List<CpuStatistics> cpus) {
    public MachineStatistics {
        cpus = List.copyOf(cpus);
    }

    /** Instructions executed by all vCPUs. */
    public long instructions() {
        return cpus.stream().mapToLong(CpuStatistics::instructions).sum();
    }
}
