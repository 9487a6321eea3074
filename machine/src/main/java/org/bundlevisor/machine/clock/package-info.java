/**
 * The two clocks of a machine: real time, and guest time that follows the instructions of vCPU 0 exactly. All timers hang
 * on one of them.
 */
@NullMarked
package org.bundlevisor.machine.clock;

import org.jspecify.annotations.NullMarked;
