package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.softfloat.ExtendedArithmetic;
import org.bundlevisor.cpu.core.softfloat.Rounding;

/** Loads, stores, constants and moves between x87 registers: SDM vol. 1, 8.3.3 and 8.3.4. */
final class X87Moves {
    private X87Moves() {}

    @FunctionalInterface
    private interface Condition {
        boolean holds(Cpu cpu);
    }

    static void register(HandlerTable table) {
        table.add(Mnemonic.FLD, X87Moves::bindLoad);
        table.add(Mnemonic.FILD, in -> loadInteger(in.size(0)));
        table.addOne(Mnemonic.FBLD, X87Moves::loadDecimal);
        table.add(Mnemonic.FST, in -> bindStore(in, false));
        table.add(Mnemonic.FSTP, in -> bindStore(in, true));
        table.add(Mnemonic.FIST, in -> storeInteger(in.size(0), false, false));
        table.add(Mnemonic.FISTP, in -> storeInteger(in.size(0), false, true));
        table.add(Mnemonic.FISTTP, in -> storeInteger(in.size(0), true, true));
        table.addOne(Mnemonic.FBSTP, X87Moves::storeDecimal);
        table.addOne(Mnemonic.FXCH, X87Moves::exchange);
        table.addOne(Mnemonic.FFREE, (cpu, in) -> free(cpu, in, false));
        table.addOne(Mnemonic.FFREEP, (cpu, in) -> free(cpu, in, true));
        table.addOne(Mnemonic.FINCSTP, (cpu, in) -> rotate(cpu, in, 1));
        table.addOne(Mnemonic.FDECSTP, (cpu, in) -> rotate(cpu, in, -1));
        move(table, Mnemonic.FCMOVB, Cpu::carry);
        move(table, Mnemonic.FCMOVE, Cpu::zero);
        move(table, Mnemonic.FCMOVBE, cpu -> cpu.carry() || cpu.zero());
        move(table, Mnemonic.FCMOVU, Cpu::parity);
        move(table, Mnemonic.FCMOVNB, cpu -> !cpu.carry());
        move(table, Mnemonic.FCMOVNE, cpu -> !cpu.zero());
        move(table, Mnemonic.FCMOVNBE, cpu -> !cpu.carry() && !cpu.zero());
        move(table, Mnemonic.FCMOVNU, cpu -> !cpu.parity());
        registerConstants(table);
    }

    // ---- loads

    private static Handler bindLoad(Instruction in) {
        if (!in.memory) {
            return X87Moves::duplicate;
        }
        return switch (in.size(0)) {
            case 4 -> X87Moves::loadSingle;
            case 8 -> X87Moves::loadDouble;
            default -> X87Moves::loadExtended;
        };
    }

