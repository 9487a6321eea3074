/** The software x86-64 processor: decode, execute, page walk, TLB, interrupts and exceptions. */
@NullMarked
package org.bundlevisor.cpu.core;

import org.jspecify.annotations.NullMarked;
