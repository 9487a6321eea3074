package org.bundlevisor.cpu;

import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A way to execute vCPUs, offered as a service with the property {@link #CPU}. Where several offer the same name, the
 * one with the higher service ranking is taken.
 */
@ConsumerType
public interface CpuBackend {
    /** Service property: the backend's name as the user writes it, for example {@code vtx}. */
    String CPU = "cpu";

    /** The second-level paging format that partitions of this backend use, as in {@code SecondLevelPaging.FORMAT}. */
    String pagingFormat();

    /**
     * Makes the backend's side of one virtual machine.
     *
     * @throws HostMemoryExhaustedException when there is no room for control structures
     * @throws IllegalArgumentException in one sentence, when the backend cannot execute what the configuration asks for
     */
    Partition createPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException;
}
