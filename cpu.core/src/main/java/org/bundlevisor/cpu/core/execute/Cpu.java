package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import org.bundlevisor.cpu.CpuHost;
import org.bundlevisor.cpu.CpuModel;
import org.bundlevisor.cpu.CpuState.Injection;
import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.Intercepts;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.softfloat.SseArithmetic;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.mmu.SecondLevelTables;
import org.bundlevisor.mmu.Translation;

/**
 * The registers of one vCPU and its way to memory: what every handler works on. All fields belong to the vCPU's thread.
 *
 * <p>The six arithmetic flags are kept as four words that the last flag-setting instruction left, from which each flag is
 * a test away: nothing is computed that nobody reads, and nobody has to know which instruction it was.
 */
public final class Cpu {
    /** Numbers of {@link #gpr} and of the segment arrays. */
    static final int RAX = 0;

    static final int RCX = 1;
    static final int RDX = 2;
    static final int RBX = 3;
    static final int RSP = 4;
    static final int RBP = 5;
    static final int RSI = 6;
    static final int RDI = 7;

    static final int ES = 0;
    static final int CS = 1;
    static final int SS = 2;
    static final int DS = 3;
    static final int FS = 4;
    static final int GS = 5;
    static final int LDTR = 6;
    static final int TR = 7;

    /** Bits of {@link #pending}: why the loop must look up before the next trace. */
    static final int PENDING_INJECTION = 1;

    static final int PENDING_SHADOW = 1 << 1;
    static final int PENDING_SINGLE_STEP = 1 << 2;
    static final int PENDING_DEBUG = 1 << 3;
    static final int PENDING_WINDOW = 1 << 4;
    static final int PENDING_IDLE = 1 << 5;
    static final int PENDING_BREAKPOINTS = 1 << 6;

    private static final long[] ADDRESS_MASKS = {0, 0, 0xFFFF, 0, 0xFFFF_FFFFL, 0, 0, 0, ~0L};

    /** Sixteen general registers, then one that is always zero, then RIP at the start of the current trace. */
    final long[] gpr = new long[18];

    /** RIP at instruction boundaries; within a trace the RIP behind it, which a branch replaces. */
    long rip;

    /** ZF is set if and only if this is 0. */
    long flagZero = 1;

    /** SF is bit 63, PF the parity of the low byte. */
    long flagSign;

    /** CF is bit 63, AF is bit 3. */
    long flagCarry;

    /** OF is bit 63. */
    long flagOverflow;

    /** RFLAGS without the six arithmetic flags; change it through {@link #setRflags} or tell {@link #modeChanged}. */
    long systemFlags = Bits.FLAG_FIXED;

    // segment registers: ES CS SS DS FS GS LDTR TR
    final int[] selector = new int[8];
    final long[] segmentBase = new long[8];
    final int[] segmentLimit = new int[8];

    /** As in {@code CpuState.Segment}. */
    final int[] segmentAttributes = new int[8];

    /** What is added to an offset: the base, or 0 for those segments whose base 64-bit mode ignores. */
    final long[] effectiveBase = new long[8];

    /** Whether an access must be checked against type and limit; false for flat segments and in 64-bit mode. */
    final boolean[] segmentChecked = new boolean[8];

    long gdtrBase;
    int gdtrLimit;
    long idtrBase;
    int idtrLimit;

    long cr0;
    long cr2;
    long cr3;
    long cr4;
    long efer;
    long xcr0 = 1;
    final long[] dr = new long[8];
    int cpl;

    /** XMM registers, low and high quadword of each in turn. */
    final long[] xmm = new long[32];

    int mxcsr = 0x1F80;

    /** Size of code in bytes (2, 4, 8), width of a linear address, and what the stack pointer is cut to. */
    int codeSize = 2;

    long linearMask = 0xFFFF_FFFFL;
    long ripMask = 0xFFFF_FFFFL;
    long stackMask = 0xFFFF;

    /** Host-physical address of the current TLB table, its context, and the stamp in the tags. */
    long tlbBase;

    int tlbContext;
    long tlbStamp;

    /** What a cached look-up of a trace depends on beside its linear address. */
    long codeContext;

    private long flushes;

    /** How many instructions of the current trace may execute; a store into the trace makes it 0. */
    int traceLimit;

