/** The VT-x backend: VMCS, VM-entry checks, VM exits. */
@NullMarked
package org.bundlevisor.cpu.vtx;

import org.jspecify.annotations.NullMarked;
