package org.bundlevisor.machine.test;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.bundlevisor.cpu.CpuBackend;
import org.bundlevisor.cpu.Partition;
import org.bundlevisor.cpu.PartitionConfiguration;
import org.bundlevisor.cpu.VirtualCpu;
import org.bundlevisor.mmu.SecondLevelPaging;

/** A backend whose vCPUs execute a script. */
public final class FakeBackend implements CpuBackend {
    private final FakeCpu.Script script;
    private final List<FakeCpu> cpus = Collections.synchronizedList(new ArrayList<>());
    private final List<PartitionConfiguration> configurations = Collections.synchronizedList(new ArrayList<>());

    public FakeBackend(FakeCpu.Script script) {
        this.script = script;
    }

    /** All vCPUs ever made. */
    public List<FakeCpu> cpus() {
        return List.copyOf(cpus);
    }

    /** What partitions were made with. */
    public List<PartitionConfiguration> configurations() {
        return List.copyOf(configurations);
    }

    @Override
    public String pagingFormat() {
        return SecondLevelPaging.EPT;
    }

    @Override
    public Partition createPartition(PartitionConfiguration configuration) {
        configurations.add(configuration);
        List<FakeCpu> own = new ArrayList<>();
        return new Partition() {
            @Override
            public VirtualCpu createCpu(int index) {
                FakeCpu cpu = new FakeCpu(index, configuration.host(), script);
                own.add(cpu);
                cpus.add(cpu);
                return cpu;
            }

            @Override
            public void invalidateSecondLevel() {}

            @Override
            public void memoryWritten(long gpa, long size) {}

            @Override
            public void close() {
                own.forEach(FakeCpu::close);
            }
        };
    }
}
