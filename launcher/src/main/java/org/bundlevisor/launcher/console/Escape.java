package org.bundlevisor.launcher.console;

/** Tells what is meant for the terminal from what is meant for the guest: Ctrl-A begins a command to the terminal. */
final class Escape {
    /** What a key means. */
    enum Meaning {
        /** The byte goes to the guest. */
        INPUT,
        /** The byte is a part of a command, or none. */
        NOTHING,
        QUIT,
        SHELL,
        HELP
    }

    static final int CTRL_A = 1;
    static final int CTRL_C = 3;
    static final int CTRL_X = 24;

    private boolean begun;

    Meaning of(int key) {
        if (!begun) {
            begun = key == CTRL_A;
            return begun ? Meaning.NOTHING : Meaning.INPUT;
        }
        begun = false;
        return switch (key) {
            case CTRL_A -> Meaning.INPUT;
            case 'x', 'X', CTRL_X -> Meaning.QUIT;
            case 'c', 'C', CTRL_C -> Meaning.SHELL;
            case 'h', 'H', '?' -> Meaning.HELP;
            default -> Meaning.NOTHING;
        };
    }
}
