package org.bundlevisor.cpu;

import java.util.concurrent.ThreadLocalRandom;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a vCPU reaches outside of RAM: the virtual machine's buses, its interrupt controllers and its clock. Backends call
 * it on the thread of the vCPU concerned, with the vCPU at a precise state. None of the methods throws because of what a
 * guest did; none may be called while the backend holds a lock.
 */
@ProviderType
public interface CpuHost {
    /**
     * Reads from an I/O port.
     *
     * @param size 1, 2 or 4 bytes
     * @return the value, zero-extended; all ones where there is no device
     */
    int readPort(int cpu, int port, int size);

    /** Writes to an I/O port, where a device is there to take it. */
    void writePort(int cpu, int port, int size, int value);

    /** Whether guest-physical addresses here are served by a device, or by nothing, rather than by memory. */
    boolean isMemoryMappedIo(long gpa);

    /**
     * Reads from a memory-mapped register.
     *
     * @param size 1, 2, 4 or 8 bytes
     * @return the value, zero-extended; all ones where there is no device
     */
    long readMemoryMappedIo(int cpu, long gpa, int size);

    /** Writes to a memory-mapped register, where a device is there to take it. */
    void writeMemoryMappedIo(int cpu, long gpa, int size, long value);

    /**
     * Reads a model-specific register that lives outside of the processor, in the local APIC for example.
     *
     * @param value receives the value at index 0
     * @return false when there is no such register or the read is refused; the guest then gets #GP(0)
     */
    boolean readMsr(int cpu, int index, long[] value);

    /**
     * Writes a model-specific register that lives outside of the processor.
     *
     * @return false when there is no such register or the value is refused; the guest then gets #GP(0)
     */
    boolean writeMsr(int cpu, int index, long value);

    /**
     * The interrupt acknowledge cycle: takes the vector of the most important pending interrupt.
     *
     * @return 0 to 255, or -1 when the request has gone in the meantime
     */
    int acknowledgeInterrupt(int cpu);

    /** The task priority as CR8 shows it, 0 to 15. */
    int taskPriority(int cpu);

    /** Sets the task priority through CR8, 0 to 15. */
    void setTaskPriority(int cpu, int priority);

    /**
     * The platform's time-stamp counter, which a backend adds the guest's TSC offset to. It runs at
     * {@link CpuModel#timeStampFrequency()} and stands still while the virtual machine is paused.
     */
    long timeStampCounter(int cpu);

    /**
     * Sixty-four random bits, which RDRAND delivers: from the host's own source, or, on a clock that follows instructions,
     * the next of a sequence that is the same in every run. A host that says nothing else offers bits that are not fit for
     * keys.
     */
    default long random(int cpu) {
        return ThreadLocalRandom.current().nextLong();
    }
}
