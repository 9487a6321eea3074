package org.bundlevisor.cpu;

import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.osgi.annotation.versioning.ConsumerType;

/** The vCPUs of one virtual machine on one backend, and what they share. */
@ConsumerType
public interface Partition extends AutoCloseable {
    /**
     * Makes a vCPU in the state after power-up: the bootstrap processor (index 0) at the reset vector, the others waiting
     * for a start-up IPI.
     *
     * @param index 0 and up; it is the local APIC identifier as well
     */
    VirtualCpu createCpu(int index) throws HostMemoryExhaustedException;

    /**
     * Makes all vCPUs forget cached translations of guest-physical addresses. From any thread; when it returns, no vCPU
     * begins an instruction with an old translation. vCPUs that are not running pick it up when they next run.
     */
    void invalidateSecondLevel();

    /**
     * Makes all vCPUs forget what they decoded from guest memory that something other than a vCPU has written: a bus
     * master, a boot loader. From any thread, after the write.
     */
    void memoryWritten(long gpa, long size);

    /** Gives up all vCPUs and control structures. No vCPU may be running. */
    @Override
    void close();
}
