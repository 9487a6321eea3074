/**
 * A CPU backend after AMD-V. {@link AmdvCpu} runs the hypervisor's loop of {@code cpu.core} around the processor;
 * {@link Vmcb} is the control block that both sides speak through, {@link EntryCheck} what VMRUN demands of it,
 * {@link ExitRecorder} what a #VMEXIT leaves in it.
 */
@NullMarked
package org.bundlevisor.cpu.amdv;

import org.jspecify.annotations.NullMarked;
