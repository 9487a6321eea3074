package org.bundlevisor.cpu.core.execute;

/** The sixteen conditions of Jcc, SETcc and CMOVcc, numbered as in the opcodes: SDM vol. 1, appendix B. */
final class Conditions {
    private Conditions() {}

    static boolean holds(Cpu cpu, int condition) {
        boolean positive = switch (condition >>> 1 & 7) {
            case 0 -> cpu.overflow();
            case 1 -> cpu.carry();
            case 2 -> cpu.zero();
            case 3 -> cpu.carry() || cpu.zero();
            case 4 -> cpu.sign();
            case 5 -> cpu.parity();
            case 6 -> (cpu.flagSign ^ cpu.flagOverflow) < 0;
            default -> cpu.zero() || (cpu.flagSign ^ cpu.flagOverflow) < 0;
        };
        return positive == ((condition & 1) == 0);
    }
}
