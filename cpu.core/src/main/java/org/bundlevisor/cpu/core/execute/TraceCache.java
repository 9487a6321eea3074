package org.bundlevisor.cpu.core.execute;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.bundlevisor.cpu.core.decode.CodeSize;
import org.bundlevisor.cpu.core.decode.Decoder;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * The decoded traces of one vCPU, by host-physical address and mode, with a small cache by linear address in front. A
 * trace goes exactly when one of its bytes is written: a frame with decoded bytes is marked in {@link CodeFrames}, which
 * keeps writes to it from hitting the TLB. Belongs to the vCPU's thread, but for {@link #notices}.
 */
final class TraceCache {
    private static final int JUMPS = 8192;
    private static final int LONGEST_TRACE = 64;
    private static final int LONGEST_INSTRUCTION = 15;

    /** So many decoded instructions take some 60 MiB of heap; then all are thrown away, as most are dead by then. */
    private static final int CAPACITY = 500_000;

    private static final CodeSize[] CODE_SIZES = {CodeSize.BITS_16, CodeSize.BITS_32, CodeSize.BITS_64};

    private final Cpu cpu;
    private final CpuGroup group;
    private final MemorySegment memory;
    private final Decoder decoder;
    private final HandlerTable handlers;
    private final CodeNotices notices = new CodeNotices();
    private final @Nullable Trace[] jumps = new Trace[JUMPS];
    private final byte[] crossingBytes = new byte[2 * LONGEST_INSTRUCTION];

    private final Instruction[] decoded = new Instruction[LONGEST_TRACE];
    private final Handler[] bound = new Handler[LONGEST_TRACE];

    /** Open addressing by frame number; the length is a power of two. */
    private @Nullable CodePage[] pages = new CodePage[1024];

    private int pageCount;
    private int instructionCount;
    private @Nullable Trace current;
    private long tracesDecoded;
    private long tracesInvalidated;

    TraceCache(Cpu cpu, CpuGroup group) {
        this.cpu = cpu;
        this.group = group;
        this.memory = cpu.memory;
        this.decoder = new Decoder(group.opcodes());
        this.handlers = group.handlers();
    }

    CodeNotices notices() {
        return notices;
    }

    long tracesDecoded() {
        return tracesDecoded;
    }

    long tracesInvalidated() {
        return tracesInvalidated;
    }

    /** The trace at CS:RIP, decoded if it is new; raises what the fetch raises. */
    Trace next() {
        long linear = cpu.rip + cpu.effectiveBase[Cpu.CS] & cpu.linearMask;
        Trace before = current;
        if (before == null) {
            return current = lookUpLinear(linear);
        }
        Trace trace = before.follower;
        if (trace == null || !trace.isAt(linear, cpu.codeContext)) {
            trace = before.otherFollower;
            if (trace == null || !trace.isAt(linear, cpu.codeContext)) {
                trace = lookUpLinear(linear);
                before.otherFollower = before.follower;
                before.follower = trace;
            }
        }
        current = trace;
        return trace;
    }

    private Trace lookUpLinear(long linear) {
        Trace trace = jumps[slot(linear)];
        return trace != null && trace.isAt(linear, cpu.codeContext) ? trace : find(linear);
    }

    /** How many instructions of the current trace come before this one. */
    int position(Instruction in) {
        Trace trace = current;
        if (trace != null) {
            for (int i = 0; i < trace.instructions.length; i++) {
                if (trace.instructions[i] == in) {
                    return i;
                }
            }
        }
        return 0;
    }

    private static int slot(long linear) {
        return (int) (linear ^ linear >>> 13) & JUMPS - 1;
    }

    private Trace find(long linear) {
        long hostPhysical = cpu.hostForFetch(linear);
        if (hostPhysical < 0) {
            // code in a device: nothing there that could be decoded reads as anything but all ones
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        CodePage page = page(hostPhysical >>> 12);
        int mode = cpu.codeMode();
        Trace trace = page.find(hostPhysical, mode);
        if (trace != null && trace.secondFrame >= 0 && trace.secondFrame != secondFrame(linear)) {
            invalidate(trace.hostPhysical, 1);
            page = page(hostPhysical >>> 12);
            trace = null;
        }
        if (trace == null) {
            trace = decode(linear, hostPhysical, mode, page);
        }
        trace.linear = linear;
        trace.codeContext = cpu.codeContext;
        jumps[slot(linear)] = trace;
        return trace;
    }

    private long secondFrame(long linear) {
        return cpu.hostForFetch((linear | 0xFFF) + 1 & cpu.linearMask) >>> 12;
    }

    private Trace decode(long linear, long hostPhysical, int mode, CodePage page) {
        if (instructionCount > CAPACITY) {
            flush();
            page = page(hostPhysical >>> 12);
        }
        mark(page);
        CodeSize code = CODE_SIZES[mode];
        long limit = (hostPhysical | 0xFFF) + 1;
        int count = 0;
        int length = 0;
        while (count < LONGEST_TRACE) {
            Instruction in = decoder.decode(memory, hostPhysical + length, limit, code, length);
            if (in == null) {
                break;
            }
            decoded[count] = in;
            bound[count] = bind(in);
            length += in.length;
            count++;
            if (in.endsTrace() || hostPhysical + length == limit) {
                break;
            }
        }
        return count == 0
                ? decodeCrossing(linear, hostPhysical, mode, page)
                : keep(page, hostPhysical, count, length, mode, -1);
    }

    /** Decodes the one instruction that runs over the end of its page. */
    private Trace decodeCrossing(long linear, long hostPhysical, int mode, CodePage page) {
        int first = (int) (0x1000 - (hostPhysical & 0xFFF));
        long secondHost = cpu.hostForFetch((linear | 0xFFF) + 1 & cpu.linearMask);
        if (secondHost < 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        CodePage secondPage = page(secondHost >>> 12);
        mark(secondPage);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, hostPhysical, crossingBytes, 0, first);
        MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, secondHost, crossingBytes, first, LONGEST_INSTRUCTION);
        Instruction in = decoder.decode(crossingBytes, 0, first + LONGEST_INSTRUCTION, CODE_SIZES[mode], 0);
        if (in == null) {
            throw new IllegalStateException("an instruction is longer than " + LONGEST_INSTRUCTION + " bytes");
        }
        decoded[0] = in;
        bound[0] = bind(in);
        Trace trace = keep(page(hostPhysical >>> 12), hostPhysical, 1, in.length, mode, secondHost >>> 12);
        secondPage.addCrossing(trace);
        return trace;
    }

