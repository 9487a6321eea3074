package org.bundlevisor.device;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * A host resource: a stream of characters in both directions, a service with the property {@link #CONSOLE}. One device at
 * a time is connected to it.
 */
@ConsumerType
public interface Console {
    /** Service property: the console's name, which a device's configuration refers to. */
    String CONSOLE = "console";

    /** Sends bytes out. Never blocks for long: what cannot be sent now is buffered, then dropped. From any thread. */
    void write(byte[] bytes, int offset, int length);

    /** The next input byte, 0 to 255, or -1 when there is none now. */
    int read();

    /**
     * Whether the input has ended: what {@link #read} still has to give is all that there will ever be. A machine whose run
     * must depend on the input alone, not on when it comes, waits a moment for it.
     */
    default boolean ended() {
        return false;
    }

    /**
     * Says whom to call, on a thread of the console's own, when input has come where there was none; null disconnects.
     */
    void onInput(@Nullable Runnable listener);
}
