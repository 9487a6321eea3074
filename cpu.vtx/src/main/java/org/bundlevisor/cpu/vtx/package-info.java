/**
 * A CPU backend after Intel VT-x. {@link VtxCpu} is the hypervisor's loop of VM entries and VM exits around the processor of
 * {@code cpu.core}; {@link Vmcs} is the control structure that both sides speak through, {@link EntryCheck} what a VM entry
 * demands of it, {@link ExitRecorder} what a VM exit leaves in it.
 */
@NullMarked
package org.bundlevisor.cpu.vtx;

import org.jspecify.annotations.NullMarked;
