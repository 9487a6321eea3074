/**
 * The decoder: from the bytes of an instruction to an {@link org.bundlevisor.cpu.core.decode.Instruction}.
 *
 * <p>What there is to decode stands in one table, the text resource {@code opcodes.table}, in the notation of appendix A
 * and of the opcode column of SDM vol. 2. {@link org.bundlevisor.cpu.core.decode.OpcodeTable} reads it once; every vCPU
 * has a {@link org.bundlevisor.cpu.core.decode.Decoder} of its own over it. An instruction that the model of the
 * processor lacks altogether (VEX and EVEX, say) decodes as {@link org.bundlevisor.cpu.core.decode.Mnemonic#INVALID};
 * one that a CPUID bit switches on names its {@link org.bundlevisor.cpu.core.decode.Feature}.
 */
@NullMarked
package org.bundlevisor.cpu.core.decode;

import org.jspecify.annotations.NullMarked;
