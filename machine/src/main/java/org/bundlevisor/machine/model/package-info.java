/**
 * CPU models: what the guest's CPUs say of themselves through CPUID and feature MSRs, whichever backend executes them.
 */
@NullMarked
package org.bundlevisor.machine.model;

import org.jspecify.annotations.NullMarked;
