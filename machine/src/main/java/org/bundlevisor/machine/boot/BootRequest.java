package org.bundlevisor.machine.boot;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Optional;
import org.bundlevisor.cpu.CpuState;
import org.bundlevisor.machine.memory.GuestRam;

/**
 * What is to be booted.
 *
 * @param initrd initial RAM disk, or first module of a Multiboot kernel
 * @param commandLine the kernel's
 */
public record BootRequest(Path kernel, Optional<Path> initrd, String commandLine) {
    /**
     * Loads the kernel into guest memory, by the first boot protocol whose mark the file bears.
     *
     * @param rootPointer guest-physical address of the ACPI root pointer, 0 for none
     * @param powerUp state of vCPU 0 after power-up and firmware
     * @return the state in which vCPU 0 enters the kernel
     * @throws BootException in one sentence, when it cannot be booted; guest memory is undefined then
     */
    public CpuState load(GuestRam ram, long rootPointer, CpuState powerUp) throws BootException {
        try (ImageFile image = new ImageFile(kernel, "kernel")) {
            BiosData.install(ram);
            if (LinuxKernel.isMarked(image)) {
                return new LinuxKernel(image, ram).load(this, rootPointer, powerUp);
            }
            int header = MultibootKernel.findHeader(image);
            if (header >= 0) {
                return new MultibootKernel(image, header, ram).load(this, powerUp);
            }
            throw image.refuse(
                    "no Linux boot header (expected \"HdrS\" at 0x202) and no Multiboot 1 header in its first 8192 bytes");
        }
    }

    /** A processor's state after power-up as firmware leaves it behind, for all processors. */
    public static CpuState afterFirmware(CpuState powerUp) {
        return EntryState.afterFirmware(powerUp);
    }

    /** The command line as a terminated byte string. */
    byte[] commandLineBytes() {
        return (commandLine + "\0").getBytes(StandardCharsets.UTF_8);
    }
}
