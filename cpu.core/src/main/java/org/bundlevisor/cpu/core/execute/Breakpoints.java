package org.bundlevisor.cpu.core.execute;

/** The debug registers' breakpoints, SDM vol. 3B, 18.2 "Debug Registers". */
final class Breakpoints {
    private static final int EXECUTE = 0;
    private static final int WRITE = 1;
    private static final int IO = 2;

    private Breakpoints() {}

    /** Which of the four are enabled for this kind of breakpoint, one bit each. */
    private static boolean enabled(Cpu cpu, int number) {
        return (cpu.dr[7] >>> 2 * number & 3) != 0;
    }

    private static int kind(Cpu cpu, int number) {
        return (int) (cpu.dr[7] >>> 16 + 4 * number) & 3;
    }

    /** Bytes that a data breakpoint watches: the encoding 2 means eight. */
    private static int length(Cpu cpu, int number) {
        return switch ((int) (cpu.dr[7] >>> 18 + 4 * number) & 3) {
            case 0 -> 1;
            case 1 -> 2;
            case 2 -> 8;
            default -> 4;
        };
    }

    private static boolean watchesData(Cpu cpu, int number) {
        int kind = kind(cpu, number);
        return enabled(cpu, number) && kind != EXECUTE && kind != IO;
    }

    /** Makes changes to the debug registers known: to the loop for code, to the TLB for data breakpoints. */
    static void changed(Cpu cpu) {
        cpu.pending = anyInstruction(cpu)
                ? cpu.pending | Cpu.PENDING_BREAKPOINTS
                : cpu.pending & ~Cpu.PENDING_BREAKPOINTS;
        cpu.flushTlb();
    }

    private static boolean anyInstruction(Cpu cpu) {
        for (int i = 0; i < 4; i++) {
            if (enabled(cpu, i) && kind(cpu, i) == EXECUTE) {
                return true;
            }
        }
        return false;
    }

    static boolean watchesPage(Cpu cpu, long linear) {
        for (int i = 0; i < 4; i++) {
            if (watchesData(cpu, i) && (cpu.dr[i] & ~0xFFFL) == (linear & ~0xFFFL)) {
                return true;
            }
        }
        return false;
    }

    /** Notes the data breakpoints that an access hits; #DB follows behind the instruction. */
    static void access(Cpu cpu, long linear, int size, boolean write) {
        for (int i = 0; i < 4; i++) {
            if (watchesData(cpu, i) && (write || kind(cpu, i) != WRITE)) {
                int length = length(cpu, i);
                long start = cpu.dr[i] & -length;
                if (linear < start + length && start < linear + size) {
                    cpu.pendingDebug |= 1L << i;
                    cpu.pending |= Cpu.PENDING_DEBUG;
                    cpu.traceLimit = 0;
                }
            }
        }
    }

    /** Notes the port breakpoints that an access hits, if CR4.DE has them mean that. */
    static void port(Cpu cpu, int port, int size) {
        if ((cpu.dr[7] & 0xFF) == 0 || (cpu.cr4 & Bits.CR4_DE) == 0) {
            return;
        }
        for (int i = 0; i < 4; i++) {
            if (enabled(cpu, i) && kind(cpu, i) == IO) {
                int length = length(cpu, i);
                long start = cpu.dr[i] & -length;
                if (port < start + length && start < port + size) {
                    cpu.pendingDebug |= 1L << i;
                    cpu.pending |= Cpu.PENDING_DEBUG;
                }
            }
        }
    }

    /** DR6 bits of the code breakpoints at CS:RIP. */
    static long instruction(Cpu cpu) {
        long linear = cpu.rip + cpu.effectiveBase[Cpu.CS] & cpu.linearMask;
        long hits = 0;
        for (int i = 0; i < 4; i++) {
            if (enabled(cpu, i) && kind(cpu, i) == EXECUTE && cpu.dr[i] == linear) {
                hits |= 1L << i;
            }
        }
        return hits;
    }
}
