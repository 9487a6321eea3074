package org.bundlevisor.machine;

/** How a run of a virtual machine ended. */
public sealed interface Outcome {
    /** The guest turned the machine off. */
    record PoweredOff() implements Outcome {}

    /** The guest ended the run through a debug-exit device. @param status 0 to 255 */
    record Exited(int status) implements Outcome {}

    /** The owner stopped the machine. */
    record Stopped() implements Outcome {}

    /** The machine could not go on. @param reason one sentence */
    record Failed(String reason) implements Outcome {}
}
