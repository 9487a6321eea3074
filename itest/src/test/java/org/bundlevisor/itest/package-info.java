/** Tests of the bundles together, in a real OSGi framework. */
@NullMarked
package org.bundlevisor.itest;

import org.jspecify.annotations.NullMarked;
