/** Tracing of VM exits as text. The backends put them into flight recordings themselves. */
@NullMarked
package org.bundlevisor.launcher.trace;

import org.jspecify.annotations.NullMarked;
