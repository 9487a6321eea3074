package org.bundlevisor.cpu;

import java.util.Map;

/**
 * Counters of one vCPU since it was made.
 *
 * @param instructions guest instructions executed
 * @param exits VM exits by the backend manual's name of the reason
 * @param tlbMisses look-ups that the software TLB could not answer
 * @param tracesDecoded straight-line traces decoded
 * @param tracesInvalidated traces thrown away because their bytes were written
 */
public record CpuStatistics(
        long instructions, Map<String, Long> exits, long tlbMisses, long tracesDecoded, long tracesInvalidated) {
    public CpuStatistics {
        exits = Map.copyOf(exits);
    }
}
