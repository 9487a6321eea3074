/**
 * Saved state: the neutral form in which a device, a vCPU or a whole machine is carried over a swap, into a file or to
 * another host. Named, versioned fields; never Java serialization. How such a state is written to a file is not found here.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.state;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
