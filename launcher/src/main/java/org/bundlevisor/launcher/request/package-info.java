/**
 * What the command line asks of the platform. The system bundle exports this package from the class path, so that the
 * command line and the bundle mean the same classes.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.launcher.request;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
