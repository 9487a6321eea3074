package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.XsaveArea;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.bundlevisor.mmu.MemoryType;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/**
 * A processor in 64-bit mode whose memory lies where a {@link HostCpu} has its own, so that the same instructions with the same
 * registers must come to the same end.
 */
final class TestProcessor implements AutoCloseable {
    private static final long MEMORY_BYTES = 4 << 20;
    private static final int PAGE = 4096;
    private static final int TABLES = 2 * PAGE;
    private static final long LONG_MODE_CODE = 0xA09B;
    private static final long DATA = 0xC093;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment segment = arena.allocate(MEMORY_BYTES, PAGE);
    private final CpuGroup group;
    private final long codeLinear;
    private final long codeHost;
    private final long memoryHost;
    private final long memoryLinear;
    private byte[] loaded = {};

    final Cpu cpu;

    TestProcessor(HostCpu host) throws HostMemoryExhaustedException {
        codeLinear = host.codeAddress();
        memoryLinear = host.memoryAddress();
        Bump memory = new Bump();
        group = new CpuGroup(memory);
        long tables = memory.allocate(TABLES, PAGE).address();
        codeHost = memory.allocate(PAGE, PAGE).address();
        memoryHost = memory.allocate(HostCpu.MEMORY_SIZE, PAGE).address();
        // page-map level 4 at 0, and below it two pages of 1 GiB, which hold all that the host's CPU uses
        segment.set(JAVA_LONG, tables, PAGE | 7);
        segment.set(JAVA_LONG, tables + PAGE, 0x87);
        segment.set(JAVA_LONG, tables + PAGE + 8, 1L << 30 | 0x87);
        Places places = new Places(Map.of(
                0L, tables, 1L, tables + PAGE, codeLinear >>> 12, codeHost & -PAGE), memoryLinear, memoryHost);
        cpu = new Cpu(0, model(), new NoDevices(), memory, places, group);
        group.add(cpu);
        enterLongMode();
    }

    private static CpuModel model() {
        // SSE to SSE4.2, POPCNT, XSAVE, OSXSAVE; FPU, TSC, MSR, PAE, CX8, CMOV, CLFSH, MMX, FXSR, SSE, SSE2
        CpuModel.Leaf features = new CpuModel.Leaf(1, CpuModel.Leaf.ANY_SUBLEAF, 0x306C3, 0, 0x0CD8_2203, 0x0788_A179);
        return new CpuModel(
                "test",
                "GenuineIntel",
                List.of(
                        new CpuModel.Leaf(0, CpuModel.Leaf.ANY_SUBLEAF, 0xD, 0, 0, 0),
                        features,
                        new CpuModel.Leaf(0xD, 0, 3, 576, 576, 0),
                        new CpuModel.Leaf(0xD, 1, 1, 0, 0, 0),
                        new CpuModel.Leaf(0x8000_0000, CpuModel.Leaf.ANY_SUBLEAF, 0x8000_0001, 0, 0, 0),
                        new CpuModel.Leaf(0x8000_0001, CpuModel.Leaf.ANY_SUBLEAF, 0, 0, 1, 0x2C10_0800)),
                Map.of(),
                40,
                1_000_000_000L);
    }

    private void enterLongMode() {
        cpu.cr0 = Bits.CR0_PE | Bits.CR0_MP | Bits.CR0_ET | Bits.CR0_NE | Bits.CR0_WP | Bits.CR0_PG;
        cpu.cr4 = Bits.CR4_PAE | Bits.CR4_OSFXSR | Bits.CR4_OSXMMEXCPT | Bits.CR4_OSXSAVE;
        cpu.efer = Bits.EFER_LME | Bits.EFER_LMA | Bits.EFER_SCE;
        cpu.cr3 = 0;
        cpu.xcr0 = 3;
        for (int i = Cpu.ES; i <= Cpu.GS; i++) {
            cpu.selector[i] = i == Cpu.CS ? 0x33 : i <= Cpu.DS ? 0x2B : 0;
            cpu.segmentLimit[i] = -1;
            cpu.segmentAttributes[i] = (int) (i == Cpu.CS ? LONG_MODE_CODE : DATA) | 0x60;
        }
        cpu.cpl = 3;
        cpu.modeChanged();
        cpu.flushTlb();
    }

    /** The guest's memory that is at {@code HostCpu.memoryAddress()}. */
    MemorySegment memory() {
        return segment.asSlice(memoryHost, HostCpu.MEMORY_SIZE);
    }

