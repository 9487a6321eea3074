/**
 * Guests that can be run by name: kernels of Debian's archive, fetched once with the host's apt into the user's cache
 * folder, and a tiny one that ships with the project. What is fetched is unmodified; only the initial RAM disk around
 * BusyBox is written here.
 */
@Export
@Version("1.0.0")
@NullMarked
package org.bundlevisor.guests;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
