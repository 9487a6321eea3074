package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** Makes devices of one kind; a service with the property {@link #DEVICE}. */
@ConsumerType
public interface DeviceFactory {
    /** Service property: the kind of device as a configuration writes it, for example {@code serial16550}. */
    String DEVICE = "device";

    /**
     * Makes a device in its power-up state. {@link Device#reset} is called before the guest first runs.
     *
     * @throws IllegalArgumentException in one sentence, when a property is wrong or a host resource is missing
     */
    Device create(DeviceContext context);
}
