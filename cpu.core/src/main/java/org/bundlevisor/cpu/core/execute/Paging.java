package org.bundlevisor.cpu.core.execute;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.bundlevisor.mmu.SecondLevelTables.EXECUTE;
import static org.bundlevisor.mmu.SecondLevelTables.READ;
import static org.bundlevisor.mmu.SecondLevelTables.TABLE_WALK;
import static org.bundlevisor.mmu.SecondLevelTables.USER;
import static org.bundlevisor.mmu.SecondLevelTables.WRITE;

import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;

/**
 * The walk of the guest's own paging structures, SDM vol. 3A, chapter 5 "Paging", in all modes: none, 32-bit, PAE and
 * 4-level. Finds the host byte for a linear address and fills the TLB with it, or raises #PF, or stops for what
 * second-level paging refuses. Belongs to one vCPU's thread.
 */
final class Paging {
    /** {@link #translate} found no memory but a device there; {@link #deviceAddress()} has its guest-physical address. */
    static final long DEVICE = -1;

    /** Page-fault error code bits, SDM vol. 3A, figure 5-12. */
    private static final int FAULT_PRESENT = 1;

    private static final int FAULT_WRITE = 1 << 1;
    private static final int FAULT_USER = 1 << 2;
    private static final int FAULT_RESERVED = 1 << 3;
    private static final int FAULT_FETCH = 1 << 4;

    /** Paging-structure entry bits, SDM vol. 3A, figure 5-11. */
    private static final long PRESENT = 1;

    private static final long WRITABLE = 1 << 1;
    private static final long USER_PAGE = 1 << 2;
    private static final long ACCESSED = 1 << 5;
    private static final long DIRTY = 1 << 6;
    private static final long LARGE = 1 << 7;
    private static final long NO_EXECUTE = 1L << 63;
    private static final long LARGE_PAT = 1 << 12;

    private static final VarHandle LONG_HANDLE = JAVA_LONG.varHandle();
    private static final VarHandle INT_HANDLE = JAVA_INT.varHandle();

    private final Cpu cpu;
    private final MemorySegment memory;
    private final SecondLevelCache secondLevel;
    private final Tlb tlb;

    /** Bits 51:MAXPHYADDR, which are reserved in every entry with 64 bits. */
    private final long reservedAddressBits;

    private final long physicalAddressMask;

    /** The page-directory-pointer registers of PAE paging, SDM vol. 3A, 5.4.1. */
    private final long[] pdptes = new long[4];

    private long misses;
    private long deviceAddress;

    /** What the walk found, valid until the next one. */
    private long pageSize;

    private boolean pageWritable;
    private boolean pageReadable;
    private boolean pageExecutable;
    private boolean pageDirty;

    Paging(Cpu cpu, MemorySegment memory, SecondLevelCache secondLevel, Tlb tlb, int physicalAddressBits) {
        this.cpu = cpu;
        this.memory = memory;
        this.secondLevel = secondLevel;
        this.tlb = tlb;
        this.physicalAddressMask = (1L << physicalAddressBits) - 1;
        this.reservedAddressBits = ~physicalAddressMask & (1L << 52) - 1;
    }

    long misses() {
        return misses;
    }

    long deviceAddress() {
        return deviceAddress;
    }

    /**
     * Translates a linear address and caches the page.
     *
     * @param access READ, WRITE or EXECUTE
     * @param context {@link Tlb#SUPERVISOR}, {@link Tlb#SUPERVISOR_AC} or {@link Tlb#USER}
     * @return host-physical address of the byte, or {@link #DEVICE}
     */
    long translate(long linear, int access, int context) {
        misses++;
        boolean user = context == Tlb.USER;
        int kind = user ? access | USER : access;
        long gpa = walk(linear, access, context);
        long host = secondLevel.translate(gpa, kind);
        if (host < 0) {
            if (cpu.completing && cpu.isDevice(gpa)) {
                deviceAddress = gpa;
                return DEVICE;
            }
            throw cpu.secondLevelExit(gpa, kind, linear, true, secondLevel.answer());
        }
        boolean read = pageReadable;
        boolean write = pageWritable && pageDirty && secondLevel.writable(gpa) && cpu.mayCacheWrites(host);
        boolean execute = pageExecutable && secondLevel.executable(gpa);
        if (!cpu.isWatched(linear)) {
            tlb.fill(context, linear, host, cpu.tlbStamp, read, write, execute, pageSize);
        }
        return host;
    }

