/**
 * The interrupt controllers of a PC: the pair of 8259A, the I/O APIC and the local APICs. Signals go from the first two to
 * the third and from there to the vCPUs; a controller may hold its monitor while it signals in that direction. The two
 * signals that go the other way, end of interrupt and the acknowledge cycle of ExtINT, are sent without it.
 */
@NullMarked
package org.bundlevisor.devices.interrupt;

import org.jspecify.annotations.NullMarked;
