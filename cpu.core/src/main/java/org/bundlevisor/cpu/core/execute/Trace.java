package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.jspecify.annotations.Nullable;

/**
 * A straight line of decoded instructions within one page; the last one may be a branch, or the only one may cross into
 * the next page.
 */
final class Trace {
    final Instruction[] instructions;
    final Handler[] handlers;

    /** {@link CommonForms} of the instructions. */
    final byte[] forms;

    /** Where the first byte lies. */
    final long hostPhysical;

    /** How many bytes were decoded. */
    final int length;

    final int codeMode;

    /** Host frame of the second page, if it crosses into one; else -1. */
    final long secondFrame;

    /** False once one of its bytes was written. */
    boolean valid = true;

    /** Where it was last entered: the key of the look-up cache. */
    long linear;

    long codeContext;

    /** Traces that were entered after this one, by {@link TraceCache#next}: guesses that are checked like any other. */
    @Nullable Trace follower;

    @Nullable Trace otherFollower;

    /** The next trace that starts in the same 64 bytes. */
    @Nullable Trace next;

    Trace(
            Instruction[] instructions,
            Handler[] handlers,
            long hostPhysical,
            int length,
            int codeMode,
            long secondFrame) {
        this.instructions = instructions;
        this.handlers = handlers;
        this.forms = new byte[instructions.length];
        for (int i = 0; i < forms.length; i++) {
            forms[i] = (byte) CommonForms.of(instructions[i]);
        }
        this.hostPhysical = hostPhysical;
        this.length = length;
        this.codeMode = codeMode;
        this.secondFrame = secondFrame;
    }

    /** Whether it is valid and what the linear address means in this context. */
    boolean isAt(long address, long context) {
        return linear == address && codeContext == context && valid;
    }

    /** Takes it out of use; it then keeps no other trace from being forgotten. */
    void invalidate() {
        valid = false;
        follower = null;
        otherFollower = null;
    }

    /** Whether one of the bytes from {@code from} to before {@code to}, host-physical, belongs to it. */
    boolean overlaps(long from, long to) {
        if (secondFrame < 0) {
            return hostPhysical < to && from < hostPhysical + length;
        }
        long end = (hostPhysical | 0xFFF) + 1;
        long second = secondFrame << 12;
        return hostPhysical < to && from < end || second < to && from < second + length - (end - hostPhysical);
    }
}