    /** Why the loop must look up, own thread; and the same from other threads, see {@link Signals}. */
    int pending;

    /** The event to deliver before the next instruction. */
    Injection injection = Injection.NONE;

    /** Interrupt shadow: 0 none, 1 STI, 2 MOV SS, which holds for the next instruction. */
    int shadow;

    /** DR6 bits of debug exceptions that are due at the next boundary. */
    long pendingDebug;

    boolean nmiBlocked;
    boolean halted;
    boolean waitingForStartup;
    boolean shutDown;

    /** Instructions executed up to the start of the current trace. */
    long instructions;

    long instructionLimit = Long.MAX_VALUE;

    /** Instructions of the current trace before the one that is calling the host. */
    int executedInTrace;

    /** The one instruction that is executing may reach devices directly: the backend completes an exit with it. */
    boolean completing;

    /** The instruction that has just executed causes no single-step trap even though TF was set before it. */
    boolean stepSuppressed;

    final int index;
    final CpuModel model;
    final CpuHost host;
    final Intercepts intercepts = new Intercepts();
    final ProcessorExit exit = new ProcessorExit();
    final Signals signals;
    final MemorySegment memory;
    final Tlb tlb;
    final Paging paging;
    final TraceCache traces;
    final CodeFrames codeFrames;
    final ModelSpecificRegisters msrs;
    final ControlRegisters control;
    final EventDelivery events;
    final TargetStack targetStack = new TargetStack(this);
    final Features features;
    final X87 x87 = new X87();

    /** Arithmetic of SSE instructions, begun anew by each of them. */
    final SseArithmetic sse = new SseArithmetic();

    /** TSC offset of the guest, added to the host's counter. */
    long timeStampOffset;

    /** Scratch for one model-specific register. */
    final long[] msrValue = new long[1];

    private final GuestFault fault = new GuestFault();
    private final ExitSignal exitSignal = new ExitSignal();
    private final Object splitLock;

    /**
     * @param index number of the vCPU
     * @param shared what the vCPUs of the partition have in common
     */
    public Cpu(
            int index, CpuModel model, CpuHost host, HostMemory hostMemory, SecondLevelTables tables, CpuGroup shared)
            throws HostMemoryExhaustedException {
        this.index = index;
        this.model = model;
        this.host = host;
        this.memory = hostMemory.segment();
        this.tlb = new Tlb(hostMemory);
        this.paging = new Paging(this, memory, new SecondLevelCache(tables), tlb, model.physicalAddressBits());
        this.codeFrames = shared.codeFrames();
        this.splitLock = shared;
        this.signals = new Signals();
        this.features = new Features(model);
        this.traces = new TraceCache(this, shared);
        this.control = new ControlRegisters(this);
        this.events = new EventDelivery(this);
        this.msrs = new ModelSpecificRegisters(this);
        new Reset(this).powerUp();
    }

    /** Gives the TLB back. */
    public void close() {
        tlb.close();
    }

    // ---- flags

    boolean carry() {
        return flagCarry < 0;
    }

    boolean zero() {
        return flagZero == 0;
    }

    boolean sign() {
        return flagSign < 0;
    }

    boolean overflow() {
        return flagOverflow < 0;
    }

    boolean parity() {
        return (Integer.bitCount((int) flagSign & 0xFF) & 1) == 0;
    }

    boolean adjust() {
        return (flagCarry & 8) != 0;
    }

    void setCarry(boolean on) {
        flagCarry = on ? flagCarry | Long.MIN_VALUE : flagCarry & Long.MAX_VALUE;
    }

    void setZero(boolean on) {
        flagZero = on ? 0 : 1;
    }

    /** Sets all six arithmetic flags from their places in RFLAGS. */
    void setArithmeticFlags(long flags) {
        flagZero = (flags & Bits.FLAG_ZF) != 0 ? 0 : 1;
        flagSign = ((flags & Bits.FLAG_SF) != 0 ? Long.MIN_VALUE : 0) | ((flags & Bits.FLAG_PF) != 0 ? 0 : 1);
        flagCarry = ((flags & Bits.FLAG_CF) != 0 ? Long.MIN_VALUE : 0) | ((flags & Bits.FLAG_AF) != 0 ? 8 : 0);
        flagOverflow = (flags & Bits.FLAG_OF) != 0 ? Long.MIN_VALUE : 0;
    }

