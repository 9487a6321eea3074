package org.bundlevisor.machine.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import javax.management.JMException;
import javax.management.ObjectName;
import org.bundlevisor.memory.HostMemory;
import org.bundlevisor.memory.HostMemoryExhaustedException;
import org.bundlevisor.memory.HostRange;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.log.Logger;
import org.osgi.service.log.LoggerFactory;

/** The platform's host memory: one reservation as large as the host's physical memory, unless configured otherwise. */
@Component(configurationPid = "org.bundlevisor.memory")
public final class ReservedHostMemory implements HostMemory {
    private static final long SMALLEST = 64L << 20;

    private final Reservation reservation;
    private final FrameAllocator frames;

    /** Configuration with PID {@code org.bundlevisor.memory}. */
    public @interface Settings {
        /** Bytes to reserve; 0 stands for the size of the host's physical memory. */
        long size() default 0;
    }

    @Activate
    public ReservedHostMemory(Settings settings, @Reference(service = LoggerFactory.class) Logger logger)
            throws IOException {
        this(settings.size() > 0 ? settings.size() : physicalMemory());
        logger.info("host memory: {} MiB reserved, {}", segment().byteSize() >> 20, reservation.description());
    }

    ReservedHostMemory(long size) throws IOException {
        this(reserve(-(-size & -FRAME_SIZE)));
    }

    ReservedHostMemory(Reservation reservation) {
        this.reservation = reservation;
        frames = new FrameAllocator(reservation.segment().byteSize());
    }

    /** A host that limits address space refuses the whole; then a part of it is still worth having. */
    private static Reservation reserve(long size) throws IOException {
        while (true) {
            try {
                Optional<Reservation> mapping = AnonymousMapping.create(size);
                return mapping.isPresent() ? mapping.get() : new SparseFileMapping(size);
            } catch (IOException e) {
                if (size / 2 < SMALLEST) {
                    throw e;
                }
                size = size / 2 & -FRAME_SIZE;
            }
        }
    }

    private static long physicalMemory() {
        try {
            return (Long) ManagementFactory.getPlatformMBeanServer()
                    .getAttribute(new ObjectName("java.lang:type=OperatingSystem"), "TotalMemorySize");
        } catch (JMException e) {
            throw new IllegalStateException(
                    "the size of the host's memory is unknown: configure size of org.bundlevisor.memory", e);
        }
    }

    @Override
    public MemorySegment segment() {
        return reservation.segment();
    }

    @Override
    public synchronized HostRange allocate(long size, long alignment) throws HostMemoryExhaustedException {
        return frames.allocate(size, alignment);
    }

    @Override
    public synchronized void free(HostRange range) {
        frames.check(range);
        reservation.discard(range.address(), range.size());
        frames.free(range);
    }

    @Deactivate
    void close() {
        reservation.close();
    }
}
