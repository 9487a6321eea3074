package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** An interrupt controller that answers the interrupt acknowledge cycle on behalf of its output line: the 8259 pair. */
@ConsumerType
public interface InterruptAcknowledge {
    /** Takes the vector of the most important pending interrupt, 0 to 255; the spurious one when there is none. */
    int acknowledge();
}
