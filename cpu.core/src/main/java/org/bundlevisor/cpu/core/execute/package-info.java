/**
 * The interpreter: register state, the software TLB and the page walk, decoded traces and the loop that runs them, and the
 * handlers that give each instruction its meaning, one file per architectural feature. What bytes mean which instruction
 * is {@code decode}'s business; arithmetic that Java has not is {@code softfloat}'s. Nothing here knows a VMCS or a VMCB.
 */
@NullMarked
package org.bundlevisor.cpu.core.execute;

import org.jspecify.annotations.NullMarked;
