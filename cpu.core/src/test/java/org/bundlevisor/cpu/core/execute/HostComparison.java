package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HexFormat;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.cpu.core.host.HostCpu;
import org.bundlevisor.cpu.core.host.HostState;
import org.bundlevisor.cpu.core.host.Operands;

/**
 * The same code with the same registers and memory at the same addresses on the host's processor and on ours. In 64-bit
 * mode, or in 32-bit compatibility mode, which is 32-bit protected mode here.
 */
final class HostComparison implements AutoCloseable {
    final HostCpu host = HostCpu.open();
    final FlatMachine machine;
    final Cpu cpu;
    final Operands random;
    final HostState in = new HostState();
    final HostState out = new HostState();

    /** What memory holds before the code runs. */
    final byte[] before = new byte[HostCpu.MEMORY_SIZE];

    final MemorySegment memoryBefore = MemorySegment.ofArray(before);
    private final boolean wide;
    private final MemorySegment hostData;
    private final MemorySegment guestData;
    private byte[] code = {};

    HostComparison(String test, boolean wide) {
        this.wide = wide;
        machine = new FlatMachine(host.memoryAddress() - 4096, 4096 + HostCpu.MEMORY_SIZE);
        machine.codeSize(wide ? 8 : 4);
        guestData = machine.ram().asSlice(4096);
        hostData = host.memory();
        cpu = machine.cpu;
        random = Operands.seeded(test);
    }

    /** Address of the first byte of memory. */
    long data() {
        return host.memoryAddress();
    }

    /** Address of the first byte of code. */
    long start() {
        return host.codeAddress();
    }

    int registers() {
        return wide ? 16 : 8;
    }

    void fillMemory() {
        for (int i = 0; i < before.length; i += 8) {
            memoryBefore.set(JAVA_LONG_UNALIGNED, i, random.nextLong());
        }
    }

    /** Random registers and arithmetic flags. */
    void fillRegisters() {
        for (int i = 0; i < 16; i++) {
            in.gpr[i] = random.nextLong();
        }
        in.rflags = random.nextInt() & Bits.ARITHMETIC_FLAGS | 2;
    }

    void load(byte[] instructions) {
        code = instructions;
        // what follows, a jump to itself, ends the last trace
        byte[] guestCode = Arrays.copyOf(code, code.length + 2);
        guestCode[code.length] = (byte) 0xEB;
        guestCode[code.length + 1] = (byte) 0xFE;
        machine.load(start(), guestCode);
    }

    /**
     * Runs the code on ours.
     *
     * @param most how many instructions at most
     * @return the exception it raised, or empty
     */
    String runGuest(int most) {
        for (int i = 0; i < 16; i++) {
            cpu.gpr[i] = wide ? in.gpr[i] : in.gpr[i] & 0xFFFF_FFFFL;
        }
        cpu.setRflags(in.rflags);
        cpu.rip = start();
        guestData.copyFrom(memoryBefore);
        long end = start() + code.length;
        for (int i = 0; i < most && cpu.rip != end; i++) {
            Kind stop = machine.run(1);
            if (stop == Kind.EXCEPTION) {
                return "exception " + cpu.exit.vector;
            }
            if (stop != Kind.LIMIT) {
                return stop.toString();
            }
        }
        return cpu.rip == end ? "" : "RIP " + Long.toHexString(cpu.rip - start());
    }

    /** Runs the code on the host. */
    void runHost() {
        hostData.copyFrom(memoryBefore);
        if (wide) {
            host.run(code, in, out);
        } else {
            host.run32(code, in, out);
        }
    }

    /** What ours did otherwise than the host, in the flags given and everywhere else; empty if nothing. */
    String difference(long flags) {
        String registers = registerDifference(out.gpr);
        long at = hostData.mismatch(guestData);
        if (at >= 0) {
            registers += " memory at %x is %x instead of %x".formatted(at, guestData.get(JAVA_BYTE, at),
                    hostData.get(JAVA_BYTE, at));
        }
        return registers + flagDifference(out.rflags, flags);
    }

    /** What differs from the state before: for instructions that fault. */
    String differenceFromBefore() {
        String registers = registerDifference(in.gpr);
        return registers + flagDifference(in.rflags, Bits.ARITHMETIC_FLAGS | Bits.FLAG_DF);
    }

    private String registerDifference(long[] expected) {
        StringBuilder difference = new StringBuilder();
        long mask = wide ? ~0L : 0xFFFF_FFFFL;
        for (int i = 0; i < registers(); i++) {
            if ((cpu.gpr[i] & mask) != (expected[i] & mask)) {
                difference.append(" r%d %x instead of %x".formatted(i, cpu.gpr[i], expected[i] & mask));
            }
        }
        return difference.toString();
    }

    private String flagDifference(long expected, long flags) {
        long wrong = (cpu.rflags() ^ expected) & flags;
        return wrong == 0 ? "" : " flags %x, wrong %x".formatted(cpu.rflags() & flags, wrong);
    }

    /** The code and the registers that it began with. */
    String describe() {
        StringBuilder text = new StringBuilder(HexFormat.of().formatHex(code)).append(" from");
        for (int i = 0; i < registers(); i++) {
            text.append(" %x".formatted(in.gpr[i]));
        }
        return text.append(" flags %x".formatted(in.rflags)).toString();
    }

    @Override
    public void close() {
        machine.close();
        host.close();
    }
}
