/**
 * The I/O port bus and the memory bus: from an address to the register block of a device, in constant or logarithmic time,
 * without allocation and without a lock.
 */
@NullMarked
package org.bundlevisor.machine.bus;

import org.jspecify.annotations.NullMarked;
