package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Instruction;
import org.bundlevisor.cpu.core.decode.Mnemonic;
import org.bundlevisor.cpu.core.decode.Operand;
import org.bundlevisor.cpu.core.softfloat.ExtendedArithmetic;
import org.bundlevisor.cpu.core.softfloat.ExtendedFunctions;

/** The x87's arithmetic, comparisons and functions: SDM vol. 1, 8.3. */
final class X87Arithmetic {
    private X87Arithmetic() {}

    /** An operation on two numbers. */
    @FunctionalInterface
    private interface Operation {
        void apply(ExtendedArithmetic arithmetic, int aSignExponent, long a, int bSignExponent, long b);
    }

    /** An operation on ST(0). */
    @FunctionalInterface
    private interface Function {
        void apply(ExtendedArithmetic arithmetic, int signExponent, long significand);
    }

    /** A transcendental function of ST(0). */
    @FunctionalInterface
    private interface AngleFunction {
        void apply(ExtendedFunctions functions, int signExponent, long significand);
    }

    /** A transcendental function of ST(0) and ST(1). */
    @FunctionalInterface
    private interface PairFunction {
        void apply(ExtendedFunctions functions, int xSignExponent, long x, int ySignExponent, long y);
    }

    static void register(HandlerTable table) {
        Operation subtractReversed = (x, ae, a, be, b) -> x.subtract(be, b, ae, a);
        Operation divideReversed = (x, ae, a, be, b) -> x.divide(be, b, ae, a);
        operation(table, Mnemonic.FADD, Mnemonic.FADDP, Mnemonic.FIADD, ExtendedArithmetic::add);
        operation(table, Mnemonic.FMUL, Mnemonic.FMULP, Mnemonic.FIMUL, ExtendedArithmetic::multiply);
        operation(table, Mnemonic.FSUB, Mnemonic.FSUBP, Mnemonic.FISUB, ExtendedArithmetic::subtract);
        operation(table, Mnemonic.FSUBR, Mnemonic.FSUBRP, Mnemonic.FISUBR, subtractReversed);
        operation(table, Mnemonic.FDIV, Mnemonic.FDIVP, Mnemonic.FIDIV, ExtendedArithmetic::divide);
        operation(table, Mnemonic.FDIVR, Mnemonic.FDIVRP, Mnemonic.FIDIVR, divideReversed);
        registerComparisons(table);
        registerSigns(table);
        function(table, Mnemonic.FSQRT, ExtendedArithmetic::squareRoot);
        function(table, Mnemonic.FRNDINT, ExtendedArithmetic::roundToInteger);
        table.addOne(Mnemonic.FSCALE, X87Arithmetic::scale);
        table.addOne(Mnemonic.FXTRACT, X87Arithmetic::extract);
        table.addOne(Mnemonic.FPREM, (cpu, in) -> partialRemainder(cpu, in, false));
        table.addOne(Mnemonic.FPREM1, (cpu, in) -> partialRemainder(cpu, in, true));
        table.addOne(Mnemonic.F2XM1, X87Arithmetic::exponential);
        table.addOne(Mnemonic.FYL2X, (cpu, in) -> popping(cpu, in, ExtendedFunctions::yLog2X));
        table.addOne(Mnemonic.FYL2XP1, (cpu, in) -> popping(cpu, in, ExtendedFunctions::yLog2XPlusOne));
        table.addOne(Mnemonic.FPATAN, (cpu, in) -> popping(cpu, in, ExtendedFunctions::arctangent));
        table.addOne(Mnemonic.FSIN, (cpu, in) -> trigonometric(cpu, in, ExtendedFunctions::sine));
        table.addOne(Mnemonic.FCOS, (cpu, in) -> trigonometric(cpu, in, ExtendedFunctions::cosine));
        table.addOne(Mnemonic.FSINCOS, X87Arithmetic::sineAndCosine);
        table.addOne(Mnemonic.FPTAN, X87Arithmetic::tangent);
    }

    // ---- the four operations

