/**
 * Host memory and what a guest sees of it: the reservation, the frames given out of it, the PC's memory map and the RAM that
 * fills it.
 */
@NullMarked
package org.bundlevisor.machine.memory;

import org.jspecify.annotations.NullMarked;
