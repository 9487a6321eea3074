package org.bundlevisor.machine.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.Optional;

/**
 * A private anonymous mapping without a reservation of swap space, so that its size is limited by address space and not by
 * what is free: mmap(2) of Linux and macOS.
 */
final class AnonymousMapping implements Reservation {
    private static final int PROT_READ = 1;
    private static final int PROT_WRITE = 2;
    private static final int MAP_PRIVATE = 2;
    private static final long MAP_FAILED = -1;

    /** Constants that differ between the systems' headers. */
    private enum Platform {
        LINUX(0x20, 0x4000, 4, true),
        /** MADV_FREE leaves the contents undefined until the page is gone, so they are cleared first. */
        MAC_OS(0x1000, 0x40, 5, false);

        final int anonymous;
        final int noReserve;
        final int adviceToDiscard;
        final boolean discardClears;

        Platform(int anonymous, int noReserve, int adviceToDiscard, boolean discardClears) {
            this.anonymous = anonymous;
            this.noReserve = noReserve;
            this.adviceToDiscard = adviceToDiscard;
            this.discardClears = discardClears;
        }

        static Optional<Platform> current() {
            String name = System.getProperty("os.name", "");
            if (name.equals("Linux")) {
                return Optional.of(LINUX);
            }
            return name.startsWith("Mac OS X") ? Optional.of(MAC_OS) : Optional.empty();
        }
    }

    private final Platform platform;
    private final MethodHandle madvise;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment segment;

    private AnonymousMapping(Platform platform, long size) throws IOException {
        this.platform = platform;
        MethodHandle mmap = function(
                "mmap",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        MethodHandle munmap = function(
                "munmap",
                FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
        madvise = function(
                "madvise",
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG, ValueLayout.JAVA_INT));
        long address;
        try {
            int flags = MAP_PRIVATE | platform.anonymous | platform.noReserve;
            address = (long) mmap.invokeExact(0L, size, PROT_READ | PROT_WRITE, flags, -1, 0L);
        } catch (Throwable e) {
            throw new IllegalStateException("mmap could not be called", e);
        }
        if (address == MAP_FAILED) {
            throw new IOException("the host refuses to reserve " + (size >> 20) + " MiB of address space");
        }
        segment = MemorySegment.ofAddress(address).reinterpret(size, arena, mapping -> {
            try {
                int ignored = (int) munmap.invokeExact(mapping.address(), size);
            } catch (Throwable e) {
                throw new IllegalStateException("munmap could not be called", e);
            }
        });
    }

    /**
     * Reserves address space; empty where the system has no mmap.
     *
     * @throws IOException in one sentence, when the system refuses that much
     */
    static Optional<Reservation> create(long size) throws IOException {
        Optional<Platform> platform = Platform.current();
        return platform.isPresent() ? Optional.of(new AnonymousMapping(platform.get(), size)) : Optional.empty();
    }

    private static MethodHandle function(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor);
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public void discard(long address, long size) {
        MemorySegment range = segment.asSlice(address, size);
        if (!platform.discardClears) {
            range.fill((byte) 0);
        }
        int error;
        try {
            error = (int) madvise.invokeExact(range.address(), size, platform.adviceToDiscard);
        } catch (Throwable e) {
            throw new IllegalStateException("madvise could not be called", e);
        }
        if (error != 0) {
            range.fill((byte) 0);
        }
    }

    @Override
    public String description() {
        return "an anonymous mapping";
    }

    @Override
    public void close() {
        arena.close();
    }
}
