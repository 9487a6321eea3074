package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A device model. What it can do beyond a reset it says by implementing further interfaces of this package: {@link PortIo},
 * {@link MemoryIo}, {@link InterruptInputs}, {@link Snapshot} and so on.
 *
 * <p>Thread rules: every vCPU's thread, timer call-backs and host resources call at the same time; a device guards its own
 * registers, usually with its own monitor. It raises interrupt lines from wherever it likes, because signals travel one
 * way only, from devices to interrupt controllers to vCPUs; the one signal that travels back, {@link EndOfInterrupt}, is
 * sent by an interrupt controller that holds no lock. A device never blocks a vCPU's thread.
 *
 * <p>A guest's misbehaviour is never an exception: a reserved register reads as the data sheet says, a wrong value is
 * ignored.
 */
@ConsumerType
public interface Device extends AutoCloseable {
    /** Puts all registers into the state after a hardware reset and lowers all lines. */
    void reset();

    /** Gives up timers and host resources. Nobody calls the device any more. */
    @Override
    default void close() {}
}
