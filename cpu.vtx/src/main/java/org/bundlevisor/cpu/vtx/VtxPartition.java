package org.bundlevisor.cpu.vtx;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.cpu.core.ProcessorGroup;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/** The vCPUs of one virtual machine, and the bitmaps that their VMCSs share. */
final class VtxPartition implements Partition {
    private final PartitionConfiguration configuration;
    private final Capabilities capabilities;
    private final ControlBitmaps bitmaps;
    private final ProcessorGroup group;
    private final List<VtxCpu> cpus = new CopyOnWriteArrayList<>();

    VtxPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        this.configuration = configuration;
        this.capabilities = Capabilities.of(configuration.model());
        this.bitmaps = new ControlBitmaps(configuration.memory());
        try {
            this.group = new ProcessorGroup(configuration.memory());
        } catch (HostMemoryExhaustedException e) {
            bitmaps.close();
            throw e;
        }
    }

    @Override
    public VirtualCpu createCpu(int index) throws HostMemoryExhaustedException {
        VtxCpu cpu = new VtxCpu(index, configuration, capabilities, bitmaps, group);
        cpus.add(cpu);
        return cpu;
    }

    @Override
    public void invalidateSecondLevel() {
        cpus.forEach(VtxCpu::invalidateSecondLevel);
        cpus.forEach(VtxCpu::awaitInvalidation);
    }

    @Override
    public void memoryWritten(long gpa, long size) {
        Translation page = new Translation();
        long end = gpa + size;
        for (long at = gpa, next; at < end; at = next) {
            next = Math.min((at | HostMemory.FRAME_SIZE - 1) + 1, end);
            configuration.tables().translate(at, SecondLevelTables.READ, page);
            if (page.isPage()) {
                group.memoryWritten(page.hostPhysical(), next - at);
            }
        }
    }

    @Override
    public void close() {
        cpus.forEach(VtxCpu::close);
        cpus.clear();
        group.close();
        bitmaps.close();
    }
}
