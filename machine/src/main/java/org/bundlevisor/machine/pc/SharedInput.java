package org.bundlevisor.machine.pc;

import org.bundlevisor.device.InterruptLine;

/** An input that several outputs lead to, as wired-OR: it is asserted for as long as any of them is. */
final class SharedInput {
    private final InterruptLine input;
    private int outputs;
    private long asserted;

    SharedInput(InterruptLine input) {
        this.input = input;
    }

    /** One more output. */
    InterruptLine join() {
        long mask = 1L << outputs++;
        return level -> set(mask, level);
    }

    private synchronized void set(long mask, boolean level) {
        asserted = level ? asserted | mask : asserted & ~mask;
        input.set(asserted != 0);
    }
}
