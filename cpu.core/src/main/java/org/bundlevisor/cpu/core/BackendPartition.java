package org.bundlevisor.cpu.core;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/** The vCPUs of one virtual machine whose backend drives this processor, whatever the vendor. */
public abstract class BackendPartition implements Partition {
    private final PartitionConfiguration configuration;
    private final ProcessorGroup group;
    private final List<BackendCpu> cpus = new CopyOnWriteArrayList<>();

    protected BackendPartition(PartitionConfiguration configuration) throws HostMemoryExhaustedException {
        this.configuration = configuration;
        this.group = new ProcessorGroup(configuration.memory());
    }

    /** Makes one vCPU of the vendor's kind; see {@link #createCpu}. */
    protected abstract BackendCpu create(int index, PartitionConfiguration configuration, ProcessorGroup group)
            throws HostMemoryExhaustedException;

    @Override
    public final VirtualCpu createCpu(int index) throws HostMemoryExhaustedException {
        BackendCpu cpu = create(index, configuration, group);
        cpus.add(cpu);
        return cpu;
    }

    @Override
    public final void invalidateSecondLevel() {
        cpus.forEach(BackendCpu::invalidateSecondLevel);
        cpus.forEach(BackendCpu::awaitInvalidation);
    }

    @Override
    public final void memoryWritten(long gpa, long size) {
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

    /** Gives up the vCPUs and what they share; the vendor's own tables come after. */
    @Override
    public void close() {
        cpus.forEach(BackendCpu::close);
        cpus.clear();
        group.close();
    }
}
