/**
 * The processor of the machine the tests run on, as the oracle for the one this bundle makes: a test places an instruction in
 * executable memory, runs it with the registers it wants and reads everything back.
 */
@NullMarked
package org.bundlevisor.cpu.core.host;

import org.jspecify.annotations.NullMarked;
