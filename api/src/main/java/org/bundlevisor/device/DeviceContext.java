package org.bundlevisor.device;

import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;

/** What a device may use of the machine that it becomes part of. Valid until the device is closed. */
@ProviderType
public interface DeviceContext {
    /** The device's name in its machine, for messages. */
    String name();

    /** The device's configuration; the values are strings, numbers, booleans or arrays of them. */
    Map<String, Object> properties();

    Clock clock();

    GuestMemory memory();

    MachineControl machine();

    /** How many vCPUs the machine has. */
    int cpuCount();

    /** The wires to a vCPU, 0 to {@link #cpuCount()} - 1. */
    CpuSignals cpu(int index);

    /**
     * An output line of the device, by its name in the device, for example {@code irq}. A line that leads nowhere swallows
     * what is sent.
     */
    InterruptLine line(String name);

    /** Where interrupt messages go. */
    MessageInterrupts messages();

    /** Tells all devices that want to know of an end of interrupt. */
    EndOfInterrupt endOfInterrupt();

    /** The controller whose interrupts reach the local interrupt pin LINT0 as ExtINT; empty where there is none. */
    Optional<InterruptAcknowledge> externalController();

    /** A host resource that the machine's configuration gives to this device, or empty where it gives none. */
    <T> Optional<T> resource(Class<T> type);
}
