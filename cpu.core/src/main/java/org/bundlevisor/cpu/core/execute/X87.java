package org.bundlevisor.cpu.core.execute;

/** The x87 register stack with its control, status and tag words. */
final class X87 {}
