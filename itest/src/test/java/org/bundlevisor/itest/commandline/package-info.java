/** Tests of the program as its users start it: the script at the top of the workspace, in a process of its own. */
@NullMarked
package org.bundlevisor.itest.commandline;

import org.jspecify.annotations.NullMarked;
