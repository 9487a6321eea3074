/**
 * Second-level paging: the tables that turn a guest-physical address (GPA) into a host-physical one, in the format of a
 * processor vendor (EPT, NPT), and the answer that a walk of them gives. First-level paging, the guest's own, is the
 * processor's business and not found here.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.mmu;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
