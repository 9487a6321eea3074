/**
 * The command line. It runs on the class path, before there is a framework: it reads what the user wants, refuses what is
 * wrong, and then starts the platform and waits for it.
 */
@NullMarked
package org.bundlevisor.launcher;

import org.jspecify.annotations.NullMarked;