    /**
     * Loads the page-directory-pointer registers as MOV to CR3 does under PAE paging.
     *
     * @return false when a reserved bit is set, for which the caller raises #GP(0)
     */
    boolean loadPointers(long cr3) {
        long[] loaded = new long[4];
        for (int i = 0; i < 4; i++) {
            long entry = read64((cr3 & 0xFFFF_FFE0L) + i * 8L);
            // SDM vol. 3A, table 5-8: bits 2:1 and 8:5 are reserved, as are 63:MAXPHYADDR
            if ((entry & PRESENT) != 0 && (entry & (reservedAddressBits | 0xFFF0_0000_0000_01E6L)) != 0) {
                return false;
            }
            loaded[i] = entry;
        }
        System.arraycopy(loaded, 0, pdptes, 0, 4);
        return true;
    }

    long pointer(int index) {
        return pdptes[index];
    }

    private long walk(long linear, int access, int context) {
        if ((cpu.cr0 & Bits.CR0_PG) == 0) {
            pageSize = 4096;
            pageWritable = true;
            pageReadable = true;
            pageExecutable = true;
            pageDirty = true;
            return linear & 0xFFFF_FFFFL;
        }
        if ((cpu.efer & Bits.EFER_LMA) != 0) {
            return walkWide(linear, access, context, cpu.cr3 & physicalAddressMask & ~0xFFFL, 39, ~0L);
        }
        if ((cpu.cr4 & Bits.CR4_PAE) != 0) {
            long pointer = pdptes[(int) (linear >>> 30) & 3];
            if ((pointer & PRESENT) == 0) {
                throw fault(linear, access, context, 0);
            }
            return walkWide(linear, access, context, pointer & physicalAddressMask & ~0xFFFL, 21, ~0L);
        }
        return walk32(linear, access, context);
    }

    /** 4-level paging from the PML4 down, and PAE paging from the page directory down. */
    private long walkWide(long linear, int access, int context, long table, int shift, long rights) {
        long noExecuteReserved = (cpu.efer & Bits.EFER_NXE) == 0 ? NO_EXECUTE : 0;
        // SDM vol. 3A, table 5-9: PAE entries have no ignored bits above the address
        long reserved = reservedAddressBits
                | noExecuteReserved
                | ((cpu.efer & Bits.EFER_LMA) == 0 ? 0x7FF0_0000_0000_0000L : 0);
        boolean executable = true;
        while (true) {
            long gpa = table + (linear >>> shift & 0x1FF) * 8;
            long host = tableEntry(gpa, linear, false);
            long entry = (long) LONG_HANDLE.getVolatile(memory, host);
            if ((entry & PRESENT) == 0) {
                throw fault(linear, access, context, 0);
            }
            boolean large = shift > 12 && (entry & LARGE) != 0;
            if ((entry & reserved) != 0 || large && reservedInLarge(entry, shift)) {
                throw fault(linear, access, context, FAULT_PRESENT | FAULT_RESERVED);
            }
            rights &= entry;
            executable &= (entry & NO_EXECUTE) == 0;
            if (shift == 12 || large) {
                check(linear, access, context, rights, executable);
                setAccessed(gpa, host, linear, entry, access == WRITE);
                long mask = (1L << shift) - 1;
                pageSize = mask + 1;
                return entry & physicalAddressMask & ~0xFFFL & ~mask | linear & mask;
            }
            if ((entry & ACCESSED) == 0) {
                setAccessed(gpa, host, linear, entry, false);
            }
            table = entry & physicalAddressMask & ~0xFFFL;
            shift -= 9;
        }
    }

    private static boolean reservedInLarge(long entry, int shift) {
        // a PML4 entry has no page-size bit; below it the bits between the PAT bit and the page's address are reserved
        return shift == 39 || (entry & (1L << shift) - 1 & ~0xFFFL & ~LARGE_PAT) != 0;
    }

