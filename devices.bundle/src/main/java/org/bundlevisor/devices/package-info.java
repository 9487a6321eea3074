/** The PC's device models. */
@NullMarked
package org.bundlevisor.devices;

import org.jspecify.annotations.NullMarked;
