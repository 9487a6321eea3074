/**
 * What every CPU backend promises, as tests that any implementation extends, and the small machine that they run on. Other
 * modules, and third parties, use it through this bundle's test JAR.
 */
package org.bundlevisor.cpu.core.backend;
