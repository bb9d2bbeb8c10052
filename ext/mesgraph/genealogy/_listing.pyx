"""The edges of single nodes, one by one."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mesgraph.genealogy._search cimport Scratch
from mesgraph.genealogy._view cimport (
    BACKWARD,
    FORWARD,
    NODE,
    REMOVES,
    SINK,
    SPECIAL,
    Chunk,
    Side,
    View,
    bit,
    chain_of,
    chunk_at,
    happened,
    lasts,
    load_acquire,
    load_relaxed,
    nothing,
    shares_of,
)


cdef int64_t list_edges(Scratch scratch, uint32_t node, int64_t count) except -1 nogil:
    """Append the edges into a node that count and last to `results`; returns how many stand there."""
    return _list_into(scratch, nothing(), node, count)


cdef int64_t list_taken(Scratch scratch, uint32_t node, int64_t count) except -1 nogil:
    """Append the edges out of a node, those that took it out of the plant included; by target, each once."""
    cdef const View* view = &scratch.view
    cdef const Side* side = &view.side[FORWARD]
    cdef uint32_t j, place
    cdef Chunk* chunk
    scratch.search.tail = 0
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            count = _list_out(scratch, node, load_relaxed(side.neighbour + j) & NODE, count)
    place = chain_of(view, FORWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            if chunk.entry[j].event < view.events:
                count = _list_out(scratch, node, load_relaxed(&chunk.entry[j].node) & NODE, count)
        place = chunk.next
    scratch.clear()
    scratch.search.tail = 0
    return count


cdef int64_t _list_out(Scratch scratch, uint32_t node, uint32_t target, int64_t count) except -1 nogil:
    cdef const View* view = &scratch.view
    if bit(scratch.search.seen, target):
        return count
    if view.kind[target] == SINK and not view.kinds[view.event_kind[view.item[target]]].flags & REMOVES:
        return count  # it only says where the item went
    scratch.search.seen[target >> 6] |= <uint64_t>1 << (target & 63)
    scratch.search.queue[scratch.search.tail] = target
    scratch.search.tail += 1
    return _list_into(scratch, node, target, count)


cdef int64_t _list_into(Scratch scratch, uint32_t source, uint32_t node, int64_t count) except -1 nogil:
    """Edges into a node: from one source, or from all."""
    cdef const View* view = &scratch.view
    cdef const Side* side = &view.side[BACKWARD]
    cdef uint32_t b, j, w, event, place
    cdef Chunk* chunk
    if node < view.base_nodes:
        for b in range(view.block[node], view.block[node + 1]):
            event = view.block_event[b]
            if not happened(view, event):
                continue
            for j in range(view.block_slot[b], view.block_slot[b + 1]):
                w = load_relaxed(side.neighbour + j) & NODE
                if (w == source or source == nothing()) and lasts(view, event, w):
                    count = _list(scratch, w, node, event, shares_of(view, node)[j - side.offset[node]], count)
    place = chain_of(view, BACKWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w, event = load_relaxed(&chunk.entry[j].node), chunk.entry[j].event
            if w == nothing() or not (w & NODE == source or source == nothing()):
                continue
            if happened(view, event) and lasts(view, event, w & NODE):
                count = _list(scratch, w & NODE, node, event, chunk.entry[j].share, count)
        place = chunk.next
    return count


cdef int64_t list_made(Scratch scratch, uint32_t node, int64_t count) except -1 nogil:
    """Append what was received or made of a node: the share of each is how much that was."""
    cdef const View* view = &scratch.view
    cdef uint32_t b, j, place
    cdef Chunk* chunk
    if node < view.base_nodes:
        for b in range(view.block[node], view.block[node + 1]):
            if happened(view, view.block_event[b]):
                count = _list(scratch, node, node, view.block_event[b], view.made[b], count)
    place = chain_of(view, BACKWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            if load_relaxed(&chunk.entry[j].node) == nothing() and happened(view, chunk.entry[j].event):
                count = _list(scratch, node, node, chunk.entry[j].event, chunk.entry[j].share, count)
        place = chunk.next
    return count


cdef int64_t _list(
    Scratch scratch, uint32_t source, uint32_t target, uint32_t event, int64_t share, int64_t count
) except -1 nogil:
    scratch.results.ensure(<size_t>(count + 1) * sizeof(Listed))
    (<Listed*>scratch.results.at)[count] = Listed(source, target, event, share)
    return count + 1


cdef bint in_sink(const View* view, uint32_t node, uint8_t kind) noexcept nogil:
    """Whether an activity of this kind took the node somewhere, and it is still there."""
    cdef const Side* side = &view.side[FORWARD]
    cdef uint32_t j, place
    cdef Chunk* chunk
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            if _is_sink(view, node, load_relaxed(side.neighbour + j), kind):
                return True
    place = chain_of(view, FORWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            if chunk.entry[j].event < view.events and _is_sink(
                view, node, load_relaxed(&chunk.entry[j].node), kind
            ):
                return True
        place = chunk.next
    return False


cdef inline bint _is_sink(const View* view, uint32_t node, uint32_t w, uint8_t kind) noexcept nogil:
    cdef uint32_t event
    if not w & SPECIAL or view.kind[w & NODE] != SINK:
        return False
    event = <uint32_t>view.item[w & NODE]
    return view.event_kind[event] == kind and happened(view, event) and lasts(view, event, node)
