package org.bundlevisor.cpu.core.execute;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuModel.Leaf;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/**
 * A processor with flat segments and no paging of its own, and RAM at the guest-physical addresses that a test wants: what
 * instructions need that touch nothing but registers, flags and memory.
 */
final class FlatMachine implements AutoCloseable {
    /** All features there are, as far as the processor knows them. */
    private static final List<Leaf> FEATURES = List.of(
            new Leaf(0, Leaf.ANY_SUBLEAF, 7, 0, 0, 0),
            new Leaf(1, Leaf.ANY_SUBLEAF, 0, 0, -1, -1),
            new Leaf(7, 0, 0, -1, -1, -1),
            new Leaf(0x8000_0000, Leaf.ANY_SUBLEAF, 0x8000_0001, 0, 0, 0),
            new Leaf(0x8000_0001, Leaf.ANY_SUBLEAF, 0, 0, -1, -1));

    private final Arena arena = Arena.ofShared();
    private final Memory host = new Memory(arena);
    private final Tables tables;
    final CpuGroup group;
    final Cpu cpu;
    final Interpreter interpreter;
    private final long base;
    private final long ramHost;
    private final long size;

    /** RAM of {@code size} bytes at {@code base}, in 64-bit mode at CPL 0. */
    FlatMachine(long base, long size) {
        this(base, size, new CpuModel("test", "GenuineIntel", FEATURES, Map.of(), 40, 1_000_000_000));
    }

    /** The same with a CPU model. */
    FlatMachine(long base, long size, CpuModel model) {
        try {
            this.base = base;
            this.size = size;
            ramHost = host.allocate(size, HostMemory.FRAME_SIZE).address();
            tables = new Tables();
            group = new CpuGroup(host);
            cpu = new Cpu(0, model, new NoDevices(), host, tables, group);
            group.add(cpu);
            interpreter = new Interpreter(cpu);
            cpu.intercepts.setExceptions(-1, 0, 0);
        } catch (HostMemoryExhaustedException e) {
            throw new IllegalStateException(e);
        }
        codeSize(8);
    }

    /** A second vCPU of the same partition, in the same mode. */
    Cpu another(int index) {
        try {
            Cpu other = new Cpu(index, cpu.model, new NoDevices(), host, tables, group);
            group.add(other);
            codeSize(other, 8);
            return other;
        } catch (HostMemoryExhaustedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Makes it execute 2-, 4- or 8-byte code, with flat segments. */
    void codeSize(int bytes) {
        codeSize(cpu, bytes);
    }

    private static void codeSize(Cpu cpu, int bytes) {
        cpu.cr0 = Bits.CR0_PE | Bits.CR0_ET | Bits.CR0_NE;
        cpu.efer = bytes == 8 ? Bits.EFER_LME | Bits.EFER_LMA : 0;
        cpu.systemFlags = Bits.FLAG_FIXED;
        cpu.cpl = 0;
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            cpu.segmentBase[segment] = 0;
            cpu.segmentLimit[segment] = -1;
            cpu.segmentAttributes[segment] = 0x8093 | (bytes == 2 ? 0 : 0x4000);
        }
        cpu.segmentAttributes[Cpu.CS] = 0x809B | (bytes == 8 ? 0x2000 : bytes == 4 ? 0x4000 : 0);
        cpu.pending = 0;
        cpu.halted = false;
        cpu.waitingForStartup = false;
        cpu.shutDown = false;
        cpu.modeChanged();
        cpu.flushTlb();
    }

    /** The RAM. */
    MemorySegment ram() {
        return host.segment().asSlice(ramHost, size);
    }

    /** Host-physical address of a guest-physical one. */
    long hostAddress(long gpa) {
        return gpa - base + ramHost;
    }

    /** Writes code where no vCPU does it, and makes it known. */
    void load(long gpa, byte[] code) {
        MemorySegment.copy(MemorySegment.ofArray(code), 0, host.segment(), hostAddress(gpa), code.length);
        group.wroteFromOutside(hostAddress(gpa), code.length);
    }

    /** What second-level paging grants for a page from now on. */
    void protect(long gpa, int rights) {
        tables.rights.put(gpa >>> 12, rights);
        cpu.paging.forgetSecondLevel();
        cpu.flushTlb();
    }

    /**
     * Executes so many instructions, an iteration or a page of a repeated one counting as one; an exception stops it before
     * it is delivered.
     *
     * @return what stopped it
     */
    Kind run(long instructions) {
        cpu.setInstructionLimit(cpu.instructions + instructions);
        interpreter.run();
        return cpu.exit.kind;
    }

    @Override
    public void close() {
        arena.close();
    }

    private static final class Memory implements HostMemory {
        private static final long SIZE = 4 << 20;
        private final MemorySegment segment;
        private long next = FRAME_SIZE;

        Memory(Arena arena) {
            segment = arena.allocate(SIZE, FRAME_SIZE);
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public HostRange allocate(long bytes, long alignment) throws HostMemoryExhaustedException {
            long start = next + alignment - 1 & -alignment;
            long rounded = bytes + FRAME_SIZE - 1 & -FRAME_SIZE;
            if (start + rounded > SIZE) {
                throw new HostMemoryExhaustedException("the test's memory is too small");
            }
            next = start + rounded;
            return new HostRange(start, rounded);
        }

        @Override
        public void free(HostRange range) {
            // the arena takes it back
        }
    }

    private final class Tables implements SecondLevelTables {
        final Map<Long, Integer> rights = new HashMap<>();

        @Override
        public String format() {
            return "test";
        }

        @Override
        public long root() {
            return 0;
        }

        @Override
        public void map(long gpa, long hpa, long bytes, int granted, MemoryType type) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void unmap(long gpa, long bytes) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void protect(long gpa, long bytes, int granted) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void translate(long gpa, int access, Translation result) {
            int granted = rights.getOrDefault(gpa >>> 12, ALL);
            if (gpa < base || gpa >= base + size || granted == 0) {
                result.setRefusal(Translation.Outcome.NOT_PRESENT, 0);
            } else if ((access & ALL & ~granted) != 0) {
                result.setRefusal(Translation.Outcome.NOT_PERMITTED, granted);
            } else {
                result.setPage(hostAddress(gpa), HostMemory.FRAME_SIZE, granted, true);
            }
        }

        @Override
        public void setDirtyLogging(boolean enabled) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void drainDirty(DirtyPageConsumer consumer) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    /** No device is there. */
    private static final class NoDevices implements CpuHost {
        @Override
        public int readPort(int cpu, int port, int bytes) {
            return -1;
        }

        @Override
        public void writePort(int cpu, int port, int bytes, int value) {
            // nobody takes it
        }

        @Override
        public boolean isMemoryMappedIo(long gpa) {
            return false;
        }

        @Override
        public long readMemoryMappedIo(int cpu, long gpa, int bytes) {
            return -1;
        }

        @Override
        public void writeMemoryMappedIo(int cpu, long gpa, int bytes, long value) {
            // nobody takes it
        }

        @Override
        public boolean readMsr(int cpu, int index, long[] value) {
            return false;
        }

        @Override
        public boolean writeMsr(int cpu, int index, long value) {
            return false;
        }

        @Override
        public int acknowledgeInterrupt(int cpu) {
            return -1;
        }

        @Override
        public int taskPriority(int cpu) {
            return 0;
        }

        @Override
        public void setTaskPriority(int cpu, int priority) {
            // there is no APIC
        }

        @Override
        public long timeStampCounter(int cpu) {
            return 0;
        }
    }
}
