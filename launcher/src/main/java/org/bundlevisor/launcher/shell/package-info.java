/** The shell: its commands for virtual machines, and the conversation that Ctrl-A C begins. */
@NullMarked
package org.bundlevisor.launcher.shell;

import org.jspecify.annotations.NullMarked;
