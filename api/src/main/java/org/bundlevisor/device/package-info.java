/**
 * The contract of a device model: a factory service makes devices, a device says by small optional interfaces what it can
 * do, and a context hands it what it may use. A device never knows its own address: it sees offsets into its regions, and
 * the machine decides where these lie.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.device;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
