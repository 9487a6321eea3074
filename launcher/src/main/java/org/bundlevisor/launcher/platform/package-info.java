/** The OSGi framework: its folders, its bundles, and how far they are started. */
@NullMarked
package org.bundlevisor.launcher.platform;

import org.jspecify.annotations.NullMarked;
