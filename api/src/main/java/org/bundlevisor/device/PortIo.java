package org.bundlevisor.device;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** A device with registers in I/O port space. An access that is larger than a region is split by the bus. */
@ConsumerType
public interface PortIo {
    /** The regions; always the same ones. */
    List<IoRegion> portRegions();
}
