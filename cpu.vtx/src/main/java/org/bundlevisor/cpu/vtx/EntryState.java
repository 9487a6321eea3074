package org.bundlevisor.cpu.vtx;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.IntPredicate;
import org.bundlevisor.cpu.vtx.Controls.Entry;
import org.bundlevisor.cpu.vtx.Controls.Secondary;

/**
 * What VM-entry checks look at: the VMCS, what the processor can do, and host memory where fields point. The terms are
 * those of SDM vol. 3C, 27.3.1.2: a guest "will be virtual-8086", a segment register "is usable".
 */
record EntryState(Vmcs vmcs, Capabilities capabilities, MemorySegment memory) {
    static final int ES = 0;
    static final int CS = 1;
    static final int SS = 2;
    static final int DS = 3;
    static final int FS = 4;
    static final int GS = 5;
    static final int LDTR = 6;
    static final int TR = 7;

    // Activity states, SDM vol. 3C, 25.4.2.
    static final int ACTIVE = 0;
    static final int HLT = 1;
    static final int SHUTDOWN = 2;
    static final int WAIT_FOR_SIPI = 3;

    // Interruptibility state, table 25-3.
    static final int BLOCKING_BY_STI = 1;
    static final int BLOCKING_BY_MOV_SS = 1 << 1;
    static final int BLOCKING_BY_SMI = 1 << 2;
    static final int BLOCKING_BY_NMI = 1 << 3;

    static final long CR4_PAE = 1 << 5;
    static final long CR4_PCIDE = 1 << 17;
    static final long RFLAGS_TF = 1 << 8;
    static final long RFLAGS_IF = 1 << 9;
    static final long EFER_LME = 1 << 8;
    static final long EFER_LMA = 1 << 10;

    /** All but SCE, LME, LMA and NXE. */
    static final long EFER_RESERVED = ~0xd01L;

    /** All but LBR and BTF, which is what a processor without a performance-monitoring unit has. */
    static final long DEBUGCTL_RESERVED = ~3L;

    static final long DEBUGCTL_BTF = 1 << 1;

    /** All: there is no performance-monitoring unit. */
    static final long PERF_GLOBAL_CTRL_RESERVED = ~0L;

    /** Bits 2:1 and 8:5 of a PDPTE, SDM vol. 3A, table 5-8. */
    static final long PDPTE_RESERVED = 0x1e6;

    static final int DEBUG_EXCEPTION = 1;
    static final int MACHINE_CHECK = 18;

    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    long read(VmcsField field) {
        return vmcs.read(field);
    }

    boolean isZero(VmcsField field, long mask) {
        return (read(field) & mask) == 0;
    }

    /** Whether the processor accepts a control field as it is. */
    boolean allows(long controls, VmcsField field) {
        return Capabilities.allows(controls, read(field));
    }

    /** An address with its lowest bits 0 and none beyond the physical-address width. */
    boolean isAddress(VmcsField field, long alignment) {
        return isAddress(read(field), alignment);
    }

    boolean isAddress(long address, long alignment) {
        return (address & alignment - 1) == 0 && isPhysical(address);
    }

    boolean isPhysical(long address) {
        return address >>> capabilities.physicalAddressBits() == 0;
    }

    /** An MSR area of 16-byte entries, of which the last byte too lies within the physical-address width. */
    boolean isMsrArea(VmcsField addressField, VmcsField countField) {
        long count = read(countField);
        long address = read(addressField);
        return count == 0 || isAddress(address, 16) && isPhysical(address + count * 16 - 1);
    }

    boolean isCanonical(VmcsField field) {
        return isCanonical(read(field));
    }

    static boolean isCanonical(long address) {
        return address << 16 >> 16 == address;
    }

    /** Byte of host memory; 0 where there is none. */
    int byteAt(long address) {
        return address >= 0 && address < memory.byteSize() ? memory.get(ValueLayout.JAVA_BYTE, address) & 0xff : 0;
    }

    /** Eight bytes of host memory; 0 where there are none. */
    long longAt(long address) {
        return address >= 0 && address <= memory.byteSize() - 8 ? memory.get(LONG, address) : 0;
    }

