package org.bundlevisor.cpu.amdv;

import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.core.BackendCpu;
import org.bundlevisor.cpu.core.BackendPartition;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/** The vCPUs of one virtual machine, and the permission maps that their VMCBs share. */
final class AmdvPartition extends BackendPartition {
    private final PermissionMaps maps;

    AmdvPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        super(configuration);
        try {
            this.maps = new PermissionMaps(configuration.memory());
        } catch (HostMemoryExhaustedException e) {
            super.close();
            throw e;
        }
    }

    @Override
    protected BackendCpu create(int index, PartitionConfiguration configuration, ProcessorGroup group)
            throws HostMemoryExhaustedException {
        return new AmdvCpu(index, configuration, maps, group);
    }

    @Override
    public void close() {
        super.close();
        maps.close();
    }
}
