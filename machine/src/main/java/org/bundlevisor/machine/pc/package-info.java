/**
 * The PC: one virtual machine composed out of services by a readable board table, its wiring, its vCPU threads and its life
 * cycle, from a factory configuration.
 */
@NullMarked
package org.bundlevisor.machine.pc;

import org.jspecify.annotations.NullMarked;
