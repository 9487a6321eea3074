/**
 * A virtual machine as its owner sees it: life cycle, what it is made of, how it ended, what it has done. A machine comes
 * into being by a factory configuration, not by a call; see {@link org.bundlevisor.machine.VirtualMachine#PID}.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.machine;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
