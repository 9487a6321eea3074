package org.bundlevisor.cpu.core.execute;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Guest instructions per microsecond, that is millions per second, in decoded code that hits the TLB. */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(value = 1, jvmArgsAppend = {"-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"})
public class InterpreterBenchmark {
    private static final int INSTRUCTIONS = 1_000_000;

    @Param({"mixed", "arithmetic", "memory", "calls"})
    public String work;

    private FlatMachine machine;
    private FlatMachine others;

    @Setup
    public void prepare() {
        // the handlers of all kinds of code have run before, as in a real guest
        others = GuestWork.machine(GuestWork.mixed());
        others.run(10 * INSTRUCTIONS);
        machine = GuestWork.machine(switch (work) {
            case "mixed" -> GuestWork.mixed();
            case "arithmetic" -> GuestWork.arithmetic();
            case "memory" -> GuestWork.memory();
            default -> GuestWork.calls();
        });
    }

    @TearDown
    public void close() {
        machine.close();
        others.close();
    }

    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public void run() {
        machine.run(INSTRUCTIONS);
    }
}
