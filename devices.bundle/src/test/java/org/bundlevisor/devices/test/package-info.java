/**
 * A machine made of fakes, and the contract that every device keeps. The fakes record what a device does to its
 * surroundings; the clock moves only when a test says so.
 */
@NullMarked
package org.bundlevisor.devices.test;

import org.jspecify.annotations.NullMarked;
