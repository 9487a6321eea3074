package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The traces of one vCPU whose bytes lie in one host frame, by the 64-byte granule that they start in. */
final class CodePage {
    private static final int GRANULES = 64;

    /** The frame's number: its host-physical address divided by 4096. */
    final long frame;

    /** Traces that start here, chained by {@link Trace#next}. */
    private final @Nullable Trace[] starts = new Trace[GRANULES];

    /** Traces that begin in another page and end here. */
    private @Nullable Trace[] crossing = new Trace[0];

    /** The granules that hold decoded bytes, one bit each. */
    private long granules;

    private int count;

    /** Whether the other vCPUs know that there may be decoded bytes here, and so do not write to the frame unseen. */
    boolean announced;

    CodePage(long frame) {
        this.frame = frame;
    }

    @Nullable Trace find(long hostPhysical, int codeMode) {
        Trace trace = starts[(int) hostPhysical >>> 6 & GRANULES - 1];
        while (trace != null
                && !(trace.valid && trace.hostPhysical == hostPhysical && trace.codeMode == codeMode)) {
            trace = trace.next;
        }
        return trace;
    }

    void add(Trace trace) {
        int granule = (int) trace.hostPhysical >>> 6 & GRANULES - 1;
        trace.next = starts[granule];
        starts[granule] = trace;
        int last = (int) Math.min((trace.hostPhysical & 0xFFF) + trace.length - 1, 0xFFF) >>> 6;
        granules |= -1L << granule & -1L >>> 63 - last;
        count++;
    }

    void addCrossing(Trace trace) {
        Trace[] grown = new Trace[crossing.length + 1];
        System.arraycopy(crossing, 0, grown, 0, crossing.length);
        grown[crossing.length] = trace;
        crossing = grown;
        granules |= 1;
        count++;
    }

    boolean isEmpty() {
        return count == 0;
    }

    /** Whether decoded bytes may be among these; offsets within the page. */
    boolean touches(int from, int to) {
        return (granules & -1L << (from >>> 6) & -1L >>> 63 - (to - 1 >>> 6)) != 0;
    }

    /**
     * Throws away the traces with bytes in the range.
     *
     * @return how many
     */
    int invalidate(long from, long to) {
        int removed = 0;
        for (int granule = 0; granule < GRANULES; granule++) {
            Trace previous = null;
            for (Trace trace = starts[granule]; trace != null; trace = trace.next) {
                if (trace.overlaps(from, to)) {
                    trace.invalidate();
                    removed++;
                    if (previous == null) {
                        starts[granule] = trace.next;
                    } else {
                        previous.next = trace.next;
                    }
                } else {
                    previous = trace;
                }
            }
        }
        removed += invalidateCrossing(from, to);
        if (removed > 0) {
            count -= removed;
            remember();
        }
        return removed;
    }

    private int invalidateCrossing(long from, long to) {
        int kept = 0;
        for (Trace trace : crossing) {
            if (trace != null && trace.overlaps(from, to)) {
                trace.invalidate();
            } else {
                crossing[kept++] = trace;
            }
        }
        int removed = crossing.length - kept;
        if (removed > 0) {
            crossing = Arrays.copyOf(crossing, kept);
        }
        return removed;
    }

    /** Computes anew which granules hold decoded bytes. */
    private void remember() {
        granules = crossing.length > 0 ? 1 : 0;
        for (int granule = 0; granule < GRANULES; granule++) {
            for (Trace trace = starts[granule]; trace != null; trace = trace.next) {
                int last = (int) Math.min((trace.hostPhysical & 0xFFF) + trace.length - 1, 0xFFF) >>> 6;
                granules |= -1L << granule & -1L >>> 63 - last;
            }
        }
    }
}
