/**
 * Runs one virtual machine on the terminal: writes its configuration, waits for the machine that comes of it, and drives
 * it to its end.
 */
@NullMarked
package org.bundlevisor.launcher.run;

import org.jspecify.annotations.NullMarked;
