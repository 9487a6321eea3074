package org.bundlevisor.devices.test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.bundlevisor.device.GuestMemory;

/** Guest memory from address 0 up to a size. */
public final class FakeMemory implements GuestMemory {
    private final MemorySegment bytes;

    public FakeMemory(long size) {
        bytes = Arena.ofAuto().allocate(size);
    }

    /** All of it, to look at. */
    public MemorySegment bytes() {
        return bytes;
    }

    @Override
    public boolean read(long gpa, MemorySegment to) {
        if (gpa < 0 || gpa > bytes.byteSize() - to.byteSize()) {
            return false;
        }
        to.copyFrom(bytes.asSlice(gpa, to.byteSize()));
        return true;
    }

    @Override
    public boolean write(long gpa, MemorySegment from) {
        if (gpa < 0 || gpa > bytes.byteSize() - from.byteSize()) {
            return false;
        }
        bytes.asSlice(gpa, from.byteSize()).copyFrom(from);
        return true;
    }
}
