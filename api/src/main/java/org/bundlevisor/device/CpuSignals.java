package org.bundlevisor.device;

import org.osgi.annotation.versioning.ProviderType;

/** The wires from an interrupt controller to one vCPU. From any thread; a halted vCPU wakes up. */
@ProviderType
public interface CpuSignals {
    /** Sets the level of the interrupt request line. */
    void interruptRequest(boolean asserted);

    void nonMaskableInterrupt();

    void init();

    /** @param vector 0 to 255 */
    void startUp(int vector);
}