    /** A fixed bit of CR0 or CR4 must be what IA32_VMX_CRx_FIXED0 and 1 say, SDM vol. 3C, 24.8. */
    static boolean isFixed(long value, long fixed0, long fixed1) {
        return (value & fixed0) == fixed0 && (value & ~fixed1) == 0;
    }

    /** Each of the eight bytes of IA32_PAT must be a memory type: 0, 1, 4, 5, 6 or 7 (UC-). */
    static boolean isPat(long pat) {
        for (int shift = 0; shift < 64; shift += 8) {
            long type = pat >>> shift & 0xff;
            if (type > 7 || type == 2 || type == 3) {
                return false;
            }
        }
        return true;
    }

    boolean unrestricted() {
        return vmcs.secondary(Secondary.UNRESTRICTED_GUEST);
    }

    boolean ia32e() {
        return vmcs.entry(Entry.IA_32E_MODE_GUEST);
    }

    boolean virtual8086() {
        return !isZero(VmcsField.GUEST_RFLAGS, 1 << 17);
    }

    boolean cr0(long bit) {
        return !isZero(VmcsField.GUEST_CR0, bit);
    }

    boolean cr4(long bit) {
        return !isZero(VmcsField.GUEST_CR4, bit);
    }

    int selector(int segment) {
        return (int) read(VmcsField.GUEST_ES_SELECTOR.at(segment));
    }

    int rpl(int segment) {
        return selector(segment) & 3;
    }

    long base(int segment) {
        return read(VmcsField.GUEST_ES_BASE.at(segment));
    }

    int limit(int segment) {
        return (int) read(VmcsField.GUEST_ES_LIMIT.at(segment));
    }

    int rights(int segment) {
        return (int) read(VmcsField.GUEST_ES_ACCESS_RIGHTS.at(segment));
    }

    int type(int segment) {
        return rights(segment) & 15;
    }

    boolean system(int segment) {
        return (rights(segment) & 1 << 4) == 0;
    }

    int dpl(int segment) {
        return rights(segment) >> 5 & 3;
    }

    boolean present(int segment) {
        return (rights(segment) & 1 << 7) != 0;
    }

    boolean usable(int segment) {
        return (rights(segment) & 1 << 16) == 0;
    }

    /** Bits 11:8 and 31:17 of the access rights are reserved. */
    boolean reservedClear(int segment) {
        return (rights(segment) & 0xfffe_0f00) == 0;
    }

    /** A limit with a 0 among bits 11:0 has G = 0, one with a 1 among bits 31:20 has G = 1. */
    boolean granularityFits(int segment) {
        boolean g = (rights(segment) & 1 << 15) != 0;
        int limit = limit(segment);
        return g ? (limit & 0xfff) == 0xfff : (limit & 0xfff0_0000) == 0;
    }

    /** Whether a rule holds for ES, CS, SS, DS, FS and GS. */
    boolean all(IntPredicate rule) {
        for (int segment = ES; segment <= GS; segment++) {
            if (!rule.test(segment)) {
                return false;
            }
        }
        return true;
    }

    /** As {@link #all}, but only for registers that are usable; CS always is looked at. Not for virtual-8086 guests. */
    boolean allUsable(IntPredicate rule) {
        return virtual8086() || all(segment -> segment != CS && !usable(segment) || rule.test(segment));
    }

    /** As {@link #allUsable}, but for DS, ES, FS and GS alone. */
    boolean allUsableData(IntPredicate rule) {
        return allUsable(segment -> segment == CS || segment == SS || rule.test(segment));
    }

    long injection() {
        return read(VmcsField.ENTRY_INTERRUPTION_INFORMATION);
    }

    boolean injects() {
        return InterruptionInformation.isValid(injection());
    }

    boolean injects(int type) {
        return injects() && InterruptionInformation.type(injection()) == type;
    }

    int vector() {
        return InterruptionInformation.vector(injection());
    }

    boolean interruptibility(int bit) {
        return !isZero(VmcsField.GUEST_INTERRUPTIBILITY_STATE, bit);
    }

    /** Whether the guest will use PAE paging, of which the processor then keeps the four PDPTEs. */
    boolean paePaging() {
        return cr0(Capabilities.CR0_PG) && cr4(1 << 5) && !ia32e();
    }
}
