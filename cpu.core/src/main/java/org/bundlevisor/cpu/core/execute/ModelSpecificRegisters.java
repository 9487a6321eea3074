package org.bundlevisor.cpu.core.execute;

import java.util.Arrays;
import java.util.Map;

/**
 * The model-specific registers that live in the processor, SDM vol. 4, table 2-2 "IA-32 architectural MSRs". Those of the
 * local APIC are asked of the host.
 */
final class ModelSpecificRegisters {
    private static final int TIME_STAMP_COUNTER = 0x10;
    private static final int FEATURE_CONTROL = 0x3A;
    private static final int TSC_ADJUST = 0x3B;
    private static final int BIOS_UPDATE_TRIGGER = 0x79;
    private static final int BIOS_SIGNATURE = 0x8B;
    private static final int MTRR_CAPABILITY = 0xFE;
    private static final int SYSENTER_CS = 0x174;
    private static final int SYSENTER_ESP = 0x175;
    private static final int SYSENTER_EIP = 0x176;
    private static final int MACHINE_CHECK_CAPABILITY = 0x179;
    private static final int MACHINE_CHECK_STATUS = 0x17A;
    private static final int MISC_ENABLE = 0x1A0;
    private static final int DEBUG_CONTROL = 0x1D9;
    private static final int MTRR_FIRST_VARIABLE = 0x200;
    private static final int MTRR_LAST_VARIABLE = 0x20F;
    private static final int MTRR_FIXED_64K = 0x250;
    private static final int MTRR_FIXED_16K_80000 = 0x258;
    private static final int MTRR_FIXED_16K_A0000 = 0x259;
    private static final int MTRR_FIRST_FIXED_4K = 0x268;
    private static final int MTRR_LAST_FIXED_4K = 0x26F;
    private static final int PAT = 0x277;
    private static final int MTRR_DEFAULT_TYPE = 0x2FF;
    private static final int TSC_DEADLINE = 0x6E0;
    private static final int EFER = 0xC000_0080;
    private static final int STAR = 0xC000_0081;
    private static final int LSTAR = 0xC000_0082;
    private static final int CSTAR = 0xC000_0083;
    private static final int FMASK = 0xC000_0084;
    private static final int FS_BASE = 0xC000_0100;
    private static final int GS_BASE = 0xC000_0101;
    private static final int KERNEL_GS_BASE = 0xC000_0102;
    private static final int TSC_AUX = 0xC000_0103;

    /** Eight variable ranges, fixed ranges, write combining. */
    private static final long MTRR_CAPABILITIES = 8 | 1 << 8 | 1 << 10;

    private static final long PAT_AFTER_RESET = 0x0007_0406_0007_0406L;

    /** Fast strings are enabled; branch trace storage and PEBS are not available. */
    private static final long MISC_ENABLE_AFTER_RESET = 1 | 1 << 11 | 1 << 12;

    private static final long FEATURE_CONTROL_LOCKED = 1;

    private final Cpu cpu;

    long star;
    long lstar;
    long cstar;
    long fmask;
    long kernelGsBase;
    long timeStampAuxiliary;
    long sysenterCs;
    long sysenterEsp;
    long sysenterEip;

    private long pat;
    private long miscEnable;
    private long machineCheckStatus;
    private long timeStampAdjust;
    private long mtrrDefaultType;
    private final long[] mtrrVariable = new long[16];
    private final long[] mtrrFixed = new long[11];

    ModelSpecificRegisters(Cpu cpu) {
        this.cpu = cpu;
    }

    /** Values after power-up. */
    void reset() {
        star = 0;
        lstar = 0;
        cstar = 0;
        fmask = 0;
        kernelGsBase = 0;
        timeStampAuxiliary = 0;
        sysenterCs = 0;
        sysenterEsp = 0;
        sysenterEip = 0;
        pat = PAT_AFTER_RESET;
        miscEnable = MISC_ENABLE_AFTER_RESET;
        machineCheckStatus = 0;
        timeStampAdjust = 0;
        mtrrDefaultType = 0;
        Arrays.fill(mtrrVariable, 0);
        Arrays.fill(mtrrFixed, 0);
    }

    /** Reads a register. @return false when the guest is to get #GP(0) */
    boolean read(int index, long[] value) {
        if (!isMtrr(index)) {
            return readOther(index, value);
        }
        value[0] = readMtrr(index);
        return true;
    }

