package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuModel.Leaf;
import org.bundlevisor.cpu.core.Intercepts;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.decode.OpcodeTable;
import org.bundlevisor.memory.HostMemoryExhaustedException;

/**
 * One vCPU with 16 MiB of memory and nothing else, brought into a mode with flat segments, to execute hand-assembled code.
 * Nothing is intercepted at first; {@link #run} goes on until HLT at CPL 0, or until something else stops it.
 *
 * <p>Memory: code by convention at {@link #CODE}, user code at {@link #USER_CODE}, handlers of vector n at {@link #HANDLERS} + 16n
 * once {@link #handlers} was called, stacks below {@link #STACK} and {@link #INNER_STACK}; tables as the constants say.
 */
final class TestMachine implements AutoCloseable {
    static final long MEMORY = 16L << 20;

    static final long GDT = 0x1000;
    static final long IDT = 0x2000;
    static final long TSS = 0x3000;

    /** Of the 64-bit and PAE modes; six pages of it. */
    static final long PAGE_TABLES = 0x10000;

    static final long CODE = 0x20000;
    static final long USER_CODE = 0x30000;
    static final long HANDLERS = 0x40000;
    static final long DATA = 0x50000;
    static final long STACK = 0x60000;
    static final long INNER_STACK = 0x70000;
    static final long INTERRUPT_STACK = 0x80000;

    // selectors of the GDT
    static final int CODE_32 = 0x08;
    static final int DATA_32 = 0x10;
    static final int CODE_64 = 0x18;
    static final int USER_CODE_32 = 0x20 | 3;
    static final int USER_DATA = 0x28 | 3;
    static final int USER_CODE_64 = 0x30 | 3;
    static final int CODE_16 = 0x38;
    static final int DATA_16 = 0x40;
    static final int TASK = 0x48;
    /** Free places, of 8 bytes each, up to the GDT's limit. */
    static final int FREE = 0x58;

    private static final int GDT_LIMIT = 0xFF;

    private final TestMemory memory;
    private final CpuGroup group;
    private final long ram;

    final TestHost host = new TestHost();
    final TestTables tables;
    final Cpu cpu;
    final Interpreter engine;
    final LiveRegisters registers;
    final ProcessorExit exit;
    final Intercepts intercepts;

    private int gateType;
    private int handlerSelector;
    private boolean wide;

    TestMachine() {
        this(model());
    }

    TestMachine(CpuModel model) {
        try {
            memory = new TestMemory(MEMORY + (4L << 20));
            ram = memory.allocate(MEMORY, 4096).address();
            tables = new TestTables(ram, MEMORY);
            group = new CpuGroup(memory);
            cpu = new Cpu(0, model, host, memory, tables, group);
        } catch (HostMemoryExhaustedException e) {
            throw new AssertionError(e);
        }
        group.add(cpu);
        engine = new Interpreter(cpu);
        registers = new LiveRegisters(cpu);
        exit = cpu.exit;
        intercepts = cpu.intercepts();
        intercepts.setPorts(port -> false);
        intercepts.setMsrs((index, write) -> false);
        cpu.setInstructionLimit(100_000);
    }

    /** All features that the processor has, as model {@code x86-64-v2} announces them. */
    static CpuModel model() {
        return new CpuModel(
                "test",
                "GenuineIntel",
                List.of(
                        new Leaf(0, Leaf.ANY_SUBLEAF, 0x16, 0x756E_6547, 0x6C65_746E, 0x4965_6E69),
                        new Leaf(1, Leaf.ANY_SUBLEAF, 0x30661, 0x10800, 0xC7DA_2201, 0x078B_FBFD),
                        new Leaf(7, 0, 0, 0x0010_0681, 4, 0),
                        new Leaf(0xB, 0, 0, 1, 0x100, 0),
                        new Leaf(0xD, 0, 3, 576, 576, 0),
                        new Leaf(0x8000_0000, Leaf.ANY_SUBLEAF, 0x8000_0001, 0, 0, 0),
                        new Leaf(0x8000_0001, Leaf.ANY_SUBLEAF, 0, 0, 1, 0x2C10_0800)),
                Map.of(0x17, 0L),
                40,
                1_000_000_000);
    }

    @Override
    public void close() {
        cpu.close();
        group.close();
        memory.close();
    }

    // ---- modes

