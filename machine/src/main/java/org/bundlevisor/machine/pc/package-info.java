/** Composes one virtual machine out of services: memory map, buses, vCPU threads, lifecycle. */
@NullMarked
package org.bundlevisor.machine.pc;

import org.jspecify.annotations.NullMarked;
