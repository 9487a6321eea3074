package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A wire. Setting the level that it has already does nothing. From any thread. */
@ConsumerType
@FunctionalInterface
public interface InterruptLine {
    void set(boolean asserted);
}
