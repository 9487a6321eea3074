package org.bundlevisor.cpu.amdv;

import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelPaging;
import org.osgi.service.component.annotations.Component;

/** Executes vCPUs the way AMD-V does. */
@Component(property = CpuBackend.CPU + "=amdv")
public final class AmdvBackend implements CpuBackend {
    @Override
    public String pagingFormat() {
        return SecondLevelPaging.NPT;
    }

    @Override
    public Partition createPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        String format = configuration.tables().format();
        if (!format.equals(SecondLevelPaging.NPT)) {
            throw new IllegalArgumentException(configuration.name() + ": AMD-V walks second-level tables of format "
                    + SecondLevelPaging.NPT + ", not " + format);
        }
        return new AmdvPartition(configuration);
    }
}
