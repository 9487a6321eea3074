package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** Takes interrupt messages as the I/O APIC and MSI send them: the local APICs. */
@ConsumerType
@FunctionalInterface
public interface MessageInterrupts {
    /**
     * Delivers an interrupt message, SDM vol. 3A, 12.11 "Message Signalled Interrupts".
     *
     * @param address FEExxxxxH: destination, redirection hint, destination mode
     * @param data vector, delivery mode, level, trigger mode
     */
    void send(long address, int data);
}
