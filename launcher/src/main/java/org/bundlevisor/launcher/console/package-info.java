/** Consoles: what a guest's serial port is connected to on the host's side. */
@NullMarked
package org.bundlevisor.launcher.console;

import org.jspecify.annotations.NullMarked;
