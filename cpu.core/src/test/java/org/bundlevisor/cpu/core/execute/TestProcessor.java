package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.XsaveArea;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;

/**
 * A processor whose memory lies where a {@link HostCpu} has its own, and which executes single instructions from one state to
 * another as that does, x87 and SSE state included. What faults here is told, not delivered.
 */
final class TestProcessor implements AutoCloseable {
    /** One page for code, then the memory that instructions may touch. */
    private static final int CODE_BYTES = 4096;

    private final FlatMachine machine;
    private final long code;
    private byte[] loaded = {};

    final Cpu cpu;

    /** With memory where the host has its own, in 64-bit mode. */
    TestProcessor(HostCpu host) {
        this(host.codeAddress(), host.memoryAddress(), 8);
    }

    /**
     * @param code address of the instructions, within the page before {@code memory}
     * @param codeSize 2, 4 or 8
     */
    TestProcessor(long code, long memory, int codeSize) {
        this.code = code;
        machine = new FlatMachine(memory - CODE_BYTES, CODE_BYTES + HostCpu.MEMORY_SIZE, model());
        machine.codeSize(codeSize);
        cpu = machine.cpu;
        cpu.cr0 |= Bits.CR0_MP;
        cpu.cr4 = Bits.CR4_OSFXSR | Bits.CR4_OSXMMEXCPT | Bits.CR4_OSXSAVE;
        cpu.xcr0 = 3;
        cpu.modeChanged();
    }

    /** x87, MMX and SSE to SSE4.2; XSAVE with x87 and SSE state. */
    private static CpuModel model() {
        return new CpuModel(
                "test",
                "GenuineIntel",
                List.of(
                        new CpuModel.Leaf(0, 0, 0xD, 0, 0, 0),
                        new CpuModel.Leaf(1, 0, 0, 0, 0x0C98_0201, 0x0788_8B71),
                        new CpuModel.Leaf(0xD, 0, 3, 576, 576, 0),
                        new CpuModel.Leaf(0xD, 1, 1, 0, 0, 0)),
                Map.of(),
                40,
                1_000_000_000);
    }

    /** The memory behind the code. */
    MemorySegment memory() {
        return machine.ram().asSlice(CODE_BYTES);
    }

    /**
     * Executes one instruction.
     *
     * @return the vector of the exception it raised, or -1
     */
    int run(byte[] bytes, HostState in, HostState out) {
        System.arraycopy(in.gpr, 0, cpu.gpr, 0, 16);
        cpu.setRflags(in.rflags & HostState.FLAGS | 0x202);
        byte[] area = Arrays.copyOf(in.fx, XsaveArea.SIZE);
        area[512] = 3;
        ExtendedState.restore(cpu, new XsaveArea(area));
        int vector = run(bytes);
        System.arraycopy(cpu.gpr, 0, out.gpr, 0, 16);
        out.rflags = cpu.rflags();
        System.arraycopy(ExtendedState.save(cpu).bytes(), 0, out.fx, 0, 512);
        return vector;
    }

    /** Executes one instruction in the state that is; returns as {@link #run(byte[], HostState, HostState)} does. */
    int run(byte[] bytes) {
        load(bytes);
        cpu.rip = code;
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

    private void load(byte[] bytes) {
        if (Arrays.equals(bytes, loaded)) {
            return;
        }
        // a branch to itself ends the trace, so that nothing behind it is decoded
        byte[] all = Arrays.copyOf(bytes, bytes.length + 2);
        all[bytes.length] = (byte) 0xEB;
        all[bytes.length + 1] = (byte) 0xFE;
        MemorySegment.copy(all, 0, cpu.memory, JAVA_BYTE, machine.hostAddress(code), all.length);
        cpu.wroteMemory(machine.hostAddress(code), all.length);
        loaded = bytes.clone();
    }

    @Override
    public void close() {
        machine.close();
    }
}
