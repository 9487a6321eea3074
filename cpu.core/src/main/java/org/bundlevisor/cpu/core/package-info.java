/**
 * The software x86-64 processor as a CPU backend drives it: what to stop at, why it stopped, its live registers, and what
 * any hypervisor does on an exit whatever the vendor. How instructions are decoded and executed is private to the bundle.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.cpu.core;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
