package org.bundlevisor.cpu.core.execute;

import org.bundlevisor.cpu.core.decode.Mnemonic;

/** The list of all files of handlers. */
final class Handlers {
    private Handlers() {}

    static void registerAll(HandlerTable table) {
        table.addOne(Mnemonic.INVALID, (cpu, in) -> {
            throw cpu.raise(Vectors.INVALID_OPCODE, 0);
        });
        table.addOne(Mnemonic.TOO_LONG, (cpu, in) -> {
            throw cpu.raise(Vectors.GENERAL_PROTECTION, 0);
        });
        ArithmeticHandlers.register(table);
        BitHandlers.register(table);
        BranchHandlers.register(table);
        ControlHandlers.register(table);
        DecimalHandlers.register(table);
        DescriptorQueryHandlers.register(table);
        FarReturn.register(table);
        FarTransfer.register(table);
        FlagHandlers.register(table);
        InterruptFlagHandlers.register(table);
        InterruptHandlers.register(table);
        InterruptReturn.register(table);
        LockedHandlers.register(table);
        MoveHandlers.register(table);
        MultiplyHandlers.register(table);
        PortHandlers.register(table);
        PrivilegedHandlers.register(table);
        SegmentHandlers.register(table);
        ShiftHandlers.register(table);
        StackHandlers.register(table);
        StringHandlers.register(table);
        SystemCallHandlers.register(table);
        TableHandlers.register(table);
        X87Moves.register(table);
        X87Arithmetic.register(table);
        X87Control.register(table);
        ExtendedState.register(table);
        Mmx.register(table);
        SseMoves.register(table);
        SseIntegers.register(table);
        SseFloats.register(table);
        SseConversions.register(table);
        SseStrings.register(table);
    }
}
