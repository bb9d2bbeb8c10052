"""Finding all that is reached from a node.

Three ways. :func:`search` goes breadth first and asks memory for what it will need some nodes ahead, which is most of
its speed: a node costs three accesses to memory that depend on each other, and beyond the caches each takes as long as
hundreds of instructions. :func:`sweep` takes over from it when a forward search has become large: it passes over the
nodes in the order of their numbers, which is nearly the order in which they were made, so that memory is read forwards.
What an edge against that order leads to, such as a repair with a newer part, is gone on from at once.
:func:`search_closer` looks at each edge: for earlier positions, times, and nodes to stop at.

What each found is the same; only search and search_closer know depths.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memset

from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._view cimport (
    FORWARD,
    HUB,
    NODE,
    SPECIAL,
    Chunk,
    Side,
    View,
    bit,
    chain_of,
    chunk_at,
    happened,
    lasts,
    leads,
    closer,
    likely_false,
    load_acquire,
    load_bits,
    load_relaxed,
    lowest_bit,
    nothing,
    prefetch,
)

cdef enum:
    AHEAD_OFFSET = 16
    AHEAD_NEIGHBOUR = 8
    AHEAD_OFFSETS = 6       # words of bits
    AHEAD_NEIGHBOURS = 3

cdef size_t NODES_MAX = <size_t>1 << 30
cdef size_t EDGES_MAX = <size_t>1 << 32


cdef class Scratch:
    """What one search needs: room for a mark and a place in the queue for each node. Used again and again."""

    def __cinit__(self):
        self.seen, self.pending, self.stops = Region(NODES_MAX // 8), Region(NODES_MAX // 8), Region(NODES_MAX // 8)
        self.queue, self.found = Region((NODES_MAX + 1) * 4), Region((NODES_MAX + 1) * 4)
        self.rests = Region(NODES_MAX * 64)
        self.results, self.summary = Region(NODES_MAX * 64), Region(NODES_MAX)
        self.before, self.note = Region(NODES_MAX // 16), Region(NODES_MAX * 4)
        self.notes = Region((EDGES_MAX + 2 * NODES_MAX) * 4)
        self.level_end, self.order = Region((NODES_MAX + 2) * 4), Region(NODES_MAX * 64)
        self.waiting, self.taken = Region(NODES_MAX * 8), Region(NODES_MAX * 16)
        self.amounts, self.fractions = Region(NODES_MAX * 8), Region(NODES_MAX * 8)
        self.sources, self.shares = Region(NODES_MAX * 4), Region(NODES_MAX * 8)
        self.search.seen = <uint64_t*>self.seen.at
        self.search.pending = <uint64_t*>self.pending.at
        self.search.before = <uint32_t*>self.before.at
        self.search.notes = <uint32_t*>self.notes.at
        self.search.queue = <uint32_t*>self.queue.at
        self.search.found = <uint32_t*>self.found.at
        self.search.level_end = <uint32_t*>self.level_end.at

    cdef int ready(self) except -1:
        """Have room for all nodes of the view."""
        cdef size_t nodes = self.view.nodes
        self.seen.ensure((nodes // 64 + 1) * 8)
        self.pending.ensure((nodes // 64 + 1) * 8)
        self.queue.ensure((nodes + 1) * 4)
        self.found.ensure((nodes + 1) * 4)
        self.level_end.ensure((nodes + 2) * 4)
        self.search.stops = NULL
        return 0

    cdef int stop_at(self, const int32_t[::1] nodes) except -1:
        """Do not go on from these nodes."""
        cdef Py_ssize_t i
        cdef size_t size = (<size_t>self.view.nodes // 64 + 1) * 8
        cdef uint64_t* stops = <uint64_t*>self.stops.at
        self.stops.ensure(size)
        memset(stops, 0, size)
        for i in range(nodes.shape[0]):
            if not 0 <= nodes[i] < self.view.nodes:
                raise IndexError(f"there is no node {nodes[i]}")
            stops[nodes[i] >> 6] |= <uint64_t>1 << (nodes[i] & 63)
        self.search.stops = stops
        return 0

    cdef void begin(self, uint32_t node, int direction, int32_t max_depth) noexcept nogil:
        """Start from a node. A negative `max_depth` is none."""
        cdef Search* s = &self.search
        s.direction = direction
        s.max_depth = max_depth
        s.specials = s.depth = s.noted = 0
        s.head = 1 if max_depth == 0 else 0
        s.tail = s.this_level_ends = 1
        s.queue[0] = s.start = node
        s.seen[node >> 6] |= <uint64_t>1 << (node & 63)
        s.swept = False

    cdef void begin_from_all(self, const int32_t[::1] nodes, int direction) noexcept nogil:
        """Start from all of these at once; there is at least one."""
        cdef Search* s = &self.search
        cdef Py_ssize_t i
        self.begin(<uint32_t>nodes[0], direction, -1)
        for i in range(1, nodes.shape[0]):
            if _new(s, <uint32_t>nodes[i]):
                s.queue[s.tail] = <uint32_t>nodes[i]
                s.tail += 1
        s.this_level_ends = s.tail

    cdef void clear(self) noexcept nogil:
        """Forget what was found."""
        cdef Search* s = &self.search
        cdef int64_t i
        if s.swept:
            memset(s.seen + s.first_word, 0, (s.last_word - s.first_word + 1) * 8)
            return
        for i in range(s.tail):
            s.seen[s.queue[i] >> 6] = 0
        for i in range(s.specials):
            s.seen[s.found[i] >> 6] = 0


cdef inline bint _new(Search* s, uint32_t node) noexcept nogil:
    """Mark a node; whether it was not marked before."""
    cdef uint64_t* word = s.seen + (node >> 6)
    cdef uint64_t mark = <uint64_t>1 << (node & 63)
    if word[0] & mark:
        return False
    word[0] |= mark
    return True


cdef inline bint _next_level(Search* s) noexcept nogil:
    """Note where a depth ends; whether there is a next one to go on from."""
    s.level_end[s.depth] = <uint32_t>s.head
    if s.head == s.tail:
        return False
    s.depth += 1
    s.this_level_ends = s.tail
    s.level_end[s.depth] = <uint32_t>s.tail
    return s.depth != s.max_depth


cdef bint search(const View* view, Search* s, int64_t budget) noexcept nogil:
    """Breadth first in a view of now, until `budget` items were gone on from; whether all is found."""
    return _search(view, s, budget, False)


cdef bint search_noting(const View* view, Search* s, int64_t budget) noexcept nogil:
    """:func:`search` that notes the edges of the base that it reads, for who needs them again."""
    return _search(view, s, budget, True)


cdef inline bint _search(const View* view, Search* s, int64_t budget, bint noting) noexcept nogil:
    cdef const Side* side = &view.side[s.direction]
    cdef uint32_t* queue = s.queue
    cdef uint64_t* seen = s.seen
    cdef const uint32_t* offset = side.offset
    cdef uint32_t* neighbour = side.neighbour
    cdef uint32_t base_nodes = view.base_nodes, node, ahead, j, w, place
    cdef uint32_t* note = s.notes + s.noted
    cdef int64_t head = s.head, tail = s.tail, stop = s.head + budget
    cdef uint64_t mark, word
    cdef bint appended = view.appended
    while head < tail:
        if head == s.this_level_ends:
            s.head, s.tail = head, tail
            if not _next_level(s):
                return True
        if head >= stop:
            s.head, s.tail, s.noted = head, tail, note - s.notes
            return False
        node = queue[head]
        head += 1
        if head + AHEAD_OFFSET < tail:
            ahead = queue[head + AHEAD_OFFSET]
            if ahead < base_nodes:
                prefetch(offset + ahead)
            if appended and bit(side.touched, ahead):
                prefetch(side.head + ahead)
        if head + AHEAD_NEIGHBOUR < tail:
            ahead = queue[head + AHEAD_NEIGHBOUR]
            if ahead < base_nodes:
                prefetch(neighbour + offset[ahead])
            if appended and bit(side.touched, ahead):
                prefetch(chunk_at(view, load_relaxed(side.head + ahead)))
        if noting:
            note[0] = offset[node] if node < base_nodes else 0
            note[1] = offset[node + 1] - offset[node] if node < base_nodes else 0
            note += 2
        if node < base_nodes:
            for j in range(offset[node], offset[node + 1]):
                w = load_relaxed(neighbour + j)
                if noting:
                    note[0] = w
                    note += 1
                if likely_false(w >= SPECIAL):
                    tail = _unusual(view, s, node, w, tail)
                    continue
                word = seen[w >> 6]
                mark = <uint64_t>1 << (w & 63)
                seen[w >> 6] = word | mark
                queue[tail] = w
                tail += (word & mark) == 0
        if appended:
            place = chain_of(view, s.direction, node)
            if place:
                tail = _along_chain(view, s, node, place, tail)
    s.head, s.tail, s.noted = head, tail, note - s.notes
    s.level_end[s.depth] = <uint32_t>tail
    return True


cdef int64_t _along_chain(const View* view, Search* s, uint32_t node, uint32_t place, int64_t tail) noexcept nogil:
    cdef Chunk* chunk
    cdef uint32_t j, w
    while place:
        chunk = chunk_at(view, place)
        if chunk.next:
            prefetch(chunk_at(view, chunk.next))
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            if w == nothing() or chunk.entry[j].event >= view.events:
                continue
            if likely_false(w >= SPECIAL):
                tail = _unusual(view, s, node, w, tail)
            elif _new(s, w):
                s.queue[tail] = w
                tail += 1
        place = chunk.next
    return tail


cdef int64_t _unusual(const View* view, Search* s, uint32_t node, uint32_t w, int64_t tail) noexcept nogil:
    """Follow an edge that must be looked at, or one to a hub or sink."""
    cdef uint32_t other = w & NODE
    if w != other | SPECIAL and not _holds(view, s.direction, node, other):
        return tail
    if not _new(s, other):
        return tail
    if not w & SPECIAL:
        s.queue[tail] = other
        return tail + 1
    s.found[s.specials] = other
    s.specials += 1
    return _out_of_hub(view, s, other, tail) if view.kind[other] == HUB else tail


cdef inline bint _holds(const View* view, int direction, uint32_t node, uint32_t other) noexcept nogil:
    return leads(view, node, other) if direction == FORWARD else leads(view, other, node)


cdef int64_t _out_of_hub(const View* view, Search* s, uint32_t hub, int64_t tail) noexcept nogil:
    """What lies behind a hub is as near as if the hub were not there. It has items around it only."""
    cdef const Side* side = &view.side[s.direction]
    cdef uint32_t j, w, place
    cdef Chunk* chunk
    if hub < view.base_nodes:
        for j in range(side.offset[hub], side.offset[hub + 1]):
            w = load_relaxed(side.neighbour + j)
            if (w == w & NODE or _holds(view, s.direction, hub, w & NODE)) and _new(s, w & NODE):
                s.queue[tail] = w & NODE
                tail += 1
    place = chain_of(view, s.direction, hub)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            if w == nothing() or chunk.entry[j].event >= view.events:
                continue
            if (w == w & NODE or _holds(view, s.direction, hub, w & NODE)) and _new(s, w & NODE):
                s.queue[tail] = w & NODE
                tail += 1
        place = chunk.next
    return tail


cdef bint search_closer(const View* view, Search* s) noexcept nogil:
    """Breadth first, looking at each edge; whether it went on everywhere."""
    cdef int64_t tail
    cdef uint32_t node
    cdef bint whole = True
    while True:
        if s.head == s.this_level_ends and not _next_level(s):
            return whole and s.head == s.tail
        node = s.queue[s.head]
        s.head += 1
        if s.stops != NULL and s.head > 1 and bit(s.stops, node):
            whole = False
            continue
        s.tail = _step_closer(view, s, node, s.tail)


cdef int64_t _step_closer(const View* view, Search* s, uint32_t node, int64_t tail) noexcept nogil:
    cdef const Side* side = &view.side[s.direction]
    cdef uint32_t j, w, place, event
    cdef Chunk* chunk
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            w = load_relaxed(side.neighbour + j)
            if not bit(s.seen, w & NODE) and _holds(view, s.direction, node, w & NODE):
                tail = _found_closer(view, s, w, tail)
    place = chain_of(view, s.direction, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            event = chunk.entry[j].event
            if w == nothing() or bit(s.seen, w & NODE) or not happened(view, event):
                continue
            if lasts(view, event, node if s.direction == FORWARD else w & NODE):
                tail = _found_closer(view, s, w, tail)
        place = chunk.next
    return tail


cdef int64_t _found_closer(const View* view, Search* s, uint32_t w, int64_t tail) noexcept nogil:
    cdef uint32_t node = w & NODE
    _new(s, node)
    if not w & SPECIAL:
        s.queue[tail] = node
        return tail + 1
    s.found[s.specials] = node
    s.specials += 1
    return _step_closer(view, s, node, tail) if view.kind[node] == HUB else tail


cdef void sweep(const View* view, Search* s) noexcept nogil:
    """Go on with a forward search of now by the numbers of the nodes, hubs and sinks among them."""
    cdef const uint32_t* offset = view.side[FORWARD].offset
    cdef const uint32_t* neighbour = view.side[FORWARD].neighbour
    cdef const uint64_t* seen = s.seen
    cdef uint64_t word, bits, ahead
    cdef uint32_t node
    cdef int64_t i
    s.first_word = s.last_word = s.start >> 6
    for i in range(s.tail):
        s.first_word = min(s.first_word, s.queue[i] >> 6)
        s.last_word = max(s.last_word, s.queue[i] >> 6)
    for i in range(s.specials):
        s.first_word = min(s.first_word, s.found[i] >> 6)
        s.last_word = max(s.last_word, s.found[i] >> 6)
    s.swept = True
    s.tail = 0
    word = s.first_word
    while word <= s.last_word:
        ahead = word + AHEAD_OFFSETS
        if ahead <= s.last_word and seen[ahead]:
            node = <uint32_t>(ahead << 6) | lowest_bit(seen[ahead])
            if node < view.base_nodes:
                prefetch(offset + node)
                prefetch(offset + (node | 63))
        ahead = word + AHEAD_NEIGHBOURS
        bits = seen[ahead] if ahead <= s.last_word else 0
        while bits:
            node = <uint32_t>(ahead << 6) | lowest_bit(bits)
            bits &= bits - 1
            if node < view.base_nodes:
                prefetch(neighbour + offset[node])
        if view.appended:
            _look_for_chains(view, word, s)
        bits = seen[word]
        while bits:
            node = <uint32_t>(word << 6) | lowest_bit(bits)
            _sweep_from(view, s, node, node)
            # against the order, such as a repair with a newer part: gone on from at once
            while s.tail:
                s.tail -= 1
                _sweep_from(view, s, s.queue[s.tail], node)
            bits = seen[word] & (<uint64_t>-2 << (node & 63))
        word += 1


cdef inline void _look_for_chains(const View* view, uint64_t word, const Search* s) noexcept nogil:
    """Ask memory for where the chains of coming nodes begin, and for the beginnings of those that come sooner."""
    cdef const Side* side = &view.side[FORWARD]
    cdef uint64_t ahead = word + AHEAD_OFFSETS, bits
    if ahead <= s.last_word and s.seen[ahead] & load_bits(side.touched + ahead):
        for bits in range(4):
            prefetch(side.head + (ahead << 6) + (bits << 4))
    ahead = word + AHEAD_NEIGHBOURS
    bits = s.seen[ahead] & load_bits(side.touched + ahead) if ahead <= s.last_word else 0
    while bits:
        prefetch(chunk_at(view, load_relaxed(side.head + (ahead << 6) + lowest_bit(bits))))
        bits &= bits - 1


cdef inline void _sweep_from(const View* view, Search* s, uint32_t node, uint32_t at) noexcept nogil:
    """Find what was made from a node; what is before `at`, where the sweep is, would not be come to any more."""
    cdef const Side* side = &view.side[FORWARD]
    cdef uint64_t* seen = s.seen
    cdef uint64_t mark
    cdef uint32_t j, w
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            w = load_relaxed(side.neighbour + j)
            if likely_false(w >= closer()) and not leads(view, node, w & NODE):
                continue
            w &= NODE
            mark = <uint64_t>1 << (w & 63)
            if likely_false(w < at):
                if not seen[w >> 6] & mark:
                    _sweep_back(s, w)
            seen[w >> 6] |= mark
            if w >> 6 > s.last_word:
                s.last_word = w >> 6
    if view.appended and bit(side.touched, node):
        _sweep_chain(view, s, node, at)


cdef void _sweep_back(Search* s, uint32_t node) noexcept nogil:
    s.first_word = min(s.first_word, node >> 6)
    s.queue[s.tail] = node
    s.tail += 1


cdef void _sweep_chain(const View* view, Search* s, uint32_t node, uint32_t at) noexcept nogil:
    cdef uint32_t j, w, place = load_acquire(view.side[FORWARD].head + node)
    cdef uint64_t mark
    cdef Chunk* chunk
    while place:
        chunk = chunk_at(view, place)
        if chunk.next:
            prefetch(chunk_at(view, chunk.next))
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            if chunk.entry[j].event >= view.events or (w >= closer() and not leads(view, node, w & NODE)):
                continue
            w &= NODE
            mark = <uint64_t>1 << (w & 63)
            if w < at and not s.seen[w >> 6] & mark:
                _sweep_back(s, w)
            s.seen[w >> 6] |= mark
            s.last_word = max(s.last_word, w >> 6)
        place = chunk.next
