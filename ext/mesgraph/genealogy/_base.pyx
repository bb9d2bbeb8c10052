"""Where edges are kept: the base, which is read fast, and the chains, which grow.

A merge copies both into a new base beside running reads. It copies what a view sees, node by node, so it streams
through memory instead of sorting edges. A base costs two neighbours and one share per edge, and per node and block six numbers.
"""

from libc.stdint cimport INT64_MIN, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._view cimport (
    ASSURE,
    BACKWARD,
    FORWARD,
    LOGISTIC_UNIT,
    MICRO,
    SERIAL_UNIT,
    Chunk,
    Entry,
    Side,
    View,
    chain_of,
    chunk_at,
    closer,
    load_acquire,
    load_amount,
    load_relaxed,
    nothing,
    shares_of,
    store_bits,
    store_relaxed,
    store_release,
)

cdef enum:
    CAPACITY_MAX = 1023
    LINE = 4                # entries in 64 bytes: every chunk begins and ends with a cache line

cdef size_t NODES = <size_t>1 << 30
cdef size_t EDGES = <size_t>1 << 32


cdef class Base:
    """Edges of the first `events` activities, by node, both ways."""

    def __cinit__(self):
        self.in_offset, self.out_offset = Region((NODES + 1) * 4), Region((NODES + 1) * 4)
        self.in_neighbour, self.out_neighbour = Region(EDGES * 4), Region(EDGES * 4)
        self.amount_of, self.made_of = Region((EDGES + NODES) * 8), Region(EDGES * 8)
        self.out_amount_of = Region((EDGES + 2 * NODES) * 4)
        self.block_of = Region((NODES + 1) * 4)
        self.block_slot_of, self.block_event_of = Region(EDGES * 4), Region(EDGES * 4)
        self.offset[BACKWARD], self.offset[FORWARD] = <uint32_t*>self.in_offset.at, <uint32_t*>self.out_offset.at
        self.neighbour[BACKWARD] = <uint32_t*>self.in_neighbour.at
        self.neighbour[FORWARD] = <uint32_t*>self.out_neighbour.at
        self.amount, self.made = <int64_t*>self.amount_of.at, <int64_t*>self.made_of.at
        self.out_amount = <uint32_t*>self.out_amount_of.at
        self.block = <uint32_t*>self.block_of.at
        self.block_slot = <uint32_t*>self.block_slot_of.at
        self.block_event = <uint32_t*>self.block_event_of.at
        self._ensure(0)

    def sections(self) -> dict:
        """Each part with its size in bytes, by the name that it has in a snapshot."""
        cdef int64_t ends = <int64_t>self.nodes + 1
        return {
            "in_offset": (self.in_offset, ends * 4),
            "in_neighbour": (self.in_neighbour, self.edges * 4),
            "out_offset": (self.out_offset, ends * 4),
            "out_neighbour": (self.out_neighbour, self.edges * 4),
            "amount": (self.amount_of, (self.edges + self.nodes) * 8),
            "out_amount": (self.out_amount_of, (self.edges + 2 * <int64_t>self.nodes) * 4),
            "block": (self.block_of, ends * 4),
            "block_slot": (self.block_slot_of, (<int64_t>self.blocks + 1) * 4),
            "block_event": (self.block_event_of, <int64_t>self.blocks * 4),
            "made": (self.made_of, <int64_t>self.blocks * 8),
        }

    cdef void show(self, View* view) noexcept nogil:
        cdef int direction
        view.base_nodes = self.nodes
        view.base_events = self.events
        for direction in range(2):
            view.side[direction].offset = self.offset[direction]
            view.side[direction].neighbour = self.neighbour[direction]
        view.amount = self.amount
        view.out_amount = self.out_amount
        view.block = self.block
        view.block_slot = self.block_slot
        view.block_event = self.block_event
        view.made = self.made

    cdef int _ensure(self, size_t nodes) except -1 nogil:
        """Take memory for what is numbered by nodes."""
        self.in_offset.ensure((nodes + 1) * 4)
        self.out_offset.ensure((nodes + 1) * 4)
        self.block_of.ensure((nodes + 1) * 4)
        self.block_slot_of.ensure(4)
        return 0

    @staticmethod
    cdef Base of(const View* view):
        """All that the view sees, in one base. Releases the GIL; the writer may append and mark meanwhile."""
        cdef Base base = Base()
        cdef uint32_t node
        cdef uint32_t* out
        cdef int64_t total
        with nogil:
            base.nodes = view.nodes
            base.events = view.events
            base._ensure(base.nodes)
            base._begin(view, BACKWARD)
            base._begin(view, FORWARD)
            for node in range(base.nodes):
                base._copy_in(view, node)
                base._copy_out(view, node)
                total = base._total(view, node)
                base.amount[base.offset[BACKWARD][node] + node] = total
                out = base.out_amount + base.offset[FORWARD][node] + 2 * <size_t>node
                out[0], out[1] = <uint32_t>(total >> 32), <uint32_t>total
        return base

    cdef int _begin(self, const View* view, int direction) except -1 nogil:
        """Find out where the edges and blocks of each node will begin, and take the memory for them."""
        cdef uint32_t node, place, j, edges = 0, blocks = 0
        cdef const Side* side = &view.side[direction]
        cdef Chunk* chunk
        cdef uint32_t* offset = self.offset[direction]
        cdef uint32_t* block = self.block
        for node in range(self.nodes):
            offset[node] = edges
            if direction == BACKWARD:
                block[node] = blocks
            if node < view.base_nodes:
                edges += side.offset[node + 1] - side.offset[node]
                blocks += view.block[node + 1] - view.block[node]
            place = chain_of(view, direction, node)
            while place:
                chunk = chunk_at(view, place)
                for j in range(load_acquire(&chunk.used)):
                    if chunk.entry[j].event < view.events:
                        if load_relaxed(&chunk.entry[j].node) == nothing():
                            blocks += 1
                        else:
                            edges += 1
                place = chunk.next
        offset[self.nodes] = edges
        if direction == FORWARD:
            ASSURE(self.edges == edges)
            self.out_neighbour.ensure(<size_t>edges * 4)
            self.out_amount_of.ensure((<size_t>edges + 2 * <size_t>self.nodes) * 4)
            return 0
        block[self.nodes] = blocks
        self.edges = edges
        self.blocks = blocks
        self.in_neighbour.ensure(<size_t>edges * 4)
        self.amount_of.ensure((<size_t>edges + self.nodes) * 8)
        self.block_slot_of.ensure((<size_t>blocks + 1) * 4)
        self.block_event_of.ensure(<size_t>blocks * 4)
        self.made_of.ensure(<size_t>blocks * 8)
        self.block_slot[blocks] = edges
        return 0

    cdef void _copy_out(self, const View* view, uint32_t node) noexcept nogil:
        cdef uint32_t* neighbour = self.neighbour[FORWARD]
        cdef uint32_t* share = self.out_amount + 2 * (<size_t>node + 1)  # by slot, as in _copy_in
        cdef uint32_t at = self.offset[FORWARD][node]
        cdef const Side* side = &view.side[FORWARD]
        cdef uint32_t j, place
        cdef Chunk* chunk
        if node < view.base_nodes:
            for j in range(side.offset[node], side.offset[node + 1]):
                neighbour[at] = load_relaxed(side.neighbour + j)
                share[at] = view.out_amount[j + 2 * (<size_t>node + 1)]
                at += 1
        place = chain_of(view, FORWARD, node)
        while place:
            chunk = chunk_at(view, place)
            for j in range(load_acquire(&chunk.used)):
                if chunk.entry[j].event < view.events:
                    neighbour[at] = load_relaxed(&chunk.entry[j].node)
                    share[at] = <uint32_t>min(chunk.entry[j].share, <int64_t>nothing())
                    at += 1
            place = chunk.next
        ASSURE(at == self.offset[FORWARD][node + 1])

    cdef void _copy_in(self, const View* view, uint32_t node) noexcept nogil:
        """Blocks oldest first: those of the base in their order, those of the chain from the end, as it is read."""
        cdef uint32_t* neighbour = self.neighbour[BACKWARD]
        cdef int64_t* share = self.amount + node + 1  # by slot: before those of this node stand as many totals
        cdef uint32_t* block_slot = self.block_slot
        cdef uint32_t* block_event = self.block_event
        cdef int64_t* made = self.made
        cdef uint32_t at = self.offset[BACKWARD][node]
        cdef uint32_t b = self.block[node]
        cdef const Side* side = &view.side[BACKWARD]
        cdef uint32_t j, old, shift, place
        cdef uint32_t at_end = self.offset[BACKWARD][node + 1]
        cdef uint32_t b_end = self.block[node + 1]
        cdef Chunk* chunk
        if node < view.base_nodes:
            shift = at - side.offset[node]
            for old in range(view.block[node], view.block[node + 1]):
                block_slot[b] = view.block_slot[old] + shift
                block_event[b] = view.block_event[old]
                made[b] = view.made[old]
                b += 1
            for j in range(side.offset[node], side.offset[node + 1]):
                neighbour[at] = load_relaxed(side.neighbour + j)
                share[at] = view.amount[j + node + 1]
                at += 1
        place = chain_of(view, BACKWARD, node)
        while place:
            chunk = chunk_at(view, place)
            j = load_acquire(&chunk.used)
            while j:
                j -= 1
                if chunk.entry[j].event >= view.events:
                    continue
                if load_relaxed(&chunk.entry[j].node) == nothing():
                    b_end -= 1
                    block_slot[b_end] = at_end
                    block_event[b_end] = chunk.entry[j].event
                    made[b_end] = chunk.entry[j].share
                else:
                    at_end -= 1
                    neighbour[at_end] = load_relaxed(&chunk.entry[j].node)
                    share[at_end] = chunk.entry[j].share
            place = chunk.next
        ASSURE(at == at_end and b == b_end)

    cdef int64_t _total(self, const View* view, uint32_t node) noexcept nogil:
        """All there ever was of the node; INT64_MIN where that, or an edge into it, depends on the position."""
        cdef uint32_t* neighbour = self.neighbour[BACKWARD]
        cdef int64_t total = 0
        cdef uint32_t b, j
        if node < view.base_nodes and load_amount(shares_of(view, node) - 1) == INT64_MIN:
            return INT64_MIN
        for j in range(self.offset[BACKWARD][node], self.offset[BACKWARD][node + 1]):
            if neighbour[j] >= closer():
                return INT64_MIN
        for b in range(self.block[node], self.block[node + 1]):
            if load_relaxed(view.undone_by + self.block_event[b]) != nothing():
                return INT64_MIN
            total += self.made[b]
        return MICRO if view.kind[node] == SERIAL_UNIT or view.kind[node] == LOGISTIC_UNIT else total