    private boolean readOther(int index, long[] value) {
        switch (index) {
            case TIME_STAMP_COUNTER -> value[0] = cpu.timeStampCounter();
            case FEATURE_CONTROL -> value[0] = FEATURE_CONTROL_LOCKED;
            case TSC_ADJUST -> value[0] = timeStampAdjust;
            case BIOS_SIGNATURE, MACHINE_CHECK_CAPABILITY, DEBUG_CONTROL -> value[0] = 0;
            case SYSENTER_CS -> value[0] = sysenterCs;
            case SYSENTER_ESP -> value[0] = sysenterEsp;
            case SYSENTER_EIP -> value[0] = sysenterEip;
            case MACHINE_CHECK_STATUS -> value[0] = machineCheckStatus;
            case MISC_ENABLE -> value[0] = miscEnable;
            case PAT -> value[0] = pat;
            case EFER -> value[0] = cpu.efer;
            case STAR -> value[0] = star;
            case LSTAR -> value[0] = lstar;
            case CSTAR -> value[0] = cstar;
            case FMASK -> value[0] = fmask;
            case FS_BASE -> value[0] = cpu.segmentBase[Cpu.FS];
            case GS_BASE -> value[0] = cpu.segmentBase[Cpu.GS];
            case KERNEL_GS_BASE -> value[0] = kernelGsBase;
            case TSC_AUX -> value[0] = timeStampAuxiliary;
            case TSC_DEADLINE -> {
                return readDeadline(value);
            }
            default -> {
                return readFeature(index, value);
            }
        }
        return true;
    }

    /** The local APIC counts in the platform's time-stamp counter, the guest in its own; zero means disarmed. */
    private boolean readDeadline(long[] value) {
        if (!cpu.host.readMsr(cpu.index, TSC_DEADLINE, value)) {
            return false;
        }
        if (value[0] != 0) {
            value[0] += cpu.timeStampOffset;
        }
        return true;
    }

    private boolean readFeature(int index, long[] value) {
        Long feature = cpu.model.featureMsrs().get(index);
        if (feature != null) {
            value[0] = feature;
            return true;
        }
        return cpu.host.readMsr(cpu.index, index, value);
    }

    /** Writes a register. @return false when the guest is to get #GP(0) */
    boolean write(int index, long value) {
        return isMtrr(index) ? writeMtrr(index, value) : writeOther(index, value);
    }

    private boolean writeOther(int index, long value) {
        return switch (index) {
            case TIME_STAMP_COUNTER -> writeTimeStamp(value);
            case TSC_ADJUST -> writeTimeStampAdjust(value);
            // loading a microcode update that the processor does not take has no effect
            case BIOS_UPDATE_TRIGGER, BIOS_SIGNATURE -> true;
            case SYSENTER_CS, SYSENTER_ESP, SYSENTER_EIP -> writeSysenter(index, value);
            // SDM vol. 3B, 16.3.1.2: anything but zero raises #GP
            case MACHINE_CHECK_STATUS -> {
                machineCheckStatus = 0;
                yield value == 0;
            }
            case MISC_ENABLE -> {
                miscEnable = value;
                yield true;
            }
            // last-branch recording and branch tracing do not exist: the bits do not stick
            case DEBUG_CONTROL -> (value & ~0xFFC7L) == 0;
            case PAT -> writePat(value);
            case EFER -> writeEfer(value);
            case STAR, LSTAR, CSTAR, FMASK -> writeSyscall(index, value);
            case FS_BASE, GS_BASE, KERNEL_GS_BASE -> writeBase(index, value);
            case TSC_AUX -> writeTimeStampAuxiliary(value);
            case TSC_DEADLINE ->
                    cpu.host.writeMsr(cpu.index, TSC_DEADLINE, value == 0 ? 0 : value - cpu.timeStampOffset);
            default -> !cpu.model.featureMsrs().containsKey(index) && cpu.host.writeMsr(cpu.index, index, value);
        };
    }

    private static boolean isCanonical(long address) {
        return address << 16 >> 16 == address;
    }

    /** SDM vol. 3B, 18.17.3: what a write adds to the counter it adds to IA32_TSC_ADJUST as well. */
    private boolean writeTimeStamp(long value) {
        long step = value - cpu.timeStampCounter();
        cpu.timeStampOffset += step;
        timeStampAdjust += step;
        return true;
    }

    private boolean writeTimeStampAdjust(long value) {
        cpu.timeStampOffset += value - timeStampAdjust;
        timeStampAdjust = value;
        return true;
    }

    private boolean writeTimeStampAuxiliary(long value) {
        if (value >>> 32 != 0) {
            return false;
        }
        timeStampAuxiliary = value;
        return true;
    }

    private boolean writeSysenter(int index, long value) {
        if (index == SYSENTER_CS) {
            sysenterCs = value & 0xFFFF_FFFFL;
            return true;
        }
        if (!isCanonical(value)) {
            return false;
        }
        if (index == SYSENTER_ESP) {
            sysenterEsp = value;
        } else {
            sysenterEip = value;
        }
        return true;
    }

    /** SDM vol. 3A, table 13-10: the types 2, 3 and those above 7 are reserved. */
    private boolean writePat(long value) {
        for (int entry = 0; entry < 8; entry++) {
            int type = (int) (value >>> 8 * entry) & 0xFF;
            if (type > 7 || type == 2 || type == 3) {
                return false;
            }
        }
        pat = value;
        return true;
    }

    private boolean writeEfer(long value) {
        long defined = Bits.EFER_SCE | Bits.EFER_LME | Bits.EFER_LMA | Bits.EFER_NXE;
        boolean paging = (cpu.cr0 & Bits.CR0_PG) != 0;
        if ((value & ~defined) != 0 || paging && ((value ^ cpu.efer) & Bits.EFER_LME) != 0) {
            return false;
        }
        long changed = cpu.efer ^ value;
        cpu.efer = value & ~Bits.EFER_LMA | cpu.efer & Bits.EFER_LMA;
        if ((changed & Bits.EFER_NXE) != 0) {
            cpu.flushTlb();
        }
        return true;
    }

