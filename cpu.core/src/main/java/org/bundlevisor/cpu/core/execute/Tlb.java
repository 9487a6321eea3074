package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;

/**
 * The software TLB of one vCPU: an off-heap table of fixed layout that maps a guest-virtual page straight to the byte in
 * host memory, so that a hit costs two loads and a compare. It lies in host memory itself, where machine code can index it
 * as well.
 *
 * <p>There is one direct-mapped table for each {@linkplain #SUPERVISOR context}. An entry has four 8-byte words: the tags
 * for reading, writing and executing, and the addend that turns a guest-virtual into a host-physical address. A tag is the
 * guest-virtual page with the current <em>stamp</em> in its low twelve bits; a right that is not cached has the tag
 * {@link #NO_TAG}, which no address can produce. Flushing means to move on to another stamp, and each PCID keeps its stamp
 * for as long as its translations are wanted.
 */
final class Tlb {
    static final int ENTRIES = 1024;
    static final int ENTRY_BYTES = 32;
    static final int READ = 0;
    static final int WRITE = 8;
    static final int EXECUTE = 16;
    static final int ADDEND = 24;

    /** Contexts: supervisor accesses that SMAP applies to; supervisor with EFLAGS.AC set; user; and one that never hits. */
    static final int SUPERVISOR = 0;

    static final int SUPERVISOR_AC = 1;
    static final int USER = 2;
    static final int NEVER = 3;

    static final long TABLE_BYTES = (long) ENTRIES * ENTRY_BYTES;
    static final long NO_TAG = -1;

    private static final int CONTEXTS = 4;
    private static final int LAST_STAMP = 0xFFE;
    private static final int REGIONS = 1024;

    private final HostMemory host;
    private final HostRange range;
    private final MemorySegment memory;

    /** Stamp by PCID; 0 where nothing of that PCID is cached. */
    private final short[] stamps = new short[4096];

    private int lastStamp;
    private int clears;

    /** Hashed 2 MiB and 1 GiB regions of which a piece of a large page was cached since the last full flush. */
    private final long[] largeRegions = new long[REGIONS / 64];

    private final long[] hugeRegions = new long[REGIONS / 64];

    Tlb(HostMemory host) throws HostMemoryExhaustedException {
        this.host = host;
        this.range = host.allocate(CONTEXTS * TABLE_BYTES, HostMemory.FRAME_SIZE);
        this.memory = host.segment();
        clear();
    }

    void close() {
        host.free(range);
    }

    /** Host-physical address of a context's table. */
    long base(int context) {
        return range.address() + context * TABLE_BYTES;
    }

    /** Forgets everything in all PCIDs. The caller takes a new stamp. */
    void flushAll() {
        Arrays.fill(stamps, (short) 0);
        Arrays.fill(largeRegions, 0);
        Arrays.fill(hugeRegions, 0);
    }

    /** How often the stamps ran out and began anew. */
    int clears() {
        return clears;
    }

    /** Forgets what is cached for a PCID. The caller takes a new stamp if that PCID is the current one. */
    void flush(int pcid) {
        stamps[pcid] = 0;
    }

    /** The stamp of a PCID, a new one if nothing of it is cached. */
    long stamp(int pcid) {
        if (stamps[pcid] == 0) {
            if (lastStamp == LAST_STAMP) {
                clear();
            }
            stamps[pcid] = (short) ++lastStamp;
        }
        return stamps[pcid] & 0xFFF;
    }

    /**
     * Forgets one page in all PCIDs.
     *
     * @return false when the address may belong to a large page, so that everything must be flushed instead
     */
    boolean flushPage(long linear) {
        if (marked(largeRegions, linear >>> 21) || marked(hugeRegions, linear >>> 30)) {
            return false;
        }
        long slot = slot(linear);
        for (int context = 0; context < CONTEXTS; context++) {
            invalidate(base(context) + slot);
        }
        return true;
    }

    /** Withholds write permission for all cached pages that lie in a host frame. */
    void forgetWrites(long hostFrame) {
        for (int context = 0; context < NEVER; context++) {
            long entry = base(context);
            for (int i = 0; i < ENTRIES; i++, entry += ENTRY_BYTES) {
                long tag = memory.get(JAVA_LONG, entry + WRITE);
                if (tag != NO_TAG && (tag & ~0xFFFL) + memory.get(JAVA_LONG, entry + ADDEND) >>> 12 == hostFrame) {
                    memory.set(JAVA_LONG, entry + WRITE, NO_TAG);
                }
            }
        }
    }

    /** Caches a translation; see the parameters of the walk for what they mean. */
    void fill(
            int context, long linear, long hostPhysical, long stamp, boolean read, boolean write, boolean execute,
            long pageSize) {
        long page = linear & ~0xFFFL;
        long entry = base(context) + slot(linear);
        long tag = page | stamp;
        memory.set(JAVA_LONG, entry + READ, read ? tag : NO_TAG);
        memory.set(JAVA_LONG, entry + WRITE, write ? tag : NO_TAG);
        memory.set(JAVA_LONG, entry + EXECUTE, execute ? tag : NO_TAG);
        memory.set(JAVA_LONG, entry + ADDEND, (hostPhysical & ~0xFFFL) - page);
        if (pageSize > 1L << 21) {
            mark(hugeRegions, linear >>> 30);
        } else if (pageSize > 4096) {
            mark(largeRegions, linear >>> 21);
        }
    }

    private static long slot(long linear) {
        return (linear >>> 12 & ENTRIES - 1) * ENTRY_BYTES;
    }

    private static boolean marked(long[] regions, long number) {
        return (regions[(int) number & REGIONS / 64 - 1] >>> (number >>> 4 & 63) & 1) != 0;
    }

    private static void mark(long[] regions, long number) {
        regions[(int) number & REGIONS / 64 - 1] |= 1L << (number >>> 4 & 63);
    }

    private void invalidate(long entry) {
        memory.set(JAVA_LONG, entry + READ, NO_TAG);
        memory.set(JAVA_LONG, entry + WRITE, NO_TAG);
        memory.set(JAVA_LONG, entry + EXECUTE, NO_TAG);
    }

    private void clear() {
        memory.asSlice(range.address(), range.size()).fill((byte) 0xFF);
        flushAll();
        lastStamp = 0;
        clears++;
    }
}
