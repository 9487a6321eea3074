package org.bundlevisor.device;

import org.bundlevisor.state.SavedState;
import org.osgi.annotation.versioning.ConsumerType;

/** A device whose state can be carried. Called while the machine is paused and no timer runs. */
@ConsumerType
public interface Snapshot {
    SavedState save();

    /**
     * Takes over a saved state, arms timers and sets lines accordingly.
     *
     * @throws IllegalArgumentException in one sentence, when the state cannot be taken
     */
    void restore(SavedState state);
}
