"""The graph as a reader sees it: plain pointers, taken at one position of the record, and how to read them.

Words: a *node* is an item, a *hub* (an activity of many inputs and many outputs, which stands between them) or a *sink*
(an activity after which something is no longer where it was: it was scrapped, shipped, unpacked). An *edge* leads from
what was taken to what was made; its *share* is how much of the one, in millionths of its unit, went into the other.
Direction 0 is backward (to what went in), direction 1 forward.

A node's edges stand in the *base*, which never changes but for marks, and behind it in a *chain* of chunks, which only
grows. In the base the edges into a node stand in *blocks*, one per activity and output line, oldest first; a block also
says how much of the node that activity made. In a chain an entry with the number NOTHING says that.

Two marks stand in a neighbour's number. SPECIAL: it is a hub or a sink. CLOSER: look closer before you follow this
edge; its activity was reversed, or what it did was ended. A mark is set before the event that brings it is published,
and never taken away, so that a reader who looks closer finds out whether that event lies behind its position.

Memory order. One thread writes, any number read, nobody waits. The writer fills in an event, its entries and its marks,
and then publishes the number of events with release; a reader takes that number with acquire and sees all of it. What
lies behind the number may be seen, too, or half of it: an entry names its event, and one that is not below the number
is passed over. A chunk is linked, and its count of entries raised, with release after they were written, and both are
read with acquire, so that what is passed over is at least whole. Marks are read relaxed: those that matter were set
before the number was published. A mark may come between two looks at one number, so what may be marked is read once.
"""

from libc.stdint cimport INT64_MAX, INT64_MIN, int32_t, int64_t, uint8_t, uint32_t, uint64_t

cdef extern from *:
    """
    #include <stdint.h>
    #ifdef MESGRAPH_DEBUG
    #include <stdio.h>
    #include <stdlib.h>
    #define ASSURE(what) do { if (!(what)) { \\
        fprintf(stderr, "%s:%d: %s does not hold\\n", __FILE__, __LINE__, #what); abort(); } } while (0)
    #else
    #define ASSURE(what) ((void)0)
    #endif
    #define load_acquire(place) __atomic_load_n((place), __ATOMIC_ACQUIRE)
    #define load_relaxed(place) __atomic_load_n((place), __ATOMIC_RELAXED)
    #define store_release(place, value) __atomic_store_n((place), (value), __ATOMIC_RELEASE)
    #define store_relaxed(place, value) __atomic_store_n((place), (value), __ATOMIC_RELAXED)
    #define prefetch(place) __builtin_prefetch((place), 0, 3)
    #define prefetch_to_write(place) __builtin_prefetch((place), 1, 3)
    #define likely_false(what) __builtin_expect(!!(what), 0)
    #define lowest_bit(word) __builtin_ctzll(word)
    #define highest_bit(word) (63 - __builtin_clzll(word))
    #define count_bits(word) __builtin_popcountll(word)
    """
    void ASSURE(bint) noexcept nogil
    uint32_t load_acquire(const uint32_t*) noexcept nogil
    uint32_t load_relaxed(const uint32_t*) noexcept nogil
    uint64_t load_bits "load_relaxed"(const uint64_t*) noexcept nogil
    int64_t load_amount "load_relaxed"(const int64_t*) noexcept nogil
    void store_release(uint32_t*, uint32_t) noexcept nogil
    void store_relaxed(uint32_t*, uint32_t) noexcept nogil
    void store_bits "store_relaxed"(uint64_t*, uint64_t) noexcept nogil
    void store_amount "store_relaxed"(int64_t*, int64_t) noexcept nogil
    void prefetch(const void*) noexcept nogil
    void prefetch_to_write(const void*) noexcept nogil
    bint likely_false(bint) noexcept nogil
    int lowest_bit(uint64_t) noexcept nogil
    int highest_bit(uint64_t) noexcept nogil
    int count_bits(uint64_t) noexcept nogil

cdef enum:
    BACKWARD = 0
    FORWARD = 1

cdef enum:
    # What an activity of a kind does, as flags.
    LINKS = 1
    GIVES = 2
    REMOVES = 4
    MARKS = 8

