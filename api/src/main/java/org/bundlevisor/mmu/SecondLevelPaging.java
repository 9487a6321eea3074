package org.bundlevisor.mmu;

import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A format of second-level tables, offered as a service with the property {@link #FORMAT}. A virtual machine uses the
 * format that its CPU backend asks for ({@link org.bundlevisor.cpu.CpuBackend#pagingFormat()}).
 */
@ConsumerType
public interface SecondLevelPaging {
    /** Service property: the format's name, {@link #EPT} or {@link #NPT}. */
    String FORMAT = "format";

    /** Intel's extended page tables, SDM vol. 3C, 29.3. */
    String EPT = "ept";

    /** AMD's nested page tables, APM vol. 2, 15.25. */
    String NPT = "npt";

    /**
     * Makes an empty set of tables, in which every guest-physical address is unmapped.
     *
     * @param memory where the tables are built
     * @param physicalAddressBits width of a guest-physical address, 32 to 48
     */
    SecondLevelTables create(HostMemory memory, int physicalAddressBits) throws HostMemoryExhaustedException;
}
