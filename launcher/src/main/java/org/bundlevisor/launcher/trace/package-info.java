/** Tracing of VM exits: as text, and as events of JDK Flight Recorder. */
@NullMarked
package org.bundlevisor.launcher.trace;

import org.jspecify.annotations.NullMarked;
