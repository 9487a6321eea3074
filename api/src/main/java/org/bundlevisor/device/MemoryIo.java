package org.bundlevisor.device;

import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/** A device with registers in memory space. */
@ConsumerType
public interface MemoryIo {
    /** The regions; always the same ones. Lengths are multiples of 4096, since paging keeps them apart from RAM. */
    List<IoRegion> memoryRegions();
}