    private static void operation(
            HandlerTable table, Mnemonic plain, Mnemonic popping, Mnemonic integer, Operation operation) {
        table.add(plain, in -> {
            if (in.memory) {
                return withMemory(operation, in.size(1) == 4);
            }
            return in.opcode.operand(0) == Operand.ST0
                    ? (cpu, i) -> withRegister(cpu, i, operation, 0, i.rm)
                    : (cpu, i) -> withRegister(cpu, i, operation, i.rm, 0);
        });
        table.addOne(popping, (cpu, in) -> {
            if (withRegister(cpu, in, operation, in.rm, 0)) {
                cpu.x87.pop();
            }
        });
        table.add(integer, in -> withInteger(operation, in.size(in.opcode.operandCount() - 1)));
    }

    /** Returns whether the result was written. */
    private static boolean withRegister(Cpu cpu, Instruction in, Operation operation, int destination, int source) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(destination) || x87.empty(source)) {
            if (x87.underflow(cpu, in)) {
                x87.setIndefinite(destination);
                return true;
            }
            return false;
        }
        operation.apply(
                x87.arithmetic,
                x87.signExponent(destination),
                x87.significand(destination),
                x87.signExponent(source),
                x87.significand(source));
        return x87.store(cpu, in, destination);
    }

    private static Handler withMemory(Operation operation, boolean single) {
        return (cpu, in) -> {
            X87.check(cpu);
            int size = single ? 4 : 8;
            long bits = cpu.read(cpu.address(in, size, false), size);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            x87.noteOperand(cpu, in);
            if (x87.empty(0)) {
                underflowOfTop(cpu, in);
                return;
            }
            if (single) {
                x87.arithmetic.loadSingle((int) bits);
            } else {
                x87.arithmetic.loadDouble(bits);
            }
            withOperand(cpu, in, operation);
        };
    }

    private static Handler withInteger(Operation operation, int size) {
        return (cpu, in) -> {
            X87.check(cpu);
            long value = cpu.read(cpu.address(in, size, false), size);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            x87.noteOperand(cpu, in);
            if (x87.empty(0)) {
                underflowOfTop(cpu, in);
                return;
            }
            x87.arithmetic.loadInteger(size == 2 ? (short) value : (int) value);
            withOperand(cpu, in, operation);
        };
    }

    private static void withOperand(Cpu cpu, Instruction in, Operation operation) {
        X87 x87 = cpu.x87;
        ExtendedArithmetic arithmetic = x87.arithmetic;
        operation.apply(
                arithmetic,
                x87.signExponent(0),
                x87.significand(0),
                arithmetic.operandSignExponent,
                arithmetic.operandSignificand);
        x87.store(cpu, in, 0);
    }

    private static void underflowOfTop(Cpu cpu, Instruction in) {
        if (cpu.x87.underflow(cpu, in)) {
            cpu.x87.setIndefinite(0);
        }
    }

    // ---- comparisons

    private static void registerComparisons(HandlerTable table) {
        table.add(Mnemonic.FCOM, in -> in.memory ? compareMemory(in, 0) : compareRegister(0, false));
        table.add(Mnemonic.FCOMP, in -> in.memory ? compareMemory(in, 1) : compareRegister(1, false));
        table.addOne(Mnemonic.FCOMPP, compareRegister(2, false));
        table.addOne(Mnemonic.FUCOM, compareRegister(0, true));
        table.addOne(Mnemonic.FUCOMP, compareRegister(1, true));
        table.addOne(Mnemonic.FUCOMPP, compareRegister(2, true));
        table.add(Mnemonic.FICOM, in -> compareInteger(in, 0));
        table.add(Mnemonic.FICOMP, in -> compareInteger(in, 1));
        table.addOne(Mnemonic.FCOMI, compareIntoFlags(false, false));
        table.addOne(Mnemonic.FCOMIP, compareIntoFlags(false, true));
        table.addOne(Mnemonic.FUCOMI, compareIntoFlags(true, false));
        table.addOne(Mnemonic.FUCOMIP, compareIntoFlags(true, true));
        table.addOne(Mnemonic.FTST, X87Arithmetic::test);
        table.addOne(Mnemonic.FXAM, X87Arithmetic::examine);
    }

    /** Enters what a comparison raised and its condition code; pops unless an unmasked exception forbids it. */
    private static void conclude(Cpu cpu, Instruction in, int order, int pops) {
        X87 x87 = cpu.x87;
        boolean goesOn = x87.settle(cpu, in);
        x87.status = x87.status & ~(X87.C0 | X87.C2 | X87.C3) | conditions(order);
        for (int i = 0; i < pops && goesOn; i++) {
            x87.pop();
        }
    }

    private static int conditions(int order) {
        return switch (order) {
            case ExtendedArithmetic.LESS -> X87.C0;
            case ExtendedArithmetic.EQUAL -> X87.C3;
            case ExtendedArithmetic.GREATER -> 0;
            default -> X87.C0 | X87.C2 | X87.C3;
        };
    }

    private static void underflowOfComparison(Cpu cpu, Instruction in, int pops) {
        X87 x87 = cpu.x87;
        boolean goesOn = x87.underflow(cpu, in);
        x87.status |= X87.C0 | X87.C2 | X87.C3;
        for (int i = 0; i < pops && goesOn; i++) {
            x87.pop();
        }
    }

    private static Handler compareRegister(int pops, boolean quiet) {
        return (cpu, in) -> {
            X87.check(cpu);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            int other = pops == 2 ? 1 : in.rm;
            if (x87.empty(0) || x87.empty(other)) {
                underflowOfComparison(cpu, in, pops);
                return;
            }
            int order = x87.arithmetic.compare(
                    x87.signExponent(0), x87.significand(0), x87.signExponent(other), x87.significand(other), quiet);
            conclude(cpu, in, order, pops);
        };
    }

    private static Handler compareMemory(Instruction bound, int pops) {
        boolean single = bound.size(1) == 4;
        int size = single ? 4 : 8;
        return (cpu, in) -> {
            X87.check(cpu);
            long bits = cpu.read(cpu.address(in, size, false), size);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            x87.noteOperand(cpu, in);
            if (x87.empty(0)) {
                underflowOfComparison(cpu, in, pops);
                return;
            }
            if (single) {
                x87.arithmetic.loadSingle((int) bits);
            } else {
                x87.arithmetic.loadDouble(bits);
            }
            compareOperand(cpu, in, pops);
        };
    }

    private static Handler compareInteger(Instruction bound, int pops) {
        int size = bound.size(bound.opcode.operandCount() - 1);
        return (cpu, in) -> {
            X87.check(cpu);
            long value = cpu.read(cpu.address(in, size, false), size);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            x87.noteOperand(cpu, in);
            if (x87.empty(0)) {
                underflowOfComparison(cpu, in, pops);
                return;
            }
            x87.arithmetic.loadInteger(size == 2 ? (short) value : (int) value);
            compareOperand(cpu, in, pops);
        };
    }

    private static void compareOperand(Cpu cpu, Instruction in, int pops) {
        X87 x87 = cpu.x87;
        ExtendedArithmetic arithmetic = x87.arithmetic;
        int order = arithmetic.compare(
                x87.signExponent(0),
                x87.significand(0),
                arithmetic.operandSignExponent,
                arithmetic.operandSignificand,
                false);
        conclude(cpu, in, order, pops);
    }

    private static Handler compareIntoFlags(boolean quiet, boolean pop) {
        return (cpu, in) -> {
            X87.check(cpu);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            int order = ExtendedArithmetic.UNORDERED;
            boolean goesOn;
            if (x87.empty(0) || x87.empty(in.rm)) {
                goesOn = x87.underflow(cpu, in);
            } else {
                order = x87.arithmetic.compare(
                        x87.signExponent(0), x87.significand(0), x87.signExponent(in.rm), x87.significand(in.rm),
                        quiet);
                int c1 = x87.status & X87.C1;
                goesOn = x87.settle(cpu, in);
                x87.status |= c1;
            }
            SseFloats.setFlags(cpu, order);
            if (pop && goesOn) {
                x87.pop();
            }
        };
    }

    private static void test(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0)) {
            underflowOfComparison(cpu, in, 0);
            return;
        }
        conclude(cpu, in, x87.arithmetic.compare(x87.signExponent(0), x87.significand(0), 0, 0, false), 0);
    }

    /** SDM vol. 2A, FXAM: table 3-36. */
    private static void examine(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        int exponent = x87.signExponent(0) & 0x7FFF;
        long significand = x87.significand(0);
        int kind;
        if (x87.empty(0)) {
            kind = X87.C3 | X87.C0;
        } else if (exponent == 0) {
            kind = significand == 0 ? X87.C3 : X87.C3 | X87.C2;
        } else if (significand >= 0) {
            kind = 0;
        } else if (exponent == 0x7FFF) {
            kind = significand << 1 == 0 ? X87.C2 | X87.C0 : X87.C0;
        } else {
            kind = X87.C2;
        }
        x87.setConditions(kind | ((x87.signExponent(0) & 0x8000) != 0 ? X87.C1 : 0));
    }

    // ---- one operand

    private static void registerSigns(HandlerTable table) {
        table.addOne(Mnemonic.FCHS, (cpu, in) -> changeSign(cpu, in, cpu.x87.signExponent(0) ^ 0x8000));
        table.addOne(Mnemonic.FABS, (cpu, in) -> changeSign(cpu, in, cpu.x87.signExponent(0) & 0x7FFF));
    }

    private static void changeSign(Cpu cpu, Instruction in, int signExponent) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0)) {
            underflowOfTop(cpu, in);
            return;
        }
        x87.status &= ~X87.C1;
        x87.set(0, signExponent, x87.significand(0));
    }

    private static void function(HandlerTable table, Mnemonic mnemonic, Function function) {
        table.addOne(mnemonic, (cpu, in) -> {
            X87.check(cpu);
            X87 x87 = cpu.x87;
            x87.note(cpu, in);
            if (x87.empty(0)) {
                underflowOfTop(cpu, in);
                return;
            }
            function.apply(x87.arithmetic, x87.signExponent(0), x87.significand(0));
            x87.store(cpu, in, 0);
        });
    }

    private static void scale(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0) || x87.empty(1)) {
            underflowOfTop(cpu, in);
            return;
        }
        x87.arithmetic.scale(x87.signExponent(0), x87.significand(0), x87.signExponent(1), x87.significand(1));
        x87.store(cpu, in, 0);
    }

    private static void extract(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0)) {
            if (x87.underflow(cpu, in)) {
                x87.setIndefinite(0);
                x87.top = x87.top - 1 & 7;
                x87.setIndefinite(0);
            }
            return;
        }
        if (!x87.empty(7)) {
            if (x87.overflow(cpu, in)) {
                x87.setIndefinite(0);
                x87.top = x87.top - 1 & 7;
                x87.setIndefinite(0);
            }
            return;
        }
        int signExponent = x87.signExponent(0);
        long significand = x87.significand(0);
        x87.arithmetic.extractExponent(signExponent, significand);
        if (x87.store(cpu, in, 0)) {
            x87.arithmetic.extractSignificand(signExponent, significand);
            x87.top = x87.top - 1 & 7;
            x87.set(0, x87.arithmetic.signExponent, x87.arithmetic.significand);
        }
    }

    private static void partialRemainder(Cpu cpu, Instruction in, boolean nearest) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0) || x87.empty(1)) {
            underflowOfTop(cpu, in);
            x87.status &= ~X87.C2;
            return;
        }
        boolean complete = x87.arithmetic.partialRemainder(
                x87.signExponent(0), x87.significand(0), x87.signExponent(1), x87.significand(1), nearest);
        boolean written = x87.store(cpu, in, 0);
        long quotient = x87.arithmetic.quotient;
        x87.status &= ~X87.C2;
        if (written && (x87.arithmetic.signExponent & 0x7FFF) != 0x7FFF) {
            int bits = ((quotient & 4) != 0 ? X87.C0 : 0)
                    | ((quotient & 2) != 0 ? X87.C3 : 0)
                    | ((quotient & 1) != 0 ? X87.C1 : 0);
            x87.setConditions(complete ? bits : X87.C2);
        }
    }

    // ---- transcendental functions

    private static void exponential(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0)) {
            underflowOfTop(cpu, in);
            return;
        }
        x87.functions.twoToTheXMinusOne(x87.signExponent(0), x87.significand(0));
        x87.store(cpu, in, 0);
    }

    /** Puts an operation on ST(0) and ST(1) into ST(1), and pops. */
    private static void popping(Cpu cpu, Instruction in, PairFunction function) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        if (x87.empty(0) || x87.empty(1)) {
            if (x87.underflow(cpu, in)) {
                x87.pop();
                x87.setIndefinite(0);
            }
            return;
        }
        function.apply(
                x87.functions, x87.signExponent(0), x87.significand(0), x87.signExponent(1), x87.significand(1));
        if (x87.store(cpu, in, 1)) {
            x87.pop();
        }
    }

    /** C2 tells that the operand was out of range, and then nothing else happens: SDM vol. 1, 8.3.8. */
    private static void trigonometric(Cpu cpu, Instruction in, AngleFunction function) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        x87.status &= ~X87.C2;
        if (x87.empty(0)) {
            underflowOfTop(cpu, in);
        } else if (ExtendedFunctions.outOfRange(x87.signExponent(0), x87.significand(0))) {
            x87.status = x87.status & ~X87.C1 | X87.C2;
        } else {
            function.apply(x87.functions, x87.signExponent(0), x87.significand(0));
            x87.store(cpu, in, 0);
        }
    }

    private static void tangent(Cpu cpu, Instruction in) {
        if (!beginPushing(cpu, in)) {
            return;
        }
        X87 x87 = cpu.x87;
        int signExponent = x87.signExponent(0);
        long significand = x87.significand(0);
        x87.functions.tangent(signExponent, significand);
        if (x87.store(cpu, in, 0)) {
            boolean nan = (x87.arithmetic.signExponent & 0x7FFF) == 0x7FFF;
            x87.top = x87.top - 1 & 7;
            if (nan) {
                x87.set(0, x87.arithmetic.signExponent, x87.arithmetic.significand);
            } else {
                x87.set(0, 0x3FFF, Long.MIN_VALUE);
            }
        }
    }

    private static void sineAndCosine(Cpu cpu, Instruction in) {
        if (!beginPushing(cpu, in)) {
            return;
        }
        X87 x87 = cpu.x87;
        int signExponent = x87.signExponent(0);
        long significand = x87.significand(0);
        x87.functions.cosine(signExponent, significand);
        int raised = x87.arithmetic.exceptions;
        int cosineSignExponent = x87.arithmetic.signExponent;
        long cosine = x87.arithmetic.significand;
        x87.functions.sine(signExponent, significand);
        x87.arithmetic.exceptions |= raised;
        if (x87.store(cpu, in, 0)) {
            x87.top = x87.top - 1 & 7;
            x87.set(0, cosineSignExponent, cosine);
        }
    }

    /** What FPTAN and FSINCOS do before they compute; returns whether they are to. */
    private static boolean beginPushing(Cpu cpu, Instruction in) {
        X87.check(cpu);
        X87 x87 = cpu.x87;
        x87.note(cpu, in);
        x87.status &= ~X87.C2;
        boolean empty = x87.empty(0);
        if (empty || !x87.empty(7)) {
            if (empty ? x87.underflow(cpu, in) : x87.overflow(cpu, in)) {
                x87.setIndefinite(0);
                x87.top = x87.top - 1 & 7;
                x87.setIndefinite(0);
            }
            return false;
        }
        if (ExtendedFunctions.outOfRange(x87.signExponent(0), x87.significand(0))) {
            x87.status = x87.status & ~X87.C1 | X87.C2;
            return false;
        }
        return true;
    }
}