    private boolean writeSyscall(int index, long value) {
        switch (index) {
            case STAR -> star = value;
            case FMASK -> fmask = value & 0xFFFF_FFFFL;
            default -> {
                if (!isCanonical(value)) {
                    return false;
                }
                if (index == LSTAR) {
                    lstar = value;
                } else {
                    cstar = value;
                }
            }
        }
        return true;
    }

    private boolean writeBase(int index, long value) {
        if (!isCanonical(value)) {
            return false;
        }
        switch (index) {
            case FS_BASE -> cpu.setBase(Cpu.FS, value);
            case GS_BASE -> cpu.setBase(Cpu.GS, value);
            default -> kernelGsBase = value;
        }
        return true;
    }

    private static boolean isMtrr(int index) {
        return index == MTRR_CAPABILITY
                || index == MTRR_DEFAULT_TYPE
                || index >= MTRR_FIRST_VARIABLE && index <= MTRR_LAST_VARIABLE
                || fixedMtrr(index) >= 0;
    }

    private static int fixedMtrr(int index) {
        return switch (index) {
            case MTRR_FIXED_64K -> 0;
            case MTRR_FIXED_16K_80000 -> 1;
            case MTRR_FIXED_16K_A0000 -> 2;
            default ->
                    index >= MTRR_FIRST_FIXED_4K && index <= MTRR_LAST_FIXED_4K ? 3 + index - MTRR_FIRST_FIXED_4K : -1;
        };
    }

    private long readMtrr(int index) {
        return switch (index) {
            case MTRR_CAPABILITY -> MTRR_CAPABILITIES;
            case MTRR_DEFAULT_TYPE -> mtrrDefaultType;
            default -> {
                int fixed = fixedMtrr(index);
                yield fixed >= 0 ? mtrrFixed[fixed] : mtrrVariable[index - MTRR_FIRST_VARIABLE];
            }
        };
    }

    /** The ranges are kept for the guest to read; memory types have no effect on a processor without caches. */
    private boolean writeMtrr(int index, long value) {
        if (index == MTRR_CAPABILITY) {
            return false;
        }
        if (index == MTRR_DEFAULT_TYPE) {
            if ((value & ~0xCFFL) != 0) {
                return false;
            }
            mtrrDefaultType = value;
            return true;
        }
        int fixed = fixedMtrr(index);
        if (fixed >= 0) {
            mtrrFixed[fixed] = value;
        } else {
            mtrrVariable[index - MTRR_FIRST_VARIABLE] = value;
        }
        return true;
    }

    /** Whether {@link #restore} knows a register. */
    boolean holds(int index) {
        return isMtrr(index) || switch (index) {
            case TSC_ADJUST,
                    SYSENTER_CS,
                    SYSENTER_ESP,
                    SYSENTER_EIP,
                    MACHINE_CHECK_STATUS,
                    MISC_ENABLE,
                    PAT,
                    STAR,
                    LSTAR,
                    CSTAR,
                    FMASK,
                    KERNEL_GS_BASE,
                    TSC_AUX -> true;
            default -> false;
        };
    }

    /** All that is not in another part of the saved state. */
    void save(Map<Integer, Long> into) {
        into.put(TSC_ADJUST, timeStampAdjust);
        into.put(SYSENTER_CS, sysenterCs);
        into.put(SYSENTER_ESP, sysenterEsp);
        into.put(SYSENTER_EIP, sysenterEip);
        into.put(MACHINE_CHECK_STATUS, machineCheckStatus);
        into.put(MISC_ENABLE, miscEnable);
        into.put(PAT, pat);
        into.put(STAR, star);
        into.put(LSTAR, lstar);
        into.put(CSTAR, cstar);
        into.put(FMASK, fmask);
        into.put(KERNEL_GS_BASE, kernelGsBase);
        into.put(TSC_AUX, timeStampAuxiliary);
        into.put(MTRR_DEFAULT_TYPE, mtrrDefaultType);
        for (int i = 0; i < mtrrVariable.length; i++) {
            into.put(MTRR_FIRST_VARIABLE + i, mtrrVariable[i]);
        }
        into.put(MTRR_FIXED_64K, mtrrFixed[0]);
        into.put(MTRR_FIXED_16K_80000, mtrrFixed[1]);
        into.put(MTRR_FIXED_16K_A0000, mtrrFixed[2]);
        for (int i = MTRR_FIRST_FIXED_4K; i <= MTRR_LAST_FIXED_4K; i++) {
            into.put(i, mtrrFixed[fixedMtrr(i)]);
        }
    }

    /** Takes over what {@link #save} gave; registers that are missing get their values after power-up. */
    void restore(Map<Integer, Long> saved) {
        reset();
        saved.forEach((index, value) -> {
            if (index == TSC_ADJUST) {
                timeStampAdjust = value;
            } else {
                write(index, value);
            }
        });
    }
}
