package org.bundlevisor.mmu.ept;

import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.SecondLevelTables;
import org.osgi.service.component.annotations.Component;

/** Offers Intel's extended page tables. */
@Component(property = SecondLevelPaging.FORMAT + "=" + SecondLevelPaging.EPT)
public final class ExtendedPageTables implements SecondLevelPaging {
    @Override
    public SecondLevelTables create(HostMemory memory, int physicalAddressBits) throws HostMemoryExhaustedException {
        return new FourLevelTables(new EptFormat(), memory, physicalAddressBits);
    }
}
