package org.bundlevisor.mmu;

/**
 * The answer of {@link SecondLevelTables#translate}: a page, or the reason why there is none. A mutable carrier that its
 * owner, one vCPU's thread, uses again and again, so that a table walk allocates nothing.
 */
public final class Translation {
    /** What a walk of second-level tables came to. */
    public enum Outcome {
        /** The access is allowed. */
        PAGE,
        /** An entry on the way is not present (EPT: grants no right at all). */
        NOT_PRESENT,
        /** The page is mapped, but not for this kind of access. */
        NOT_PERMITTED,
        /** An entry holds what the format forbids: an EPT misconfiguration, a reserved bit in an NPT entry. */
        MISCONFIGURED
    }

    private Outcome outcome = Outcome.NOT_PRESENT;
    private long hostPhysical;
    private long pageSize;
    private int rights;
    private boolean dirty;

    /** For the tables: the access is allowed. See the accessors for the parameters. */
    public void setPage(long hostPhysical, long pageSize, int rights, boolean dirty) {
        this.outcome = Outcome.PAGE;
        this.hostPhysical = hostPhysical;
        this.pageSize = pageSize;
        this.rights = rights;
        this.dirty = dirty;
    }

    /** For the tables: the access is refused; {@code rights} as in {@link #rights()}. */
    public void setRefusal(Outcome reason, int rights) {
        if (reason == Outcome.PAGE) {
            throw new IllegalArgumentException("a refusal needs a reason other than PAGE");
        }
        this.outcome = reason;
        this.hostPhysical = 0;
        this.pageSize = 0;
        this.rights = rights;
        this.dirty = false;
    }

    public Outcome outcome() {
        return outcome;
    }

    /** Whether the access is allowed. */
    public boolean isPage() {
        return outcome == Outcome.PAGE;
    }

    /** Host-physical address of the very byte that was asked for; 0 when refused. */
    public long hostPhysical() {
        return hostPhysical;
    }

    /** Size in bytes of the page that maps the address: 4 KiB, 2 MiB or 1 GiB; 0 when refused. */
    public long pageSize() {
        return pageSize;
    }

    /**
     * The rights that all levels of the walk grant together, {@link SecondLevelTables#READ}, {@link SecondLevelTables#WRITE},
     * {@link SecondLevelTables#EXECUTE}; also meaningful with {@link Outcome#NOT_PERMITTED}.
     */
    public int rights() {
        return rights;
    }

    /**
     * Whether a write needs no further walk: the page's dirty bit is set, or the tables keep none. When false, write
     * permission must not be cached.
     */
    public boolean dirty() {
        return dirty;
    }
}
