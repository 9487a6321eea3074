package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.Intercept;
import org.bundlevisor.cpu.core.ProcessorExit;
import org.bundlevisor.cpu.core.ProcessorExit.Kind;
import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;

/**
 * Instructions on the processor itself: identification, time, model-specific registers, caches and TLB, halting, and
 * those of VMX and SVM. Where an instruction can both fault and stop the processor, the order is that of SDM vol. 3C,
 * 26.1.1 "Relative Priority of Faults and VM Exits": privilege first.
 */
final class PrivilegedHandlers {
    private PrivilegedHandlers() {}

    static void register(HandlerTable table) {
        table.addOne(Mnemonic.CPUID, (cpu, in) -> {
            stop(cpu, in, Intercept.CPUID);
            Identification.cpuid(cpu);
        });
        table.addOne(Mnemonic.HLT, PrivilegedHandlers::halt);
        table.addOne(Mnemonic.PAUSE, (cpu, in) -> {
            stop(cpu, in, Intercept.PAUSE);
            Thread.onSpinWait();
        });
        table.addOne(Mnemonic.INVD, (cpu, in) -> {
            cpu.requireKernel();
            stop(cpu, in, Intercept.INVD);
        });
        table.addOne(Mnemonic.WBINVD, (cpu, in) -> {
            cpu.requireKernel();
            stop(cpu, in, Intercept.WBINVD);
        });
        table.addOne(Mnemonic.INVLPG, PrivilegedHandlers::invalidatePage);
        table.addOne(Mnemonic.INVPCID, PrivilegedHandlers::invalidatePcid);
        table.addOne(Mnemonic.RDMSR, PrivilegedHandlers::readMsr);
        table.addOne(Mnemonic.WRMSR, PrivilegedHandlers::writeMsr);
        table.addOne(Mnemonic.RDTSC, (cpu, in) -> {
            checkTimeStamp(cpu);
            stop(cpu, in, Intercept.RDTSC);
            cpu.callingHost(in);
            setPair(cpu, cpu.timeStampCounter());
        });
        table.addOne(Mnemonic.RDTSCP, (cpu, in) -> {
            checkTimeStamp(cpu);
            stop(cpu, in, Intercept.RDTSCP);
            cpu.callingHost(in);
            setPair(cpu, cpu.timeStampCounter());
            cpu.gpr[Cpu.RCX] = cpu.msrs.timeStampAuxiliary;
        });
        table.addOne(Mnemonic.RDPMC, PrivilegedHandlers::readCounter);
        table.addOne(Mnemonic.RDRAND, PrivilegedHandlers::random);
        table.addOne(Mnemonic.RDSEED, Features.UNDEFINED);
        table.addOne(Mnemonic.RDPID, Features.UNDEFINED);
        table.addOne(Mnemonic.CLFLUSH, PrivilegedHandlers::touchLine);
        table.addOne(Mnemonic.CLFLUSHOPT, Features.UNDEFINED);
        table.addOne(Mnemonic.CLWB, Features.UNDEFINED);
        table.add(Mnemonic.RDFSBASE, in -> bindReadBase(in, Cpu.FS));
        table.add(Mnemonic.RDGSBASE, in -> bindReadBase(in, Cpu.GS));
        table.add(Mnemonic.WRFSBASE, in -> bindWriteBase(in, Cpu.FS));
        table.add(Mnemonic.WRGSBASE, in -> bindWriteBase(in, Cpu.GS));
        table.addOne(Mnemonic.MONITOR, (cpu, in) -> stopThenUndefined(cpu, in, Intercept.MONITOR));
        table.addOne(Mnemonic.MWAIT, (cpu, in) -> stopThenUndefined(cpu, in, Intercept.MWAIT));
        table.addOne(Mnemonic.RSM, (cpu, in) -> stopThenUndefined(cpu, in, Intercept.RSM));
        for (Mnemonic mnemonic : new Mnemonic[] {
            Mnemonic.VMCALL,
            Mnemonic.VMLAUNCH,
            Mnemonic.VMRESUME,
            Mnemonic.VMXOFF,
            Mnemonic.VMXON,
            Mnemonic.VMPTRLD,
            Mnemonic.VMPTRST,
            Mnemonic.VMCLEAR,
            Mnemonic.VMREAD,
            Mnemonic.VMWRITE,
            Mnemonic.INVEPT,
            Mnemonic.INVVPID
        }) {
            table.addOne(mnemonic, (cpu, in) -> stopThenUndefined(cpu, in, Intercept.VMX_INSTRUCTION));
        }
        table.addOne(Mnemonic.VMFUNC, Features.UNDEFINED);
        for (Mnemonic mnemonic : new Mnemonic[] {
            Mnemonic.VMRUN,
            Mnemonic.VMMCALL,
            Mnemonic.VMLOAD,
            Mnemonic.VMSAVE,
            Mnemonic.STGI,
            Mnemonic.CLGI,
            Mnemonic.SKINIT,
            Mnemonic.INVLPGA
        }) {
            table.addOne(mnemonic, (cpu, in) -> stopThenUndefined(cpu, in, Intercept.SVM_INSTRUCTION));
        }
    }

    /** Stops the processor at the instruction if it is intercepted. */
    private static void stop(Cpu cpu, Instruction in, Intercept intercept) {
        if (cpu.intercepts.has(intercept)) {
            cpu.exit.intercept = intercept;
            cpu.exit.mnemonic = in.mnemonic().name();
            throw cpu.exit(Kind.INSTRUCTION, in.length);
        }
    }

