/**
 * Devices that a PC has had since the AT: serial port, real-time clock with CMOS memory, keyboard controller, and two ports
 * for diagnosis. All their registers are bytes on the ISA bus; a wider access is a row of byte accesses.
 */
@NullMarked
package org.bundlevisor.devices.legacy;

import org.jspecify.annotations.NullMarked;
