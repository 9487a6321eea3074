@NullMarked
package org.bundlevisor.devices.legacy;

import org.jspecify.annotations.NullMarked;
