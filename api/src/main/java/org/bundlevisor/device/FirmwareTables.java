package org.bundlevisor.device;

import org.osgi.annotation.versioning.ConsumerType;

/** A device that describes the machine to the guest by tables in guest memory: ACPI. */
@ConsumerType
public interface FirmwareTables {
    /**
     * Writes the tables. Called after each reset, before the guest runs.
     *
     * @return guest-physical address of the root pointer (RSDP)
     * @throws IllegalArgumentException in one sentence, when the tables do not fit where they belong
     */
    long install(MachineLayout layout, GuestMemory memory);
}
