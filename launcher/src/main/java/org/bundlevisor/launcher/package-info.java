/** Starts the OSGi framework and offers the command line and the shell commands. */
@NullMarked
package org.bundlevisor.launcher;

import org.jspecify.annotations.NullMarked;
