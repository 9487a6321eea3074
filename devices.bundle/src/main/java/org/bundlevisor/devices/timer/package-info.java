/**
 * The timers of a PC outside of its processors: the 8254 and the HPET. None of them ticks: what a register shows is computed
 * from the machine's clock when somebody looks, and the clock is asked to call back only for what interrupts.
 */
@NullMarked
package org.bundlevisor.devices.timer;

import org.jspecify.annotations.NullMarked;