    /** Real mode with all segments at 0, the interrupt table at 0. */
    TestMachine realMode() {
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            Segments.set(cpu, segment, 0, 0, 0xFFFF, segment == Cpu.CS ? Segments.REAL_CODE : Segments.REAL_DATA);
        }
        cpu.idtrLimit = 0x3FF;
        cpu.gpr[Cpu.RSP] = 0x8000;
        cpu.modeChanged();
        return this;
    }

    /** Protected mode at CPL 0 with flat 32-bit segments and a task, no paging. */
    TestMachine protectedMode() {
        writeGdt();
        cpu.cr0 = Bits.CR0_PE | Bits.CR0_ET | Bits.CR0_NE;
        loadSegments(CODE_32);
        Segments.set(cpu, Cpu.TR, TASK, TSS, 0xFFF, 0x8B);
        write32(TSS + 4, (int) INNER_STACK);
        write32(TSS + 8, DATA_32);
        write16(TSS + 102, 0x800);
        gateType = Descriptors.INTERRUPT_GATE_32;
        handlerSelector = CODE_32;
        cpu.modeChanged();
        return this;
    }

    /** Protected mode with the first 16 MiB mapped one to one in 4 KiB pages for supervisor and user. */
    TestMachine pagedMode() {
        protectedMode();
        for (int i = 0; i < 4; i++) {
            write32(PAGE_TABLES + 4L * i, (int) PAGE_TABLES + 0x1000 * (i + 1) | 7);
        }
        for (int page = 0; page < 4096; page++) {
            write32(PAGE_TABLES + 0x1000 + 4L * page, page << 12 | 7);
        }
        cpu.control.setCr3(PAGE_TABLES);
        cpu.control.setCr0(cpu.cr0 | Bits.CR0_PG | Bits.CR0_WP);
        return this;
    }

    /** 64-bit mode at CPL 0, the first 2 MiB in 4 KiB pages, the rest in 2 MiB pages, for supervisor and user. */
    TestMachine longMode() {
        writeGdt();
        write64(PAGE_TABLES, PAGE_TABLES + 0x1000 | 7);
        write64(PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2000 | 7);
        write64(PAGE_TABLES + 0x2000, PAGE_TABLES + 0x3000 | 7);
        for (int i = 1; i < 8; i++) {
            write64(PAGE_TABLES + 0x2000 + 8L * i, (long) i << 21 | 0x87);
        }
        for (int page = 0; page < 512; page++) {
            write64(PAGE_TABLES + 0x3000 + 8L * page, (long) page << 12 | 7);
        }
        cpu.cr4 = Bits.CR4_PAE | Bits.CR4_OSFXSR | Bits.CR4_OSXMMEXCPT;
        cpu.cr3 = PAGE_TABLES;
        cpu.efer = Bits.EFER_SCE | Bits.EFER_LME | Bits.EFER_NXE;
        cpu.control.setCr0(Bits.CR0_PE | Bits.CR0_PG | Bits.CR0_WP | Bits.CR0_ET | Bits.CR0_NE);
        loadSegments(CODE_64);
        Segments.set(cpu, Cpu.TR, TASK, TSS, 0xFFF, 0x8B);
        write64(TSS + 4, INNER_STACK);
        write64(TSS + 0x24, INTERRUPT_STACK);
        write16(TSS + 102, 0x800);
        gateType = Descriptors.INTERRUPT_GATE_32;
        handlerSelector = CODE_64;
        wide = true;
        cpu.modeChanged();
        return this;
    }

    private void writeGdt() {
        write64(GDT + CODE_32, 0x00CF_9B00_0000_FFFFL);
        write64(GDT + DATA_32, 0x00CF_9300_0000_FFFFL);
        write64(GDT + CODE_64, 0x00AF_9B00_0000_FFFFL);
        write64(GDT + (USER_CODE_32 & ~3), 0x00CF_FB00_0000_FFFFL);
        write64(GDT + (USER_DATA & ~3), 0x00CF_F300_0000_FFFFL);
        write64(GDT + (USER_CODE_64 & ~3), 0x00AF_FB00_0000_FFFFL);
        write64(GDT + CODE_16, 0x0000_9B00_0000_FFFFL);
        write64(GDT + DATA_16, 0x0000_9300_0000_FFFFL);
        write64(GDT + TASK, 0x0000_8B00_0000_0FFFL | TSS << 16);
        write64(GDT + TASK + 8, 0);
        cpu.gdtrBase = GDT;
        cpu.gdtrLimit = GDT_LIMIT;
        cpu.idtrBase = IDT;
        cpu.idtrLimit = 0xFFF;
    }

    private void loadSegments(int code) {
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            int selector = segment == Cpu.CS ? code : DATA_32;
            Segments.set(cpu, segment, selector, read64(GDT + selector));
        }
        Segments.setNull(cpu, Cpu.LDTR, 0);
        cpu.gpr[Cpu.RSP] = STACK;
    }

    /** Goes to CPL 3 with flat segments: 64-bit code in long mode, else 32-bit. */
    TestMachine user() {
        cpu.cpl = 3;
        for (int segment = Cpu.ES; segment <= Cpu.GS; segment++) {
            int selector = segment != Cpu.CS ? USER_DATA : wide ? USER_CODE_64 : USER_CODE_32;
            Segments.set(cpu, segment, selector, read64(GDT + (selector & ~3)));
        }
        cpu.modeChanged();
        return this;
    }

    // ---- descriptors and gates

    void descriptor(int selector, long value) {
        write64(GDT + (selector & ~7), value);
    }

    /** A gate of the mode's own kind to an address, DPL 3. */
    void gate(int vector, long address) {
        gate(vector, handlerSelector, address, gateType | 0xE0, 0);
    }

    /** @param attributes type, DPL and P in a byte */
    void gate(int vector, int selector, long address, int attributes, int interruptStack) {
        long low = address & 0xFFFF
                | (long) selector << 16
                | (long) interruptStack << 32
                | (long) attributes << 40
                | (address & 0xFFFF_0000L) << 32;
        write64(IDT + (wide ? 16L : 8L) * vector, low);
        if (wide) {
            write64(IDT + 16L * vector + 8, address >>> 32);
        }
    }

    /** Gates for all exceptions, with a HLT behind each. */
    TestMachine handlers() {
        for (int vector = 0; vector < 32; vector++) {
            gate(vector, HANDLERS + 16L * vector);
            write8(HANDLERS + 16L * vector, 0xF4);
        }
        return this;
    }

    /** The vector whose handler's HLT has just been executed, with {@link #handlers}. */
    int vectorTaken() {
        return (int) (cpu.rip - HANDLERS) >>> 4;
    }

    // ---- memory, guest-physical

    /** Puts code down, in hexadecimal, blanks between the bytes or not; returns the address behind it. */
    long code(long at, String bytes) {
        byte[] parsed = HexFormat.of().parseHex(bytes.replace(" ", ""));
        MemorySegment.copy(parsed, 0, memory.segment(), JAVA_BYTE, ram + at, parsed.length);
        cpu.traces.flush();
        return at + parsed.length;
    }

    /** Host-physical address of a guest-physical one. */
    long hostAddress(long at) {
        return ram + at;
    }

    void write8(long at, int value) {
        memory.segment().set(JAVA_BYTE, ram + at, (byte) value);
    }

    void write16(long at, int value) {
        memory.segment().set(JAVA_SHORT_UNALIGNED, ram + at, (short) value);
    }

    void write32(long at, int value) {
        memory.segment().set(JAVA_INT_UNALIGNED, ram + at, value);
    }

    void write64(long at, long value) {
        memory.segment().set(JAVA_LONG_UNALIGNED, ram + at, value);
    }

    int read8(long at) {
        return memory.segment().get(JAVA_BYTE, ram + at) & 0xFF;
    }

    int read16(long at) {
        return memory.segment().get(JAVA_SHORT_UNALIGNED, ram + at) & 0xFFFF;
    }

    int read32(long at) {
        return memory.segment().get(JAVA_INT_UNALIGNED, ram + at);
    }

    long read64(long at) {
        return memory.segment().get(JAVA_LONG_UNALIGNED, ram + at);
    }

    // ---- running

    /** Runs from an address until HLT or another stop. */
    ProcessorExit run(long at) {
        cpu.rip = at;
        return resume();
    }

    ProcessorExit resume() {
        cpu.halted = false;
        cpu.interceptsChanged();
        engine.run();
        return exit;
    }

    /** Puts code at {@link #CODE} with a HLT behind it, and runs it. */
    ProcessorExit execute(String bytes) {
        write8(code(CODE, bytes), 0xF4);
        return run(CODE);
    }

    /** The table of opcodes, for tests that look at all instructions. */
    OpcodeTable opcodes() {
        return group.opcodes();
    }

    HandlerTable handlerTable() {
        return group.handlers();
    }

    CpuGroup group() {
        return group;
    }
}