cdef class Chains:
    """What was appended since the base was made. Only the writer calls `grow` and `put`."""

    def __cinit__(self):
        self.in_touched, self.out_touched = Region(NODES // 8), Region(NODES // 8)
        self.in_head, self.out_head = Region(NODES * 4), Region(NODES * 4)
        self.pool = Region(EDGES * sizeof(Entry))
        self.touched[BACKWARD], self.touched[FORWARD] = <uint64_t*>self.in_touched.at, <uint64_t*>self.out_touched.at
        self.head[BACKWARD], self.head[FORWARD] = <uint32_t*>self.in_head.at, <uint32_t*>self.out_head.at
        self.used = LINE  # place 0 is no chunk

    cdef int grow(self, uint32_t nodes) except -1 nogil:
        """Have room for the heads of so many nodes."""
        cdef size_t words = <size_t>nodes // 64 + 1
        self.in_touched.ensure(words * 8)
        self.out_touched.ensure(words * 8)
        self.in_head.ensure(<size_t>nodes * 4)
        self.out_head.ensure(<size_t>nodes * 4)
        return 0

    cdef int reserve(self, int64_t entries, int64_t nodes) except -1 nogil:
        """Have room for so many entries of so many nodes: each may need a chunk that is not filled."""
        cdef int64_t units = self.used + 2 * entries + nodes * (CAPACITY_MAX + 1 + LINE)
        if units > <int64_t>0xFFFFFFFF:
            with gil:
                raise MemoryError("there are too many edges behind the base: it was not merged")
        self.pool.ensure(<size_t>units * sizeof(Entry))
        return 0

    cdef int put(self, int direction, uint32_t node, const Entry* entries, uint32_t count) except -1 nogil:
        """Append entries to the chain of a node, for which room was reserved; they stand together in one chunk."""
        cdef uint32_t* head = self.head[direction] + node
        cdef uint64_t* touched = self.touched[direction] + (node >> 6)
        cdef uint32_t place = head[0], capacity = LINE - 1, units
        cdef Chunk* chunk
        if place:
            chunk = <Chunk*>(self.pool.at + <size_t>place * sizeof(Entry))
            if chunk.used + count <= chunk.capacity:
                memcpy(chunk.entry + chunk.used, entries, count * sizeof(Entry))
                store_release(&chunk.used, chunk.used + count)
                return 0
            capacity = min(2 * chunk.capacity + 1, <uint32_t>CAPACITY_MAX)
        if count > capacity:
            capacity = (count + LINE) // LINE * LINE - 1
        units = capacity + 1
        ASSURE((<size_t>self.used + units) * sizeof(Entry) <= self.pool.committed)
        chunk = <Chunk*>(self.pool.at + <size_t>self.used * sizeof(Entry))
        chunk.next = place
        chunk.capacity = capacity
        memcpy(chunk.entry, entries, count * sizeof(Entry))
        store_release(&chunk.used, count)
        store_release(head, self.used)
        store_bits(touched, touched[0] | (<uint64_t>1 << (node & 63)))
        store_relaxed(&self.used, self.used + units)
        return 0

    cdef void show(self, View* view) noexcept nogil:
        cdef int direction
        view.appended = load_relaxed(&self.used) > LINE
        for direction in range(2):
            view.side[direction].touched = self.touched[direction]
            view.side[direction].head = self.head[direction]
        view.pool = self.pool.at
