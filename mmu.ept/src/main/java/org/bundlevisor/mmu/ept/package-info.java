/** Second-level paging in the formats of EPT and NPT. */
@NullMarked
package org.bundlevisor.mmu.ept;

import org.jspecify.annotations.NullMarked;
