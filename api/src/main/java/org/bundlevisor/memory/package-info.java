/**
 * Host memory: the one off-heap reservation that every virtual machine's RAM and every second-level table lives in. A
 * host-physical address (HPA) of this platform is an offset into it. What a guest sees of that memory is decided by
 * second-level paging ({@code org.bundlevisor.mmu}), not here.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.memory;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
