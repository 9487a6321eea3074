package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.osgi.service.component.annotations.Component;

/** Executes vCPUs the way VT-x does. */
@Component(property = CpuBackend.CPU + "=vtx")
public final class VtxBackend implements CpuBackend {
    @Override
    public String pagingFormat() {
        return SecondLevelPaging.EPT;
    }

    @Override
    public Partition createPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        String format = configuration.tables().format();
        if (!format.equals(SecondLevelPaging.EPT)) {
            throw new IllegalArgumentException(configuration.name() + ": VT-x walks second-level tables of format "
                    + SecondLevelPaging.EPT + ", not " + format);
        }
        return new VtxPartition(configuration);
    }
}
