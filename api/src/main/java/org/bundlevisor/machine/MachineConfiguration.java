package org.bundlevisor.machine;

/**
 * The properties of a factory configuration of {@link VirtualMachine#PID}: a component property type, so that names and
 * defaults stand in one place for the machine, the command line and files in {@code conf/vms}.
 */
public @interface MachineConfiguration {
    /** The machine's name, unique in the platform. */
    String name() default "vm";

    /** RAM in bytes. */
    long memory() default 512L << 20;

    /** Number of vCPUs, 1 to 64. */
    int cpus() default 1;

    /** CPU backends by name, best first; the first one that is there is used. */
    String[] cpu() default {"vtx"};

    /** The CPU model. */
    String cpu_model() default "x86-64-v2";

    /** {@code real} or {@code counted}. */
    String clock() default "real";

    /** Path of the kernel: a Linux bzImage or a Multiboot 1 ELF file. */
    String kernel() default "";

    /** Path of the initial RAM disk; for Multiboot the first module. Empty for none. */
    String initrd() default "";

    /** The kernel's command line. */
    String append() default "";

    /** Name of the console service that the first serial port is connected to; empty for none. */
    String console() default "";

    /** Whether VM exits are reported to exit observer services whose {@code vm.name} property matches. */
    boolean trace_exits() default false;

    /** Whether the machine starts by itself once it is complete. */
    boolean autostart() default false;
}
