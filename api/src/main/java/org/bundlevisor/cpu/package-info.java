/**
 * The contract between a virtual machine and what executes its vCPUs: backends, partitions, virtual CPUs, their neutral
 * state and the CPU model. Nothing here means something to one vendor's control structure only; VMCS and VMCB are the
 * backends' private matter.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.cpu;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
