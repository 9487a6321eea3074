/**
 * Second-level paging as real tables in host memory. {@link FourLevelTables} walks and changes them whatever the format
 * is; an {@link EntryFormat} knows what the bits of an entry mean, and a component offers the two together as a service.
 */
@NullMarked
package org.bundlevisor.mmu.ept;

import org.jspecify.annotations.NullMarked;
