package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A device that other devices' interrupt lines lead to. */
@ConsumerType
public interface InterruptInputs {
    /** How many inputs there are. */
    int inputCount();

    /** The wire that leads to an input, 0 and up; always the same one for the same number. */
    InterruptLine input(int number);
}
