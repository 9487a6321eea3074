package org.bundlevisor.cpu;

import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.mmu.SecondLevelTables;
import org.jspecify.annotations.Nullable;

/**
 * What a virtual machine hands to its CPU backend.
 *
 * @param name the virtual machine's name, for messages
 * @param memory host memory that second-level tables point into
 * @param tables the virtual machine's second-level tables, in the backend's format
 * @param model what the guest's CPUs are
 * @param host the virtual machine's buses and clock
 * @param observer is told of each VM exit; null when nobody listens, so that exits then cost nothing extra
 */
public record PartitionConfiguration(
        String name,
        HostMemory memory,
        SecondLevelTables tables,
        CpuModel model,
        CpuHost host,
        @Nullable ExitObserver observer) {}
