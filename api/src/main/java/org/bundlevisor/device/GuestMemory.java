package org.bundlevisor.device;

import java.lang.foreign.MemorySegment;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Guest-physical memory as a bus master sees it. Every method checks that the whole range is RAM; where it is not, nothing
 * is transferred and the method returns false. Writes are seen by decoded code and dirty logging. From any thread.
 */
@ProviderType
public interface GuestMemory {
    /** Copies {@code to.byteSize()} bytes out of guest memory. */
    boolean read(long gpa, MemorySegment to);

    /** Copies {@code from.byteSize()} bytes into guest memory. */
    boolean write(long gpa, MemorySegment from);
}
