package org.bundlevisor.mmu.ept;

import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.bundlevisor.mmu.SecondLevelTables;
import org.osgi.service.component.annotations.Component;

/** Offers AMD's nested page tables. */
@Component(property = SecondLevelPaging.FORMAT + "=" + SecondLevelPaging.NPT)
public final class NestedPageTables implements SecondLevelPaging {
    @Override
    public SecondLevelTables create(HostMemory memory, int physicalAddressBits) throws HostMemoryExhaustedException {
        return new FourLevelTables(new NptFormat(), memory, physicalAddressBits);
    }
}