    /** RFLAGS as software sees it. */
    long rflags() {
        return systemFlags
                | (carry() ? Bits.FLAG_CF : 0)
                | (parity() ? Bits.FLAG_PF : 0)
                | (adjust() ? Bits.FLAG_AF : 0)
                | (zero() ? Bits.FLAG_ZF : 0)
                | (sign() ? Bits.FLAG_SF : 0)
                | (overflow() ? Bits.FLAG_OF : 0);
    }

    /** Replaces RFLAGS and acts on what has changed. The fixed bits need not be right. */
    void setRflags(long flags) {
        long before = systemFlags;
        replaceRflags(flags);
        if (((before ^ systemFlags) & Bits.FLAG_VM) != 0) {
            modeChanged();
        } else if (((before ^ systemFlags) & Bits.FLAG_AC) != 0) {
            accessContextChanged();
        }
    }

    /** Replaces RFLAGS; the caller calls {@link #modeChanged} afterwards. */
    void replaceRflags(long flags) {
        setArithmeticFlags(flags);
        systemFlags = flags & 0x3F_7702L & ~Bits.ARITHMETIC_FLAGS | Bits.FLAG_FIXED;
        if ((systemFlags & (Bits.FLAG_TF | Bits.FLAG_RF)) != 0) {
            pending |= PENDING_SINGLE_STEP;
        }
    }

    boolean flag(long bit) {
        return (systemFlags & bit) != 0;
    }

    // ---- modes

    boolean realMode() {
        return (cr0 & Bits.CR0_PE) == 0;
    }

    boolean virtual8086() {
        return (systemFlags & Bits.FLAG_VM) != 0;
    }

    /** Protected mode proper: neither real nor virtual-8086. */
    boolean protectedMode() {
        return !realMode() && !virtual8086();
    }

    /** IA-32e mode, compatibility mode included. */
    boolean longMode() {
        return (efer & Bits.EFER_LMA) != 0;
    }

    /** PAE paging is in use: not 4-level paging, which needs PAE as well. */
    boolean paePaging() {
        return (cr0 & Bits.CR0_PG) != 0 && (cr4 & Bits.CR4_PAE) != 0 && !longMode();
    }

    boolean code64() {
        return codeSize == 8;
    }

    int ioPrivilegeLevel() {
        return (int) (systemFlags >>> 12) & 3;
    }

    /**
     * Derives everything that depends on CR0, CR4, EFER, RFLAGS.VM and AC, CPL and the segment registers. To be called by
     * whoever changes one of them; it is cheap, but not for each instruction.
     */
    void modeChanged() {
        boolean longActive = longMode();
        int codeAttributes = segmentAttributes[CS];
        codeSize = longActive && (codeAttributes & 1 << 13) != 0 ? 8 : (codeAttributes & 1 << 14) != 0 ? 4 : 2;
        boolean wide = codeSize == 8;
        linearMask = wide ? ~0L : 0xFFFF_FFFFL;
        ripMask = wide ? ~0L : 0xFFFF_FFFFL;
        stackMask = wide ? ~0L : (segmentAttributes[SS] & 1 << 14) != 0 ? 0xFFFF_FFFFL : 0xFFFF;
        for (int segment = ES; segment <= GS; segment++) {
            effectiveBase[segment] = wide && segment < FS ? 0 : segmentBase[segment];
            segmentChecked[segment] = !wide && !isFlat(segment);
        }
        accessContextChanged();
        codeContextChanged();
    }

    /** Derives what depends on CPL, RFLAGS.AC and CR0.AM alone: which table of the TLB data accesses go by. */
    void accessContextChanged() {
        int context;
        if (cpl == 3) {
            boolean checksAlignment = (cr0 & Bits.CR0_AM) != 0 && flag(Bits.FLAG_AC);
            context = checksAlignment ? Tlb.NEVER : Tlb.USER;
        } else {
            context = flag(Bits.FLAG_AC) ? Tlb.SUPERVISOR_AC : Tlb.SUPERVISOR;
        }
        tlbContext = context;
        tlbBase = tlb.base(context);
    }

