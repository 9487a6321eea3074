package org.bundlevisor.launcher.request;

import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * Asks the platform to run one virtual machine on the terminal until it ends; a service that the command line registers.
 *
 * @param machine properties of the machine's factory configuration; {@code name} is among them
 * @param input what the guest's serial port receives
 * @param output what the guest's serial port sends
 * @param errors where the reason of a failure is said
 * @param statistics where statistics go at the end, as JSON
 * @param exits where each VM exit is written
 * @param timeout how long the machine may run
 * @param swapEvery how long the machine stays on a CPU backend before it moves to the next of those that its property
 *     {@code cpu} names; empty for ever
 * @param status completes with the exit status of the process
 */
public record RunRequest(
        Map<String, Object> machine,
        InputStream input,
        OutputStream output,
        PrintStream errors,
        Optional<OutputStream> statistics,
        Optional<OutputStream> exits,
        Optional<Duration> timeout,
        Optional<Duration> swapEvery,
        CompletableFuture<Integer> status) {
    /** The guest turned the machine off, or the user left it. */
    public static final int DONE = 0;

    /** The machine failed. */
    public static final int FAILED = 1;

    /** What was asked for makes no sense. */
    public static final int WRONG_USAGE = 2;

    /** The machine ran longer than it may; as of the command {@code timeout}. */
    public static final int TIMED_OUT = 124;

    public RunRequest {
        machine = Map.copyOf(machine);
    }
}