cdef enum:
    # Kinds of nodes; the first four are those of items.
    LOT = 0
    SUBLOT = 1
    SERIAL_UNIT = 2
    LOGISTIC_UNIT = 3
    HUB = 4
    SINK = 5

cdef enum:
    NODE = 0x3FFFFFFF
    SPECIAL = 0x40000000
    MICRO = 1000000

# Beyond what an enum of C may hold.
cdef inline uint32_t closer() noexcept nogil:
    return <uint32_t>0x80000000

cdef inline uint32_t nothing() noexcept nogil:
    return <uint32_t>0xFFFFFFFF


ctypedef struct Kind:
    uint8_t flags
    uint8_t ended_by


ctypedef struct Entry:
    uint32_t node
    uint32_t event
    int64_t share


ctypedef struct Chunk:
    uint32_t next
    uint32_t used
    uint32_t capacity
    uint32_t unused
    Entry entry[1]


ctypedef struct Side:
    const uint32_t* offset
    uint32_t* neighbour
    uint64_t* touched
    uint32_t* head


ctypedef struct View:
    uint32_t events
    uint32_t nodes
    uint32_t base_events
    uint32_t base_nodes
    bint appended       # whether there are chains at all
    bint earlier        # whether each edge must be looked at: the view is older than the base, or of some time only
    int64_t since
    int64_t until
    Side side[2]
    int64_t* amount
    uint32_t* out_amount
    const uint32_t* block
    const uint32_t* block_slot
    const uint32_t* block_event
    const int64_t* made
    char* pool
    const uint8_t* kind
    const int64_t* item
    const uint64_t* special
    const uint8_t* event_kind
    const int64_t* event_time
    const uint32_t* undone_by
    const uint32_t* range_event
    const uint32_t* range_node
    const int64_t* range_end
    uint32_t ranges
    const Kind* kinds


cdef inline int64_t* shares_of(const View* view, uint32_t node) noexcept nogil:
    """The shares of the edges into a node of the base. Before them stands all that there ever was of the node."""
    return view.amount + view.side[0].offset[node] + node + 1


cdef inline uint32_t* shares_out_of(const View* view, uint32_t node) noexcept nogil:
    """The shares of the edges out of a node of the base; NOTHING where one is too large for its place.

    Before them stands all that there ever was of the node once more, in two halves. Only the first of them, which comes
    first, ever changes, to say that the total depends on the position; so both are read as of one time.
    """
    return view.out_amount + view.side[1].offset[node] + 2 * (<size_t>node + 1)


cdef inline int64_t total_before(const uint32_t* shares) noexcept nogil:
    """All that there ever was of the node with these shares; INT64_MIN, or near it, where that is not known."""
    return <int64_t>((<uint64_t>load_relaxed(shares - 2) << 32) | load_relaxed(shares - 1))


cdef inline bint bit(const uint64_t* bits, uint32_t node) noexcept nogil:
    return (load_bits(bits + (node >> 6)) >> (node & 63)) & 1


cdef inline Chunk* chunk_at(const View* view, uint32_t place) noexcept nogil:
    return <Chunk*>(view.pool + <size_t>place * sizeof(Entry))


cdef inline uint32_t chain_of(const View* view, int direction, uint32_t node) noexcept nogil:
    """Where the chain of a node begins; 0 when it has none."""
    if not view.appended or not bit(view.side[direction].touched, node):
        return 0
    return load_acquire(view.side[direction].head + node)


cdef inline bint happened(const View* view, uint32_t event) noexcept nogil:
    """Whether the activity counts in this view: recorded before its position, in its time, and not undone in it."""
    return (
        event < view.events
        and view.since <= view.event_time[event] <= view.until
        and load_relaxed(view.undone_by + event) >= view.events
    )


cdef inline bint lasts(const View* view, uint32_t event, uint32_t node) noexcept nogil:
    """Whether what the activity did to its input `node` was not ended by a later one."""
    cdef uint8_t ended_by = view.kinds[view.event_kind[event]].ended_by
    return ended_by == 0 or not ended(view, event, node, ended_by)


cdef bint ended(const View* view, uint32_t event, uint32_t node, uint8_t by) noexcept nogil

cdef bint leads(const View* view, uint32_t source, uint32_t target) noexcept nogil

cdef int64_t total_of(const View* view, uint32_t node) noexcept nogil
