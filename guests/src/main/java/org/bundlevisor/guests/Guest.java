package org.bundlevisor.guests;

import java.nio.file.Path;
import java.util.Optional;

/**
 * A guest whose files are there.
 *
 * @param name as the user writes it
 * @param kernel a Linux bzImage or a Multiboot 1 ELF file
 * @param initramfs the initial RAM disk, if the guest has one
 * @param append the kernel command line that suits a serial console
 */
public record Guest(String name, Path kernel, Optional<Path> initramfs, String append) {}
