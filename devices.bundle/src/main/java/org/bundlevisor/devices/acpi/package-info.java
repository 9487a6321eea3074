/**
 * ACPI as the guest sees it: the fixed hardware of power management, and the tables that describe the machine. Sections are
 * those of the "Advanced Configuration and Power Interface Specification", version 6.3.
 */
@NullMarked
package org.bundlevisor.devices.acpi;

import org.jspecify.annotations.NullMarked;
