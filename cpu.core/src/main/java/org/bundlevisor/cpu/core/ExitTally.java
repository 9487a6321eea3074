package org.bundlevisor.cpu.core;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bundlevisor.cpu.ExitObserver;
import org.bundlevisor.cpu.VmExit;
import org.jspecify.annotations.Nullable;

/**
 * Counts a vCPU's exits by reason, and shows each to whoever watches. For the vCPU's thread, but for the counts, which any
 * thread may read.
 *
 * @param <R> the vendor's exit reasons, whose names are what {@code toString} says
 */
public final class ExitTally<R extends Enum<R>> {
    private final int cpu;
    private final Processor processor;
    private final @Nullable ExitObserver observer;
    private final R[] reasons;
    private final long[] counts;

    /** @param reasons all of them, in their order */
    public ExitTally(int cpu, Processor processor, @Nullable ExitObserver observer, R[] reasons) {
        this.cpu = cpu;
        this.processor = processor;
        this.observer = observer;
        this.reasons = reasons;
        this.counts = new long[reasons.length];
    }

    /** @param information what the control structure says of the exit, for people; asked for only if somebody watches */
    public void count(R reason, Supplier<String> information) {
        counts[reason.ordinal()]++;
        if (observer != null) {
            observer.exited(new VmExit(
                    cpu, processor.instructions(), processor.registers().rip(), reason.toString(), information.get()));
        }
    }

    /** How often there was an exit for each reason; reasons that never came are left out. */
    public Map<String, Long> counts() {
        Map<String, Long> result = new HashMap<>();
        for (R reason : reasons) {
            long count = counts[reason.ordinal()];
            if (count != 0) {
                result.put(reason.toString(), count);
            }
        }
        return result;
    }
}
