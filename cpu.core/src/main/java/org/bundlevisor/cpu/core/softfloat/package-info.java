/**
 * Floating-point arithmetic as the x87 unit and SSE do it, in integers: 80-bit extended, double and single precision, all four
 * rounding modes, the x87's precision control, denormals, not-a-numbers and every exception flag. An arithmetic object is a
 * scratch pad: it holds the control bits, the flags and the last result, so that nothing is allocated; one processor has one
 * of each, used by its own thread only. Whether an exception is delivered is the caller's business.
 */
@NullMarked
package org.bundlevisor.cpu.core.softfloat;

import org.jspecify.annotations.NullMarked;
