"""The slow answers about one edge or one node: those that few of them need."""


cdef bint ended(const View* view, uint32_t event, uint32_t node, uint8_t by) noexcept nogil:
    """Whether a later activity of kind `by` took `node` out of where `event` had put it."""
    cdef const Side* side = &view.side[FORWARD]
    cdef uint32_t j, w, place, later
    cdef Chunk* chunk
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            w = load_relaxed(side.neighbour + j)
            if w & SPECIAL and _ends(view, w & NODE, event, by):
                return True
    place = chain_of(view, FORWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            if w & SPECIAL and chunk.entry[j].event < view.events and _ends(view, w & NODE, event, by):
                return True
        place = chunk.next
    return False


cdef inline bint _ends(const View* view, uint32_t node, uint32_t event, uint8_t by) noexcept nogil:
    cdef uint32_t later = <uint32_t>view.item[node]
    return view.kind[node] == SINK and later > event and view.event_kind[later] == by and happened(view, later)


cdef bint leads(const View* view, uint32_t source, uint32_t target) noexcept nogil:
    """Whether an activity that counts and lasts leads from `source` to `target`."""
    cdef const Side* side = &view.side[BACKWARD]
    cdef uint32_t b, j, w, event, place
    cdef Chunk* chunk
    if target < view.base_nodes:
        for b in range(view.block[target], view.block[target + 1]):
            event = view.block_event[b]
            for j in range(view.block_slot[b], view.block_slot[b + 1]):
                w = load_relaxed(side.neighbour + j)
                if w & NODE == source:
                    if happened(view, event) and lasts(view, event, source):
                        return True
                    break
    place = chain_of(view, BACKWARD, target)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w = load_relaxed(&chunk.entry[j].node)
            if w != nothing() and w & NODE == source:
                event = chunk.entry[j].event
                if happened(view, event) and lasts(view, event, source):
                    return True
        place = chunk.next
    return False


cdef int64_t total_of(const View* view, uint32_t node) noexcept nogil:
    """All there ever was of a node, in millionths: what it received, or what was made of it. A unit is one."""
    cdef uint8_t kind = view.kind[node]
    cdef int64_t total = 0
    cdef uint32_t b, j, place
    cdef Chunk* chunk
    if kind == SERIAL_UNIT or kind == LOGISTIC_UNIT:
        return MICRO
    if node < view.base_nodes:
        total = load_amount(shares_of(view, node) - 1)
        if total == INT64_MIN or view.earlier:
            total = 0
            for b in range(view.block[node], view.block[node + 1]):
                if happened(view, view.block_event[b]):
                    total += view.made[b]
    place = chain_of(view, BACKWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            if load_relaxed(&chunk.entry[j].node) == nothing() and happened(view, chunk.entry[j].event):
                total += chunk.entry[j].share
        place = chunk.next
    return total