    /** 32-bit paging, SDM vol. 3A, 5.3, with 4 MiB pages if CR4.PSE is set, PSE-36 included. */
    private long walk32(long linear, int access, int context) {
        long gpa = (cpu.cr3 & 0xFFFF_F000L) + (linear >>> 22 & 0x3FF) * 4;
        long host = tableEntry(gpa, linear, false);
        int directory = (int) INT_HANDLE.getVolatile(memory, host);
        if ((directory & PRESENT) == 0) {
            throw fault(linear, access, context, 0);
        }
        if ((directory & LARGE) != 0 && (cpu.cr4 & Bits.CR4_PSE) != 0) {
            // SDM vol. 3A, table 5-4: bits 20:13 hold address bits 39:32, bit 21 is reserved
            if ((directory & 1 << 21) != 0) {
                throw fault(linear, access, context, FAULT_PRESENT | FAULT_RESERVED);
            }
            check(linear, access, context, directory, true);
            setAccessed32(gpa, host, linear, directory, access == WRITE);
            pageSize = 1 << 22;
            return (directory & 0xFFC0_0000L | (directory & 0x1F_E000L) << 19 | linear & 0x3F_FFFF)
                    & physicalAddressMask;
        }
        if ((directory & ACCESSED) == 0) {
            setAccessed32(gpa, host, linear, directory, false);
        }
        gpa = (directory & 0xFFFF_F000L) + (linear >>> 12 & 0x3FF) * 4;
        host = tableEntry(gpa, linear, false);
        int entry = (int) INT_HANDLE.getVolatile(memory, host);
        if ((entry & PRESENT) == 0) {
            throw fault(linear, access, context, 0);
        }
        check(linear, access, context, entry & directory, true);
        setAccessed32(gpa, host, linear, entry, access == WRITE);
        pageSize = 4096;
        return entry & 0xFFFF_F000L | linear & 0xFFF;
    }

    /** Access rights, SDM vol. 3A, 5.6.1 "Determination of Access Rights". */
    private void check(long linear, int access, int context, long rights, boolean executable) {
        boolean userPage = (rights & USER_PAGE) != 0;
        boolean writableEntry = (rights & WRITABLE) != 0;
        if (context == Tlb.USER) {
            pageReadable = userPage;
            pageWritable = userPage && writableEntry;
            pageExecutable = userPage && executable;
        } else {
            pageReadable = !(userPage && context == Tlb.SUPERVISOR && (cpu.cr4 & Bits.CR4_SMAP) != 0);
            pageWritable = pageReadable && (writableEntry || (cpu.cr0 & Bits.CR0_WP) == 0);
            pageExecutable = executable && !(userPage && (cpu.cr4 & Bits.CR4_SMEP) != 0);
        }
        boolean allowed = switch (access) {
            case READ -> pageReadable;
            case WRITE -> pageWritable;
            default -> pageExecutable;
        };
        if (!allowed) {
            throw fault(linear, access, context, FAULT_PRESENT);
        }
    }

    /** Host address of a paging-structure entry, which the guest's tables give by its guest-physical one. */
    private long tableEntry(long gpa, long linear, boolean update) {
        int kind = update ? WRITE | TABLE_WALK : READ | TABLE_WALK;
        long host = secondLevel.translate(gpa, kind);
        if (host < 0) {
            throw cpu.secondLevelExit(gpa, kind, linear, true, secondLevel.answer());
        }
        return host;
    }

    private void setAccessed(long gpa, long host, long linear, long entry, boolean write) {
        long wanted = write ? ACCESSED | DIRTY : ACCESSED;
        if ((entry & wanted) != wanted) {
            long same = tableEntry(gpa, linear, true);
            LONG_HANDLE.getAndBitwiseOr(memory, same, wanted);
            cpu.wroteMemory(same, 8);
        }
        pageDirty = write || (entry & DIRTY) != 0;
    }

    private void setAccessed32(long gpa, long host, long linear, int entry, boolean write) {
        int wanted = (int) (write ? ACCESSED | DIRTY : ACCESSED);
        if ((entry & wanted) != wanted) {
            long same = tableEntry(gpa, linear, true);
            INT_HANDLE.getAndBitwiseOr(memory, same, wanted);
            cpu.wroteMemory(same, 4);
        }
        pageDirty = write || (entry & DIRTY) != 0;
    }

    private GuestFault fault(long linear, int access, int context, int cause) {
        int code = cause;
        if (access == WRITE) {
            code |= FAULT_WRITE;
        }
        if (context == Tlb.USER) {
            code |= FAULT_USER;
        }
        // the fetch bit exists where something can forbid fetches, SDM vol. 3A, 5.7
        boolean noExecuteEnabled = (cpu.efer & Bits.EFER_NXE) != 0 && (cpu.cr4 & Bits.CR4_PAE) != 0;
        if (access == EXECUTE && (noExecuteEnabled || (cpu.cr4 & Bits.CR4_SMEP) != 0)) {
            code |= FAULT_FETCH;
        }
        return cpu.pageFault(linear, code);
    }

    private long read64(long gpa) {
        long host = tableEntry(gpa, gpa, false);
        return memory.get(JAVA_LONG, host);
    }

    /** Makes the next walks see second-level tables that have changed. */
    void forgetSecondLevel() {
        secondLevel.flush();
    }
}