    /** Changes the base of FS or GS alone, as 64-bit mode can. */
    void setBase(int segment, long base) {
        segmentBase[segment] = base;
        effectiveBase[segment] = base;
    }

    /** Flat and good for everything: readable, writable where it is data, present, limit 4 GiB. */
    private boolean isFlat(int segment) {
        int attributes = segmentAttributes[segment];
        boolean usable = (attributes & (1 << 16 | 1 << 7)) == 1 << 7;
        boolean writableData = (attributes & 0x1E) == 0x12;
        return usable && writableData && segmentLimit[segment] == -1;
    }

    private void codeContextChanged() {
        int mode = codeSize == 8 ? 2 : codeSize == 4 ? 1 : 0;
        codeContext = flushes + tlb.clears() << 16 | tlbStamp << 4 | (cpl == 3 ? 4 : 0) | mode;
    }

    /** Raises #GP(0) unless CPL is 0. */
    void requireKernel() {
        if (cpl != 0) {
            throw raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** What decoding depends on, for trace keys: 0 for 16-bit, 1 for 32-bit, 2 for 64-bit code. */
    int codeMode() {
        return codeSize == 8 ? 2 : codeSize == 4 ? 1 : 0;
    }

    // ---- the TLB

    private int pcid() {
        return (cr4 & Bits.CR4_PCIDE) != 0 ? (int) cr3 & 0xFFF : 0;
    }

    /** Makes the translations of the current CR3 current, as far as some are kept. */
    void addressSpaceChanged() {
        tlbStamp = tlb.stamp(pcid());
        codeContextChanged();
    }

    /** Forgets all translations, of all PCIDs, global ones included. */
    void flushTlb() {
        tlb.flushAll();
        flushes++;
        addressSpaceChanged();
    }

    /** Forgets the translations of one PCID. */
    void flushTlb(int pcid) {
        tlb.flush(pcid);
        flushes++;
        addressSpaceChanged();
    }

    /** Forgets the translation of one page, in all PCIDs. */
    void flushTlbPage(long linear) {
        if (tlb.flushPage(linear)) {
            flushes++;
            codeContextChanged();
        } else {
            flushTlb();
        }
    }

    // ---- addresses

    /** Linear address of an instruction's memory operand, checked against the segment for an access of so many bytes. */
    long address(Instruction in, int size, boolean write) {
        return in.addressSize == 8 ? address64(in) : address32(in, size, write);
    }

    /** The same for a 64-bit address: in 64-bit mode alone, where no segment is checked. */
    long address64(Instruction in) {
        return gpr[in.base] + (gpr[in.index] << in.scale) + in.displacement + effectiveBase[in.segment];
    }

    private long address32(Instruction in, int size, boolean write) {
        long offset = gpr[in.base] + (gpr[in.index] << in.scale) + in.displacement & ADDRESS_MASKS[in.addressSize];
        int segment = in.segment;
        if (segmentChecked[segment]) {
            Segments.check(this, segment, offset, size, write);
        }
        return offset + effectiveBase[segment] & linearMask;
    }

    /** The offset of a memory operand in its segment, as LEA computes it. */
    long offset(Instruction in) {
        return gpr[in.base] + (gpr[in.index] << in.scale) + in.displacement & ADDRESS_MASKS[in.addressSize];
    }

    /** Linear address of an offset in a segment, checked for an access of so many bytes. */
    long address(int segment, long offset, int size, boolean write) {
        if (segmentChecked[segment]) {
            Segments.check(this, segment, offset, size, write);
        }
        return offset + effectiveBase[segment] & linearMask;
    }

    static long addressMask(int addressSize) {
        return ADDRESS_MASKS[addressSize];
    }

    /** RIP of an instruction of the current trace. */
    long ripOf(Instruction in) {
        return gpr[Instruction.RIP] + in.offset & ripMask;
    }

    /** RIP behind an instruction of the current trace. */
    long ripAfter(Instruction in) {
        return gpr[Instruction.RIP] + in.offset + in.length & ripMask;
    }

    /** Continues at another place of the code segment, after checking that it lies there. */
    void branch(long target) {
        if (codeSize == 8) {
            if (target << 16 >> 16 != target) {
                throw raise(Vectors.GENERAL_PROTECTION, 0);
            }
        } else if (Long.compareUnsigned(target, segmentLimit[CS] & 0xFFFF_FFFFL) > 0) {
            throw raise(Vectors.GENERAL_PROTECTION, 0);
        }
        rip = target;
    }

    // ---- memory with the current privilege; linear addresses

    int read8(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.READ) == (linear & ~0xFFFL | tlbStamp)) {
            int value = memory.get(JAVA_BYTE, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND)) & 0xFF;
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(linear, 1, tlbContext);
    }

