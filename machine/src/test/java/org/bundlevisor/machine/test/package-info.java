/** Stand-ins for what a machine is made of: a scripted CPU, tables that remember, devices, kernel images. */
@NullMarked
package org.bundlevisor.machine.test;

import org.jspecify.annotations.NullMarked;
