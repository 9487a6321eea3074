@NullMarked
package org.bundlevisor.devices.acpi;

import org.jspecify.annotations.NullMarked;
