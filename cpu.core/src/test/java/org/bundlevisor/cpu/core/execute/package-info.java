/** Tests of what instructions do: against the host's processor where it can be asked, else against the manual. */
@NullMarked
package org.bundlevisor.cpu.core.execute;

import org.jspecify.annotations.NullMarked;