    /** As {@link #stop}, with what an instruction with a memory operand tells of it. */
    private static void stopWithMemory(Cpu cpu, Instruction in, Intercept intercept, long linear, int register) {
        if (cpu.intercepts.has(intercept)) {
            ProcessorExit exit = cpu.exit;
            exit.linearAddress = linear;
            exit.displacement = cpu.displacement(in);
            exit.instructionInformation = ExitOperands.memory(in, register);
            stop(cpu, in, intercept);
        }
    }

    private static void stopThenUndefined(Cpu cpu, Instruction in, Intercept intercept) {
        if (in.memory) {
            stopWithMemory(cpu, in, intercept, cpu.address(in, 1, false), in.reg);
        } else {
            cpu.exit.instructionInformation = ExitOperands.register(in, in.reg);
            stop(cpu, in, intercept);
        }
        throw cpu.raise(Vectors.INVALID_OPCODE, 0);
    }

    private static void halt(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        stop(cpu, in, Intercept.HLT);
        cpu.halted = true;
        cpu.pending |= Cpu.PENDING_IDLE;
    }

    private static void invalidatePage(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        long linear = cpu.offset(in) + cpu.effectiveBase[in.segment] & cpu.linearMask;
        stopWithMemory(cpu, in, Intercept.INVLPG, linear, 0);
        cpu.flushTlbPage(linear);
    }

    /** SDM vol. 2A, INVPCID: all types forget at least what they must. */
    private static void invalidatePcid(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        long linear = cpu.address(in, 16, false);
        stopWithMemory(cpu, in, Intercept.INVPCID, linear, in.reg);
        long type = Operands.register(cpu, in.reg, cpu.code64() ? 8 : 4);
        long pcid = cpu.read64(linear);
        long address = cpu.read64(linear + 8);
        boolean pcids = (cpu.cr4 & Bits.CR4_PCIDE) != 0;
        boolean single = type == 0 || type == 1;
        boolean canonical = type != 0 || address << 16 >> 16 == address;
        if (type < 0 || type > 3 || single && (pcid >>> 12 != 0 || !pcids && pcid != 0) || !canonical) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        switch ((int) type) {
            case 0 -> cpu.flushTlbPage(address);
            case 1 -> cpu.flushTlb((int) pcid);
            default -> cpu.flushTlb();
        }
    }

    private static void readMsr(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        int index = (int) cpu.gpr[Cpu.RCX];
        stopForMsr(cpu, in, index, false);
        long[] value = cpu.msrValue;
        if (!cpu.msrs.read(index, value)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
        setPair(cpu, value[0]);
    }

    private static void writeMsr(Cpu cpu, Instruction in) {
        cpu.requireKernel();
        int index = (int) cpu.gpr[Cpu.RCX];
        stopForMsr(cpu, in, index, true);
        long value = cpu.gpr[Cpu.RDX] << 32 | cpu.gpr[Cpu.RAX] & 0xFFFF_FFFFL;
        if (!cpu.msrs.write(index, value)) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    private static void stopForMsr(Cpu cpu, Instruction in, int index, boolean write) {
        if (cpu.intercepts.msr(index, write)) {
            cpu.exit.value = index;
            throw cpu.exit(write ? Kind.MSR_WRITE : Kind.MSR_READ, in.length);
        }
        cpu.callingHost(in);
    }

    private static void setPair(Cpu cpu, long value) {
        cpu.gpr[Cpu.RAX] = value & 0xFFFF_FFFFL;
        cpu.gpr[Cpu.RDX] = value >>> 32;
    }

    private static void checkTimeStamp(Cpu cpu) {
        if ((cpu.cr4 & Bits.CR4_TSD) != 0 && cpu.cpl != 0) {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        }
    }

    /** There are no performance counters, so whatever ECX says is wrong. */
    private static void readCounter(Cpu cpu, Instruction in) {
        if ((cpu.cr4 & Bits.CR4_PCE) == 0) {
            cpu.requireKernel();
        }
        stop(cpu, in, Intercept.RDPMC);
        throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
    }

    /** The generator always has bits: CF is set, the other flags cleared. */
    private static void random(Cpu cpu, Instruction in) {
        cpu.exit.instructionInformation = ExitOperands.random(in);
        stop(cpu, in, Intercept.RDRAND);
        cpu.callingHost(in);
        Operands.setRegister(cpu, in.rm, cpu.host.random(cpu.index), in.operandSize);
        cpu.setArithmeticFlags(Bits.FLAG_CF);
    }

    /** CLFLUSH faults as a read of a byte does, and there is no cache to flush. */
    private static void touchLine(Cpu cpu, Instruction in) {
        cpu.probeRead(cpu.address(in, 1, false), 1);
    }

    private static Handler bindReadBase(Instruction in, int segment) {
        int size = in.operandSize;
        return (cpu, it) -> {
            checkBaseAccess(cpu);
            Operands.setRegister(cpu, it.rm, cpu.segmentBase[segment], size);
        };
    }

    private static Handler bindWriteBase(Instruction in, int segment) {
        int size = in.operandSize;
        return (cpu, it) -> {
            checkBaseAccess(cpu);
            long value = size == 8 ? cpu.gpr[it.rm] : cpu.gpr[it.rm] & 0xFFFF_FFFFL;
            if (value << 16 >> 16 != value) {
                throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
            }
            cpu.setBase(segment, value);
        };
    }

    private static void checkBaseAccess(Cpu cpu) {
        if ((cpu.cr4 & Bits.CR4_FSGSBASE) == 0) {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        }
    }
}