    int read16(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.READ) == (linear + 1 & ~0xFFFL | tlbStamp)) {
            int value = memory.get(JAVA_SHORT_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND))
                    & 0xFFFF;
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(linear, 2, tlbContext);
    }

    int read32(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.READ) == (linear + 3 & ~0xFFFL | tlbStamp)) {
            int value = memory.get(JAVA_INT_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND));
            VarHandle.acquireFence();
            return value;
        }
        return (int) readSlow(linear, 4, tlbContext);
    }

    long read64(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.READ) == (linear + 7 & ~0xFFFL | tlbStamp)) {
            long value = memory.get(JAVA_LONG_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND));
            VarHandle.acquireFence();
            return value;
        }
        return readSlow(linear, 8, tlbContext);
    }

    /** Reads 1, 2, 4 or 8 bytes, zero-extended. */
    long read(long linear, int size) {
        return switch (size) {
            case 1 -> read8(linear);
            case 2 -> read16(linear);
            case 4 -> read32(linear) & 0xFFFF_FFFFL;
            default -> read64(linear);
        };
    }

    void write8(long linear, int value) {
        VarHandle.releaseFence();
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) == (linear & ~0xFFFL | tlbStamp)) {
            memory.set(JAVA_BYTE, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND), (byte) value);
            return;
        }
        writeSlow(linear, value, 1, tlbContext);
    }

    void write16(long linear, int value) {
        VarHandle.releaseFence();
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) == (linear + 1 & ~0xFFFL | tlbStamp)) {
            memory.set(JAVA_SHORT_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND),
                    (short) value);
            return;
        }
        writeSlow(linear, value, 2, tlbContext);
    }

    void write32(long linear, int value) {
        VarHandle.releaseFence();
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) == (linear + 3 & ~0xFFFL | tlbStamp)) {
            memory.set(JAVA_INT_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND), value);
            return;
        }
        writeSlow(linear, value, 4, tlbContext);
    }

    void write64(long linear, long value) {
        VarHandle.releaseFence();
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) == (linear + 7 & ~0xFFFL | tlbStamp)) {
            memory.set(JAVA_LONG_UNALIGNED, linear + memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.ADDEND), value);
            return;
        }
        writeSlow(linear, value, 8, tlbContext);
    }

    /** Writes the low 1, 2, 4 or 8 bytes. */
    void write(long linear, long value, int size) {
        switch (size) {
            case 1 -> write8(linear, (int) value);
            case 2 -> write16(linear, (int) value);
            case 4 -> write32(linear, (int) value);
            default -> write64(linear, value);
        }
    }

    /** Reads what will be written back: a page that may not be written faults now, before anything has changed. */
    int read32ForWrite(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) != (linear + 3 & ~0xFFFL | tlbStamp)) {
            probeWrite(linear, 4);
        }
        return read32(linear);
    }

    /** As {@link #read32ForWrite}. */
    long read64ForWrite(long linear) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) != (linear + 7 & ~0xFFFL | tlbStamp)) {
            probeWrite(linear, 8);
        }
        return read64(linear);
    }

    /** As {@link #read32ForWrite}, for 1, 2, 4 or 8 bytes, zero-extended. */
    long readForWrite(long linear, int size) {
        long entry = tlbBase + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        if (memory.get(JAVA_LONG_UNALIGNED, entry + Tlb.WRITE) != (linear + size - 1 & ~0xFFFL | tlbStamp)) {
            probeWrite(linear, size);
        }
        return read(linear, size);
    }

    /** Reads as the processor itself does, for descriptor tables and task states: supervisor, whatever the CPL. */
    long readSystem(long linear, int size) {
        return readSlow(linear & linearMaskOfSystem(), size, Tlb.SUPERVISOR);
    }

    /** Writes as the processor itself does. */
    void writeSystem(long linear, long value, int size) {
        writeSlow(linear & linearMaskOfSystem(), value, size, Tlb.SUPERVISOR);
    }

    private long linearMaskOfSystem() {
        return longMode() ? ~0L : 0xFFFF_FFFFL;
    }

    /**
     * Raises what a write of so many bytes would raise, and does nothing else: for instructions that write more than once
     * and must not stop half-way.
     */
    void probeWrite(long linear, int size) {
        if (tlbContext == Tlb.NEVER) {
            checkAlignment(linear, size);
        }
        hostForWrite(linear, effectiveContext());
        if ((linear & 0xFFF) + size > 4096) {
            hostForWrite((linear | 0xFFF) + 1 & linearMask, effectiveContext());
        }
    }

    /** Raises what a read of so many bytes would raise. */
    void probeRead(long linear, int size) {
        hostFor(linear, SecondLevelTables.READ, effectiveContext());
        if ((linear & 0xFFF) + size > 4096) {
            hostFor((linear | 0xFFF) + 1 & linearMask, SecondLevelTables.READ, effectiveContext());
        }
    }

    /**
     * Host-physical address of memory that string instructions and locked operations may then use directly.
     *
     * @return -1 when the page is a device's or must be written with care ({@link #write})
     */
    long hostForRead(long linear) {
        return hostFor(linear, SecondLevelTables.READ, effectiveContext());
    }

    /** The same for writing; whoever writes calls {@link #wroteMemory} afterwards unless {@link #mayCacheWrites} says no. */
    long hostForWrite(long linear) {
        return hostForWrite(linear, effectiveContext());
    }

    private int effectiveContext() {
        return tlbContext == Tlb.NEVER ? Tlb.USER : tlbContext;
    }

    private long hostForWrite(long linear, int context) {
        return hostFor(linear, SecondLevelTables.WRITE, context);
    }

    /** Host-physical address for an access, from the TLB or by a walk; {@link Paging#DEVICE} for a device's. */
    private long hostFor(long linear, int access, int context) {
        long entry = tlb.base(context) + (linear >>> 12 & Tlb.ENTRIES - 1) * Tlb.ENTRY_BYTES;
        int word = switch (access) {
            case SecondLevelTables.READ -> Tlb.READ;
            case SecondLevelTables.WRITE -> Tlb.WRITE;
            default -> Tlb.EXECUTE;
        };
        if (memory.get(JAVA_LONG, entry + word) == (linear & ~0xFFFL | tlbStamp)) {
            return linear + memory.get(JAVA_LONG, entry + Tlb.ADDEND);
        }
        if (code64() || longMode()) {
            checkCanonical(linear);
        }
        return paging.translate(linear, access, context);
    }

    /** SDM vol. 1, 3.3.7.1 "Canonical Addressing"; the loop makes it #SS where the instruction refers to the stack. */
    private void checkCanonical(long linear) {
        if (linear << 16 >> 16 != linear) {
            GuestFault raised = raise(Vectors.GENERAL_PROTECTION, 0);
            raised.nonCanonical = true;
            raised.linear = linear;
            throw raised;
        }
    }

    /** Host-physical address of code, for the decoder. */
    long hostForFetch(long linear) {
        return hostFor(linear, SecondLevelTables.EXECUTE, cpl == 3 ? Tlb.USER : Tlb.SUPERVISOR);
    }

    private long readSlow(long linear, int size, int context) {
        int actual = context;
        if (context == Tlb.NEVER) {
            checkAlignment(linear, size);
            actual = Tlb.USER;
        }
        if ((linear & 0xFFF) + size > 4096) {
            return readAcross(linear, size, actual);
        }
        long at = hostFor(linear, SecondLevelTables.READ, actual);
        watch(linear, size, false);
        if (at < 0) {
            return host.readMemoryMappedIo(index, paging.deviceAddress(), size);
        }
        long value = switch (size) {
            case 1 -> memory.get(JAVA_BYTE, at) & 0xFFL;
            case 2 -> memory.get(JAVA_SHORT_UNALIGNED, at) & 0xFFFFL;
            case 4 -> memory.get(JAVA_INT_UNALIGNED, at) & 0xFFFF_FFFFL;
            default -> memory.get(JAVA_LONG_UNALIGNED, at);
        };
        VarHandle.acquireFence();
        return value;
    }

    private long readAcross(long linear, int size, int context) {
        long second = (linear | 0xFFF) + 1 & linearMask;
        hostFor(linear, SecondLevelTables.READ, context);
        hostFor(second, SecondLevelTables.READ, context);
        long value = 0;
        for (int i = size - 1; i >= 0; i--) {
            value = value << 8 | readSlow(linear + i & linearMask, 1, context);
        }
        return value;
    }

    private void writeSlow(long linear, long value, int size, int context) {
        int actual = context;
        if (context == Tlb.NEVER) {
            checkAlignment(linear, size);
            actual = Tlb.USER;
        }
        if ((linear & 0xFFF) + size > 4096) {
            writeAcross(linear, value, size, actual);
            return;
        }
        long at = hostForWrite(linear, actual);
        watch(linear, size, true);
        if (at < 0) {
            host.writeMemoryMappedIo(index, paging.deviceAddress(), size, value);
            return;
        }
        VarHandle.releaseFence();
        switch (size) {
            case 1 -> memory.set(JAVA_BYTE, at, (byte) value);
            case 2 -> memory.set(JAVA_SHORT_UNALIGNED, at, (short) value);
            case 4 -> memory.set(JAVA_INT_UNALIGNED, at, (int) value);
            default -> memory.set(JAVA_LONG_UNALIGNED, at, value);
        }
        wroteMemory(at, size);
    }

    private void writeAcross(long linear, long value, int size, int context) {
        long second = (linear | 0xFFF) + 1 & linearMask;
        hostForWrite(linear, context);
        hostForWrite(second, context);
        for (int i = 0; i < size; i++) {
            writeSlow(linear + i & linearMask, value >>> 8 * i, 1, context);
        }
    }

    private void checkAlignment(long linear, int size) {
        if ((linear & size - 1) != 0) {
            throw raise(Vectors.ALIGNMENT_CHECK, 0);
        }
    }

    /** Whether the TLB may let writes to a host frame pass unseen: not while somebody has decoded its bytes. */
    boolean mayCacheWrites(long hostPhysical) {
        return codeFrames.cpus(hostPhysical >>> 12) == 0;
    }

    /** After a write that did not go through the TLB: throws away what was decoded from these bytes. */
    void wroteMemory(long hostPhysical, int size) {
        long cpus = codeFrames.cpus(hostPhysical >>> 12);
        if (cpus != 0) {
            traces.wrote(hostPhysical, size, cpus);
        }
    }

    // ---- locked operations: on aligned memory of the host, so that they are atomic for all vCPUs

    /**
     * Host-physical address for an atomic operation that lies within an aligned quadword; -1 for a device's. Afterwards the
     * caller calls {@link #wroteMemory}.
     */
    long hostForLocked(long linear, int size) {
        if (tlbContext == Tlb.NEVER) {
            checkAlignment(linear, size);
        }
        long at = hostForWrite(linear, effectiveContext());
        watch(linear, size, true);
        return at;
    }

    /** What serialises split locks and 16-byte operations of all vCPUs of the partition against each other. */
    Object splitLock() {
        return splitLock;
    }

    // ---- watchpoints

    /** Whether a data breakpoint lies in the page, so that its accesses must not hit the TLB. */
    boolean isWatched(long linear) {
        return (dr[7] & 0xFF) != 0 && Breakpoints.watchesPage(this, linear);
    }

    private void watch(long linear, int size, boolean write) {
        if ((dr[7] & 0xFF) != 0) {
            Breakpoints.access(this, linear, size, write);
        }
    }

    // ---- faults and exits

    /** An exception to throw: delivery saves the RIP of the instruction. */
    GuestFault raise(int vector, int errorCode) {
        fault.vector = vector;
        fault.errorCode = errorCode;
        fault.kind = Injection.Kind.HARDWARE_EXCEPTION;
        fault.ripIsFinal = false;
        fault.nonCanonical = false;
        return fault;
    }

    /** A software interrupt or exception to throw: delivery saves the RIP behind the instruction. */
    GuestFault raiseSoftware(Injection.Kind kind, int vector) {
        fault.vector = vector;
        fault.errorCode = 0;
        fault.kind = kind;
        fault.ripIsFinal = false;
        fault.nonCanonical = false;
        return fault;
    }

    /** The #DB for what has gathered in {@link #pendingDebug}; DR6 is loaded when it is delivered. */
    GuestFault trapDebug() {
        exit.exceptionAddress = pendingDebug;
        pendingDebug = 0;
        return raise(Vectors.DEBUG, 0);
    }

    /** A page fault to throw; CR2 is loaded when it is delivered. */
    GuestFault pageFault(long linear, int errorCode) {
        exit.exceptionAddress = linear;
        return raise(Vectors.PAGE_FAULT, errorCode);
    }

    boolean isDevice(long gpa) {
        return host.isMemoryMappedIo(gpa);
    }

    /** Stops the processor at the current instruction: throw it once {@link #exit} is filled in. */
    ExitSignal exit(ProcessorExit.Kind kind, int instructionLength) {
        exit.kind = kind;
        exit.instructionLength = instructionLength;
        exit.vectoring = events.vectoring();
        return exitSignal;
    }

    /** Stops the processor at an intercepted instruction; the operands' description is cleared. */
    ExitSignal intercepted(Intercept what, Instruction in) {
        exit.intercept = what;
        exit.mnemonic = in.mnemonic().name();
        exit.instructionInformation = 0;
        exit.displacement = 0;
        return exit(ProcessorExit.Kind.INSTRUCTION, in.length);
    }

    /** The displacement of a memory operand as an exit tells it: with RIP added where it counts from there. */
    long displacement(Instruction in) {
        return in.base == Instruction.RIP ? gpr[Instruction.RIP] + in.displacement : in.displacement;
    }

    /** Stops the processor because second-level paging refused an access. */
    ExitSignal secondLevelExit(long gpa, int access, long linear, boolean linearValid, Translation answer) {
        exit.guestPhysicalAddress = gpa;
        exit.access = access;
        exit.linearAddress = linear;
        exit.linearAddressValid = linearValid;
        exit.refusal = answer.outcome();
        exit.rights = answer.rights();
        return exit(ProcessorExit.Kind.SECOND_LEVEL, 0);
    }

    /** The platform's time-stamp counter with the guest's offset. */
    long timeStampCounter() {
        return host.timeStampCounter(index) + timeStampOffset;
    }

    /**
     * Before an instruction calls the host: makes {@link #instructions()} exact, which the clock of a counted run goes by. The
     * instruction must end its trace.
     */
    void callingHost(Instruction in) {
        executedInTrace = traces.position(in);
    }

    /** Feature of the CPU model: see {@link CpuModel#feature}. */
    boolean feature(int leaf, int subleaf, int register, int bit) {
        return model.feature(leaf, subleaf, register, bit);
    }

    // ---- for the processor's owner

    public Intercepts intercepts() {
        return intercepts;
    }

    public void interceptsChanged() {
        boolean window = intercepts.has(Intercept.INTERRUPT_WINDOW) || intercepts.has(Intercept.NMI_WINDOW);
        pending = window ? pending | PENDING_WINDOW : pending & ~PENDING_WINDOW;
    }

    public ProcessorExit exit() {
        return exit;
    }

    public Signals signals() {
        return signals;
    }

    /** See {@link org.bundlevisor.cpu.core.Processor#skip}. */
    public void skip(int length) {
        rip = rip + length & ripMask;
        instructions++;
        shadow = 0;
        systemFlags &= ~Bits.FLAG_RF;
        if (flag(Bits.FLAG_TF)) {
            pendingDebug |= Bits.DR6_BS;
            pending |= PENDING_DEBUG;
        }
    }

    public void inject(Injection event) {
        injection = event;
        pending = event == Injection.NONE ? pending & ~PENDING_INJECTION : pending | PENDING_INJECTION;
    }

    public long instructions() {
        return instructions + executedInTrace;
    }

    public void setInstructionLimit(long limit) {
        instructionLimit = limit;
    }

    public long tlbMisses() {
        return paging.misses();
    }

    public long tracesDecoded() {
        return traces.tracesDecoded();
    }

    public long tracesInvalidated() {
        return traces.tracesInvalidated();
    }
}
