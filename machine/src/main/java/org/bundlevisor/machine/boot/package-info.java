/**
 * Boot without firmware: puts a kernel of the Linux boot protocol or of the Multiboot 1 specification into guest memory and
 * says in which state vCPU 0 enters it.
 */
@NullMarked
package org.bundlevisor.machine.boot;

import org.jspecify.annotations.NullMarked;
