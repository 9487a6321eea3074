package org.bundlevisor.device;

import org.osgi.annotation.versioning.ProviderType;

/** What a device may ask of the machine that it is part of. Returns at once; the machine acts on its own thread. */
@ProviderType
public interface MachineControl {
    /** Resets the whole machine, as the reset line does. */
    void reset();

    /** Turns the machine off; its run has ended well. */
    void powerOff();

    /**
     * Ends the run with a status of the guest's choice.
     *
     * @param status what a process would exit with, 0 to 255
     */
    void exit(int status);
}
