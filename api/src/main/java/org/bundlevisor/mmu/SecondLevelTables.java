package org.bundlevisor.mmu;

import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The second-level tables of one virtual machine, in real, architected form in host memory.
 *
 * <p>Thread rules: {@link #translate} may be called from any vCPU's thread at any time, also while the tables change; it
 * takes no lock and allocates nothing. The changing methods are serialised by the implementation. After a change that
 * takes a right away, the caller must make every vCPU forget what it cached
 * ({@link org.bundlevisor.cpu.Partition#invalidateSecondLevel()}) before it relies on it, as INVEPT does.
 */
@ConsumerType
public interface SecondLevelTables extends AutoCloseable {
    /** Access right and kind of access: a data read. */
    int READ = 1;

    /** Access right and kind of access: a data write. */
    int WRITE = 2;

    /** Access right and kind of access: an instruction fetch. */
    int EXECUTE = 4;

    /** All three rights. */
    int ALL = READ | WRITE | EXECUTE;

    /**
     * Kind of access only: the processor reads or, with {@link #WRITE}, updates an entry of the guest's own paging
     * structures.
     */
    int TABLE_WALK = 8;

    /**
     * Kind of access only: made with user privilege (CPL 3). A format that keeps no such distinction ignores it.
     */
    int USER = 16;

    /** The format, as in {@link SecondLevelPaging#FORMAT}. */
    String format();

    /** Host-physical address of the top-level table: what an EPTP or nCR3 points to. */
    long root();

    /**
     * Maps guest-physical to host-physical memory with the largest pages that alignment allows; what was mapped there
     * before is replaced.
     *
     * @param gpa first guest-physical address, a multiple of 4096
     * @param hpa first host-physical address, a multiple of 4096
     * @param size in bytes, a multiple of 4096
     * @param rights any of {@link #READ}, {@link #WRITE}, {@link #EXECUTE}
     * @throws IllegalArgumentException for unaligned or too wide addresses and for rights that the format cannot express
     */
    void map(long gpa, long hpa, long size, int rights, MemoryType type) throws HostMemoryExhaustedException;

    /** Removes the mappings in the range; larger pages are split where the range cuts them. */
    void unmap(long gpa, long size) throws HostMemoryExhaustedException;

    /** Replaces the rights of what is mapped in the range; unmapped parts stay so. */
    void protect(long gpa, long size, int rights) throws HostMemoryExhaustedException;

    /**
     * Walks the tables for one access, sets the accessed and dirty bits that the access calls for, and writes the page
     * or the precise reason of refusal to {@code result}.
     *
     * @param gpa guest-physical address, need not be aligned
     * @param access one of {@link #READ}, {@link #WRITE}, {@link #EXECUTE}, with {@link #TABLE_WALK} and {@link #USER}
     *     where they apply
     */
    void translate(long gpa, int access, Translation result);

    /**
     * Starts or stops dirty logging. While it is on, {@link #drainDirty} reports every 4 KiB page that was written since
     * it was last drained. Starting it makes all pages clean; vCPUs must be made to forget cached write permission.
     */
    void setDirtyLogging(boolean enabled) throws HostMemoryExhaustedException;

    /**
     * Reports and forgets the dirty 4 KiB pages, in rising order of their guest-physical addresses. vCPUs must then be made
     * to forget cached write permission before the pages are copied, so that a later write is found by the next drain.
     */
    void drainDirty(DirtyPageConsumer consumer);

    /** Gives the tables' own memory back. Mapped memory is not touched. No vCPU may use the tables any more. */
    @Override
    void close();

    /** Takes the pages that {@link #drainDirty} reports. */
    @FunctionalInterface
    interface DirtyPageConsumer {
        /** @param gpa guest-physical address of a written 4 KiB page */
        void accept(long gpa);
    }
}
