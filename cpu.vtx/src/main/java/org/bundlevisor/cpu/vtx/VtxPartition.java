package org.bundlevisor.cpu.vtx;

import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.core.BackendCpu;
import org.bundlevisor.cpu.core.BackendPartition;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/** The vCPUs of one virtual machine, and the bitmaps that their VMCSs share. */
final class VtxPartition extends BackendPartition {
    private final Capabilities capabilities;
    private final ControlBitmaps bitmaps;

    VtxPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        super(configuration);
        this.capabilities = Capabilities.of(configuration.model());
        try {
            this.bitmaps = new ControlBitmaps(configuration.memory());
        } catch (HostMemoryExhaustedException e) {
            super.close();
            throw e;
        }
    }

    @Override
    protected BackendCpu create(int index, PartitionConfiguration configuration, ProcessorGroup group)
            throws HostMemoryExhaustedException {
        return new VtxCpu(index, configuration, capabilities, bitmaps, group);
    }

    @Override
    public void close() {
        super.close();
        bitmaps.close();
    }
}