    /** The handler of an instruction; #UD where the model has no such instruction. */
    private Handler bind(Instruction in) {
        return cpu.features.has(in.opcode.feature) ? handlers.bind(in) : Features.UNDEFINED;
    }

    private Trace keep(CodePage page, long hostPhysical, int count, int length, int mode, long secondFrame) {
        Instruction[] instructions = new Instruction[count];
        Handler[] chosen = new Handler[count];
        System.arraycopy(decoded, 0, instructions, 0, count);
        System.arraycopy(bound, 0, chosen, 0, count);
        Trace trace = new Trace(instructions, chosen, hostPhysical, length, mode, secondFrame);
        page.add(trace);
        instructionCount += count;
        tracesDecoded++;
        return trace;
    }

    /** Sees to it that writes to the page are noticed, before its bytes are read. */
    private void mark(CodePage page) {
        if (!page.announced) {
            page.announced = true;
            group.codeFrames().add(page.frame, cpu.index);
            cpu.tlb.forgetWrites(page.frame);
            group.decoded(cpu.index, page.frame);
        }
    }

    /** This vCPU wrote to a frame that the given vCPUs have decoded bytes of. */
    void wrote(long hostPhysical, int size, long cpus) {
        if ((cpus >>> cpu.index & 1) != 0) {
            invalidate(hostPhysical, size);
            withdraw(hostPhysical);
        }
        if ((cpus & ~(1L << cpu.index)) != 0) {
            group.wrote(cpu.index, hostPhysical, size, cpus);
        }
    }

    /** Acts on what other threads have reported. */
    void takeNotices() {
        long[] pairs = notices.take();
        for (int i = 0; i < pairs.length; i += 2) {
            long frame = pairs[i] >>> 12;
            if (pairs[i + 1] == CodeNotices.DECODED) {
                // until now this vCPU may have written there unseen, so who decoded it does so once more
                cpu.tlb.forgetWrites(frame);
                group.doubted(cpu.index, frame, group.codeFrames().cpus(frame));
            } else if (pairs[i + 1] == CodeNotices.DOUBTED) {
                // the frame stays announced: nobody writes there unseen any more, and nobody has to be asked again
                invalidate(pairs[i], 4096);
            } else {
                invalidate(pairs[i], pairs[i + 1]);
                withdraw(pairs[i]);
            }
        }
    }

    private void invalidate(long hostPhysical, long size) {
        CodePage page = lookUp(hostPhysical >>> 12);
        int from = (int) hostPhysical & 0xFFF;
        if (page == null || !page.touches(from, from + (int) size)) {
            return;
        }
        int removed = page.invalidate(hostPhysical, hostPhysical + size);
        tracesInvalidated += removed;
        Trace running = current;
        if (running != null && !running.valid) {
            cpu.traceLimit = 0;
        }
    }

    /** Lets a frame be written without notice again when nothing decoded is left in it. */
    private void withdraw(long hostPhysical) {
        CodePage page = lookUp(hostPhysical >>> 12);
        if (page != null && page.announced && page.isEmpty()) {
            page.announced = false;
            group.codeFrames().remove(page.frame, cpu.index);
        }
    }

    /** Throws all traces away. */
    void flush() {
        Arrays.fill(jumps, null);
        for (CodePage page : pages) {
            if (page != null && page.announced) {
                group.codeFrames().remove(page.frame, cpu.index);
            }
        }
        pages = new CodePage[1024];
        pageCount = 0;
        instructionCount = 0;
        current = null;
        cpu.traceLimit = 0;
    }

    private @Nullable CodePage lookUp(long frame) {
        int mask = pages.length - 1;
        for (int i = hash(frame) & mask;; i = i + 1 & mask) {
            CodePage page = pages[i];
            if (page == null || page.frame == frame) {
                return page;
            }
        }
    }

    private CodePage page(long frame) {
        CodePage found = lookUp(frame);
        if (found != null) {
            return found;
        }
        if (++pageCount * 2 > pages.length) {
            grow();
        }
        CodePage page = new CodePage(frame);
        insert(page);
        return page;
    }

    private void grow() {
        @Nullable CodePage[] old = pages;
        pages = new CodePage[old.length * 2];
        for (CodePage page : old) {
            if (page != null) {
                insert(page);
            }
        }
    }

    private void insert(CodePage page) {
        int mask = pages.length - 1;
        int i = hash(page.frame) & mask;
        while (pages[i] != null) {
            i = i + 1 & mask;
        }
        pages[i] = page;
    }

    private static int hash(long frame) {
        return (int) (frame * 0x9E37_79B9_7F4A_7C15L >>> 40);
    }
}