    /**
     * Executes one instruction from one state to another.
     *
     * @return the vector of the exception it raised, or -1
     */
    int run(byte[] code, HostState in, HostState out) {
        load(code);
        System.arraycopy(in.gpr, 0, cpu.gpr, 0, 16);
        cpu.setRflags(in.rflags & HostState.FLAGS | 0x202);
        byte[] area = Arrays.copyOf(in.fx, XsaveArea.SIZE);
        area[512] = 3;
        ExtendedState.restore(cpu, new XsaveArea(area));
        int vector = step();
        System.arraycopy(cpu.gpr, 0, out.gpr, 0, 16);
        out.rflags = cpu.rflags();
        System.arraycopy(ExtendedState.save(cpu).bytes(), 0, out.fx, 0, 512);
        return vector;
    }

    private int step() {
        cpu.rip = codeLinear;
        try {
            Trace trace = cpu.traces.next();
            cpu.gpr[Instruction.RIP] = cpu.rip;
            cpu.rip += trace.instructions[0].length;
            cpu.traceLimit = 1;
            trace.handlers[0].execute(cpu, trace.instructions[0]);
            return -1;
        } catch (GuestFault fault) {
            return fault.vector;
        }
    }

    private void load(byte[] code) {
        if (Arrays.equals(code, loaded)) {
            return;
        }
        long at = codeHost + (codeLinear & PAGE - 1);
        MemorySegment.copy(code, 0, segment, JAVA_BYTE, at, code.length);
        // a branch ends the trace, so that nothing behind it is decoded
        segment.set(JAVA_BYTE, at + code.length, (byte) 0xEB);
        segment.set(JAVA_BYTE, at + code.length + 1, (byte) 0xFE);
        cpu.wroteMemory(at, code.length + 2);
        loaded = code.clone();
    }

    @Override
    public void close() {
        arena.close();
    }

    /** Gives out host memory and never takes it back. */
    private final class Bump implements HostMemory {
        private long next = PAGE;

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public HostRange allocate(long size, long alignment) {
            long address = next + alignment - 1 & -alignment;
            next = address + size;
            return new HostRange(address, size);
        }

        @Override
        public void free(HostRange range) {
            // it all goes with the arena
        }
    }

    /** Second-level paging that knows single pages and one range. */
    private record Places(Map<Long, Long> pages, long rangeStart, long rangeHost) implements SecondLevelTables {
        @Override
        public String format() {
            return "test";
        }

        @Override
        public long root() {
            return 0;
        }

        @Override
        public void map(long gpa, long hpa, long size, int rights, MemoryType type) {
            throw new UnsupportedOperationException("fixed");
        }

        @Override
        public void unmap(long gpa, long size) {
            throw new UnsupportedOperationException("fixed");
        }

        @Override
        public void protect(long gpa, long size, int rights) {
            throw new UnsupportedOperationException("fixed");
        }

        @Override
        public void translate(long gpa, int access, Translation result) {
            Long page = pages.get(gpa >>> 12);
            if (page != null) {
                result.setPage(page + (gpa & PAGE - 1), PAGE, ALL, true);
            } else if (gpa >= rangeStart && gpa < rangeStart + HostCpu.MEMORY_SIZE) {
                result.setPage(gpa - rangeStart + rangeHost, PAGE, ALL, true);
            } else {
                result.setRefusal(Translation.Outcome.NOT_PRESENT, 0);
            }
        }

        @Override
        public void setDirtyLogging(boolean enabled) {
            throw new UnsupportedOperationException("fixed");
        }

        @Override
        public void drainDirty(DirtyPageConsumer consumer) {
            throw new UnsupportedOperationException("fixed");
        }

        @Override
        public void close() {
            // nothing is held
        }
    }

    private static final class NoDevices implements CpuHost {
        @Override
        public int readPort(int cpu, int port, int size) {
            return -1;
        }

        @Override
        public void writePort(int cpu, int port, int size, int value) {
            // no device listens
        }

        @Override
        public boolean isMemoryMappedIo(long gpa) {
            return false;
        }

        @Override
        public long readMemoryMappedIo(int cpu, long gpa, int size) {
            return -1;
        }

        @Override
        public void writeMemoryMappedIo(int cpu, long gpa, int size, long value) {
            // no device listens
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
            // no local APIC
        }

        @Override
        public long timeStampCounter(int cpu) {
            return 0;
        }
    }
}