    private static void duplicate(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(in.rm)) {
            if (x87.underflow(cpu, in)) {
                x87.top = x87.top - 1 & 7;
                x87.setIndefinite(0);
            }
            return;
        }
        pushExactly(cpu, in, x87.signExponent(in.rm), x87.significand(in.rm));
    }

    /** Pushes a number as it is. */
    private static void pushExactly(Cpu cpu, Instruction in, int signExponent, long significand) {
        ExtendedArithmetic arithmetic = cpu.x87.arithmetic;
        arithmetic.fromInteger(0);
        arithmetic.signExponent = signExponent;
        arithmetic.significand = significand;
        cpu.x87.push(cpu, in);
    }

    private static void loadSingle(Cpu cpu, Instruction in) {
        X87.check(cpu);
        int bits = cpu.read32(cpu.address(in, 4, false));
        noteBoth(cpu, in);
        cpu.x87.arithmetic.fromSingle(bits);
        cpu.x87.push(cpu, in);
    }

    private static void loadDouble(Cpu cpu, Instruction in) {
        X87.check(cpu);
        long bits = cpu.read64(cpu.address(in, 8, false));
        noteBoth(cpu, in);
        cpu.x87.arithmetic.fromDouble(bits);
        cpu.x87.push(cpu, in);
    }

    private static void loadExtended(Cpu cpu, Instruction in) {
        X87.check(cpu);
        long linear = cpu.address(in, 10, false);
        long significand = cpu.read64(linear);
        int signExponent = cpu.read16(linear + 8 & cpu.linearMask);
        noteBoth(cpu, in);
        pushExactly(cpu, in, signExponent, significand);
    }

    private static Handler loadInteger(int size) {
        return (cpu, in) -> {
            X87.check(cpu);
            long value = cpu.read(cpu.address(in, size, false), size);
            noteBoth(cpu, in);
            cpu.x87.arithmetic.fromInteger(size == 2 ? (short) value : size == 4 ? (int) value : value);
            cpu.x87.push(cpu, in);
        };
    }

    private static void loadDecimal(Cpu cpu, Instruction in) {
        X87.check(cpu);
        long linear = cpu.address(in, 10, false);
        long digits = cpu.read64(linear);
        int high = cpu.read16(linear + 8 & cpu.linearMask);
        noteBoth(cpu, in);
        cpu.x87.arithmetic.fromDecimal(digits, high);
        cpu.x87.push(cpu, in);
    }

    private static void noteBoth(Cpu cpu, Instruction in) {
        cpu.x87.note(cpu, in);
        cpu.x87.noteOperand(cpu, in);
    }

    // ---- stores

    private static Handler bindStore(Instruction in, boolean pop) {
        if (!in.memory) {
            return in.opcode.code == 0xD9 ? X87Moves::copyUnchecked : (cpu, i) -> copy(cpu, i, pop);
        }
        return switch (in.size(0)) {
            case 4 -> (cpu, i) -> storeSingle(cpu, i, pop);
            case 8 -> (cpu, i) -> storeDouble(cpu, i, pop);
            default -> X87Moves::storeExtended;
        };
    }

    private static void copy(Cpu cpu, Instruction in, boolean pop) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0)) {
            if (!x87.underflow(cpu, in)) {
                return;
            }
            x87.setIndefinite(in.rm);
        } else {
            x87.status &= ~X87.C1;
            x87.set(in.rm, x87.signExponent(0), x87.significand(0));
        }
        if (pop) {
            x87.pop();
        }
    }

    /** The undocumented FSTPNCE, which pops even an empty ST(0). */
    private static void copyUnchecked(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        x87.status &= ~X87.C1;
        if (!x87.empty(0)) {
            x87.set(in.rm, x87.signExponent(0), x87.significand(0));
        }
        x87.pop();
    }

    private static void storeSingle(Cpu cpu, Instruction in, boolean pop) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        long linear = cpu.address(in, 4, true);
        if (x87.empty(0)) {
            cpu.probeWrite(linear, 4);
            noteBoth(cpu, in);
            if (x87.underflow(cpu, in)) {
                cpu.write32(linear, 0xFFC0_0000);
                popIf(cpu, pop);
            }
            return;
        }
        int bits = x87.arithmetic.toSingle(x87.signExponent(0), x87.significand(0));
        cpu.probeWrite(linear, 4);
        noteBoth(cpu, in);
        if (x87.settleStore(cpu, in)) {
            cpu.write32(linear, bits);
            popIf(cpu, pop);
        }
    }

    private static void storeDouble(Cpu cpu, Instruction in, boolean pop) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        long linear = cpu.address(in, 8, true);
        if (x87.empty(0)) {
            cpu.probeWrite(linear, 8);
            noteBoth(cpu, in);
            if (x87.underflow(cpu, in)) {
                cpu.write64(linear, 0xFFF8_0000_0000_0000L);
                popIf(cpu, pop);
            }
            return;
        }
        long bits = x87.arithmetic.toDouble(x87.signExponent(0), x87.significand(0));
        cpu.probeWrite(linear, 8);
        noteBoth(cpu, in);
        if (x87.settleStore(cpu, in)) {
            cpu.write64(linear, bits);
            popIf(cpu, pop);
        }
    }

    private static void popIf(Cpu cpu, boolean pop) {
        if (pop) {
            cpu.x87.pop();
        }
    }

    /** FSTP m80, which converts nothing and so raises nothing but a stack underflow. */
    private static void storeExtended(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        long linear = cpu.address(in, 10, true);
        cpu.probeWrite(linear, 10);
        noteBoth(cpu, in);
        if (x87.empty(0)) {
            if (!x87.underflow(cpu, in)) {
                return;
            }
            writeTenBytes(
                    cpu, linear, ExtendedArithmetic.INDEFINITE_SIGNIFICAND,
                    ExtendedArithmetic.INDEFINITE_SIGN_EXPONENT);
        } else {
            x87.status &= ~X87.C1;
            writeTenBytes(cpu, linear, x87.significand(0), x87.signExponent(0));
        }
        x87.pop();
    }

    private static void writeTenBytes(Cpu cpu, long linear, long low, int high) {
        cpu.write64(linear, low);
        cpu.write16(linear + 8 & cpu.linearMask, high);
    }

    private static Handler storeInteger(int size, boolean truncate, boolean pop) {
        return (cpu, in) -> {
            X87.check(cpu);
            X87 x87 = cpu.x87;
            long linear = cpu.address(in, size, true);
            cpu.probeWrite(linear, size);
            noteBoth(cpu, in);
            if (x87.empty(0)) {
                if (x87.underflow(cpu, in)) {
                    cpu.write(linear, -1L << 8 * size - 1, size);
                    popIf(cpu, pop);
                }
                return;
            }
            long value = x87.arithmetic.toInteger(x87.signExponent(0), x87.significand(0), 8 * size, truncate);
            if (x87.settleStore(cpu, in)) {
                cpu.write(linear, value, size);
                popIf(cpu, pop);
            }
        };
    }

    private static void storeDecimal(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        long linear = cpu.address(in, 10, true);
        cpu.probeWrite(linear, 10);
        noteBoth(cpu, in);
        if (x87.empty(0)) {
            if (x87.underflow(cpu, in)) {
                writeTenBytes(cpu, linear, 0xC000_0000_0000_0000L, 0xFFFF);
                x87.pop();
            }
            return;
        }
        x87.arithmetic.toDecimal(x87.signExponent(0), x87.significand(0));
        if (x87.settleStore(cpu, in)) {
            writeTenBytes(cpu, linear, x87.arithmetic.significand, x87.arithmetic.signExponent);
            x87.pop();
        }
    }

    // ---- between registers

    private static void exchange(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        int other = in.rm;
        if (x87.empty(0) || x87.empty(other)) {
            if (!x87.underflow(cpu, in)) {
                return;
            }
            if (x87.empty(0)) {
                x87.setIndefinite(0);
            }
            if (x87.empty(other)) {
                x87.setIndefinite(other);
            }
        } else {
            x87.status &= ~X87.C1;
        }
        int signExponent = x87.signExponent(0);
        long significand = x87.significand(0);
        x87.set(0, x87.signExponent(other), x87.significand(other));
        x87.set(other, signExponent, significand);
    }

    private static void free(Cpu cpu, Instruction in, boolean pop) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        x87.status &= ~X87.C1;
        x87.used &= ~(1 << x87.physical(in.rm));
        if (pop) {
            x87.pop();
        }
    }

    private static void rotate(Cpu cpu, Instruction in, int by) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        x87.status &= ~X87.C1;
        x87.top = x87.top + by & 7;
    }

    private static void move(HandlerTable table, Mnemonic mnemonic, Condition condition) {
        table.addOne(mnemonic, (cpu, in) -> {
            X87.check(cpu);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            if (x87.empty(0) || x87.empty(in.rm)) {
                if (x87.underflow(cpu, in)) {
                    x87.setIndefinite(0);
                }
            } else if (condition.holds(cpu)) {
                x87.set(0, x87.signExponent(in.rm), x87.significand(in.rm));
            }
        });
    }

    // ---- constants: kept with 66 bits, and rounded as the rounding control says (SDM vol. 1, 8.3.4)

    private static void registerConstants(HandlerTable table) {
        exact(table, Mnemonic.FLD1, 0x3FFF, Long.MIN_VALUE);
        exact(table, Mnemonic.FLDZ, 0, 0);
        // the last two bits, which are cut off here, decide about rounding up and down
        constant(table, Mnemonic.FLDL2T, 0x4000, 0xD49A_784B_CD1B_8AFEL, Rounding.UP);
        constant(table, Mnemonic.FLDL2E, 0x3FFF, 0xB8AA_3B29_5C17_F0BCL, Rounding.DOWN);
        constant(table, Mnemonic.FLDPI, 0x4000, 0xC90F_DAA2_2168_C235L, Rounding.DOWN);
        constant(table, Mnemonic.FLDLG2, 0x3FFD, 0x9A20_9A84_FBCF_F799L, Rounding.DOWN);
        constant(table, Mnemonic.FLDLN2, 0x3FFE, 0xB172_17F7_D1CF_79ACL, Rounding.DOWN);
    }

    private static void exact(HandlerTable table, Mnemonic mnemonic, int signExponent, long significand) {
        table.addOne(mnemonic, (cpu, in) -> {
            X87.check(cpu);
            cpu.x87.note(cpu, in);
            pushExactly(cpu, in, signExponent, significand);
        });
    }

    /**
     * A constant whose nearest number is {@code nearest}.
     *
     * @param differs UP when the number above it is nearer to the truth than the one below, and so only rounding up changes it
     */
    private static void constant(HandlerTable table, Mnemonic mnemonic, int signExponent, long nearest, int differs) {
        table.addOne(mnemonic, (cpu, in) -> {
            X87.check(cpu);
            cpu.x87.note(cpu, in);
            int rounding = cpu.x87.control >> 10 & 3;
            long significand = nearest;
            if (differs == Rounding.UP) {
                significand += rounding == Rounding.UP ? 1 : 0;
            } else {
                significand -= rounding == Rounding.DOWN || rounding == Rounding.TOWARD_ZERO ? 1 : 0;
            }
            pushExactly(cpu, in, signExponent, significand);
        });
    }
}
