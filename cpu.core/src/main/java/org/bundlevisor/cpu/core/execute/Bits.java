package org.bundlevisor.cpu.core.execute;

/** Bits of control registers, RFLAGS and EFER, SDM vol. 3A, 2.3 and 2.5; vol. 1, 3.4.3. */
final class Bits {
    static final long CR0_PE = 1L;
    static final long CR0_MP = 1L << 1;
    static final long CR0_EM = 1L << 2;
    static final long CR0_TS = 1L << 3;
    static final long CR0_ET = 1L << 4;
    static final long CR0_NE = 1L << 5;
    static final long CR0_WP = 1L << 16;
    static final long CR0_AM = 1L << 18;
    static final long CR0_NW = 1L << 29;
    static final long CR0_CD = 1L << 30;
    static final long CR0_PG = 1L << 31;

    static final long CR4_VME = 1L;
    static final long CR4_PVI = 1L << 1;
    static final long CR4_TSD = 1L << 2;
    static final long CR4_DE = 1L << 3;
    static final long CR4_PSE = 1L << 4;
    static final long CR4_PAE = 1L << 5;
    static final long CR4_MCE = 1L << 6;
    static final long CR4_PGE = 1L << 7;
    static final long CR4_PCE = 1L << 8;
    static final long CR4_OSFXSR = 1L << 9;
    static final long CR4_OSXMMEXCPT = 1L << 10;
    static final long CR4_UMIP = 1L << 11;
    static final long CR4_VMXE = 1L << 13;
    static final long CR4_FSGSBASE = 1L << 16;
    static final long CR4_PCIDE = 1L << 17;
    static final long CR4_OSXSAVE = 1L << 18;
    static final long CR4_SMEP = 1L << 20;
    static final long CR4_SMAP = 1L << 21;

    static final long EFER_SCE = 1L;
    static final long EFER_LME = 1L << 8;
    static final long EFER_LMA = 1L << 10;
    static final long EFER_NXE = 1L << 11;

    static final long FLAG_CF = 1L;
    static final long FLAG_FIXED = 1L << 1;
    static final long FLAG_PF = 1L << 2;
    static final long FLAG_AF = 1L << 4;
    static final long FLAG_ZF = 1L << 6;
    static final long FLAG_SF = 1L << 7;
    static final long FLAG_TF = 1L << 8;
    static final long FLAG_IF = 1L << 9;
    static final long FLAG_DF = 1L << 10;
    static final long FLAG_OF = 1L << 11;
    static final long FLAG_IOPL = 3L << 12;
    static final long FLAG_NT = 1L << 14;
    static final long FLAG_RF = 1L << 16;
    static final long FLAG_VM = 1L << 17;
    static final long FLAG_AC = 1L << 18;
    static final long FLAG_VIF = 1L << 19;
    static final long FLAG_VIP = 1L << 20;
    static final long FLAG_ID = 1L << 21;

    /** The flags that instructions compute and the four lazy words hold. */
    static final long ARITHMETIC_FLAGS = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF;

    /** General detect enable in DR7. */
    static final long DR7_GD = 1L << 13;

    /** DR6 bits, SDM vol. 3B, 18.2.3. */
    static final long DR6_BD = 1L << 13;

    static final long DR6_BS = 1L << 14;
    static final long DR6_BT = 1L << 15;

    private Bits() {}
}
