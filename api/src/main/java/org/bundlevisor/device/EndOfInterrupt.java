package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** Wants to know when a level-triggered interrupt was served: the I/O APIC. */
@ConsumerType
@FunctionalInterface
public interface EndOfInterrupt {
    /** @param vector 16 to 255, for which a local APIC has broadcast the end of interrupt */
    void endOfInterrupt(int vector);
}
