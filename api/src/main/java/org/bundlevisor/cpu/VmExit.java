package org.bundlevisor.cpu;

/**
 * One VM exit as the backend's manual names it.
 *
 * @param cpu index of the vCPU
 * @param instructions how many instructions the vCPU had executed
 * @param rip guest RIP that the exit saved
 * @param reason the manual's name of the exit reason or exit code, for example {@code EPT violation}
 * @param information what the control structure says of it, for example {@code qualification=0x181 gpa=0xfee000b0}
 */
public record VmExit(int cpu, long instructions, long rip, String reason, String information) {}
