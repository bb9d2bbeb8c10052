"""Questions to the genealogy, answered in integers: nodes in, nodes and numbers out.

A question is answered for one position of the record, whatever is appended meanwhile. Short ones keep the GIL, because
handing it over would take longer than they do; what turns out to be long goes on without it.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from mesgraph.genealogy._amounts cimport gather, in_order, settle, spread
from mesgraph.genealogy._listing cimport Listed, in_sink, list_edges, list_made, list_taken
from mesgraph.genealogy._memory cimport Column
from mesgraph.genealogy._search cimport Scratch, Search, search, search_closer, search_noting, sweep
from mesgraph.genealogy._view cimport (
    BACKWARD,
    FORWARD,
    GIVES as _GIVES,
    HUB,
    LINKS as _LINKS,
    MARKS as _MARKS,
    NODE,
    REMOVES as _REMOVES,
    View,
    bit,
    count_bits,
    load_acquire,
    load_amount,
    load_bits,
    load_relaxed,
    lowest_bit,
    total_of,
)
from mesgraph.genealogy._writer cimport Writer

LINKS, GIVES, REMOVES, MARKS = _LINKS, _GIVES, _REMOVES, _MARKS

cdef enum:
    SHORT = 1500            # nodes that are gone on from before the GIL is given away: some 50 microseconds
    SWEEP_FROM = 4000       # nodes from which on a forward search sweeps
    INTO = 0
    OUT_OF = 1
    MADE = 2
    ALL = 1 << 30           # more than there can be


cdef class Reached:
    """What a search found, nearest first, and what was computed about it.

    ``nodes``: the items, the one asked about first. ``depth_ends``: how many of them are up to 0, 1, 2 ... activities
    away. ``complete``: the search went on from all of them, neither depth nor stops cut it. Of :meth:`Graph.amounts`
    also ``contained``: forward, how much of the start is in each, in millionths of its unit; backward, how much of each
    is in the start; ``remaining`` and ``removed``, forward: how much of that is still there, and how much was taken out
    of the plant.
    """

    cdef readonly Column nodes
    cdef readonly Column depth_ends
    cdef readonly Column contained
    cdef readonly Column remaining
    cdef readonly Column removed
    cdef readonly bint complete


cdef class Graph(Writer):
    """The genealogy of a plant, from the record up to now or to an earlier position.

    Nodes are numbers; `node` and `items` translate. `as_of` is a position (up to which the record counts), `since` and
    `until` are event times in microseconds (between which activities count).
    """

    cdef list scratches

    def __cinit__(self, kinds=()):
        self.scratches = []

    def node(self, int64_t item) -> int:
        """The node of an item; -1 for an item that no activity has named."""
        if 0 <= item < load_amount(&self._items):
            return <int64_t>load_acquire(<const uint32_t*>self.node_of.at + item) - 1
        return -1

    def items(self, const int32_t[::1] nodes) -> Column:
        """The items of nodes. Raises IndexError."""
        cdef Column found = Column.of(b"q", sizeof(int64_t), nodes.shape[0])
        cdef const int64_t* item = <const int64_t*>self.item.at
        cdef int64_t* to = <int64_t*>found.at
        cdef int64_t count = self.nodes
        cdef Py_ssize_t i
        for i in range(nodes.shape[0]):
            if not 0 <= nodes[i] < count:
                raise IndexError(f"there is no node {nodes[i]}")
            to[i] = item[nodes[i]]
        return found

    def reach(self, int64_t node, bint forward, int32_t max_depth=-1) -> Column:
        """The items that a node was made from, or that were made from it, itself among them; in any order.

        With a `max_depth` those that are at most so many activities away, nearest first. Raises IndexError.
        """
        cdef Scratch scratch = self._begin(node, forward, max_depth)
        try:
            self._search(scratch)
            return self._found_nodes(scratch)
        finally:
            self._end_of(scratch)

    def reach_many(self, const int32_t[::1] nodes, bint forward) -> tuple[Column, Column]:
        """:meth:`reach` for each of many nodes: where the items of each begin and end, and the items of all."""
        cdef Py_ssize_t i, count = nodes.shape[0]
        cdef int64_t n = self.nodes
        cdef Column ends = Column.of(b"q", sizeof(int64_t), count + 1)
        for i in range(count):
            if not 0 <= nodes[i] < n:
                raise IndexError(f"there is no node {nodes[i]}")
        cdef Scratch scratch = self._begin(nodes[0] if count else 0, forward, -1) if n else None
        (<int64_t*>ends.at)[0] = 0
        if scratch is None:
            return ends, Column.of(b"i", sizeof(int32_t), 0)
        cdef Column found
        cdef int64_t total = 0
        try:
            with nogil:
                scratch.clear()
                for i in range(count):
                    scratch.begin(<uint32_t>nodes[i], forward, -1)
                    search(&scratch.view, &scratch.search, ALL)
                    scratch.results.ensure((total + scratch.search.tail) * sizeof(int32_t))
                    memcpy(
                        <int32_t*>scratch.results.at + total,
                        scratch.search.queue,
                        scratch.search.tail * sizeof(int32_t),
                    )
                    total += scratch.search.tail
                    (<int64_t*>ends.at)[i + 1] = total
                    scratch.clear()
                    scratch.search.tail = scratch.search.specials = 0
            found = Column.of(b"i", sizeof(int32_t), total)
            memcpy(found.at, scratch.results.at, total * sizeof(int32_t))
            return ends, found
        finally:
            self._end_of(scratch)

    def trace(
        self, int64_t node, bint forward, *, int32_t max_depth=-1, as_of=None, since=None, until=None,
        const int32_t[::1] stops=None,
    ) -> Reached:
        """:meth:`reach` with depths, in the record up to `as_of`, between two event times, and not beyond `stops`."""
        cdef Scratch scratch = self._begin(node, forward, max_depth)
        cdef Reached reached = Reached.__new__(Reached)
        try:
            self._look_from(scratch, as_of, since, until)
            if stops is not None:
                scratch.stop_at(stops)
            reached.complete = self._search_by_depth(scratch)
            reached.nodes = self._found_nodes(scratch)
            reached.depth_ends = Column.of(b"I", sizeof(uint32_t), scratch.search.depth + 1)
            memcpy(
                reached.depth_ends.at, scratch.search.level_end, (scratch.search.depth + 1) * sizeof(uint32_t)
            )
            return reached
        finally:
            self._end_of(scratch)

    def amounts(self, int64_t node, bint forward, *, as_of=None, until=None, bint rest=False) -> Reached:
        """How much of the node is in each item that was made from it, or of each in it, when everything mixes."""
        cdef Scratch scratch = self._begin(node, forward, -1)
        cdef Reached reached = Reached.__new__(Reached)
        cdef int64_t count
        cdef bint earlier
        try:
            self._look_from(scratch, as_of, None, until)
            earlier = scratch.view.earlier
            if earlier:
                with nogil:
                    search_closer(&scratch.view, &scratch.search)
            elif forward:
                self._search(scratch)
            else:
                self._search_noting(scratch)
            with nogil:
                count = in_order(scratch)
                if forward:
                    spread(scratch, <uint32_t>node, count, rest)
                else:
                    gather(scratch, <uint32_t>node, count)
            reached.complete = True
            self._fill_amounts(scratch, reached, count, rest and forward)
            return reached
        finally:
            self._end_of(scratch)

    def count(self, int64_t node, bint forward) -> int:
        """How many items :meth:`reach` finds, itself not counted."""
        cdef Scratch scratch = self._begin(node, forward, -1)
        cdef uint64_t word
        cdef int64_t found = 0
        try:
            self._search(scratch)
            if not scratch.search.swept:
                return scratch.search.tail - 1
            for word in range(scratch.search.first_word, scratch.search.last_word + 1):
                found += count_bits(scratch.search.seen[word] & ~load_bits(scratch.view.special + word))
            return found - 1
        finally:
            self._end_of(scratch)

    def reach_counts(self, const int32_t[::1] nodes, bint forward, *, as_of=None) -> tuple[Column, Column]:
        """All items that are reached from any of the nodes, themselves left out, and from how many of them each is."""
        cdef Scratch scratch = self._begin(nodes[0] if nodes.shape[0] else 0, forward, -1)
        cdef Column found, counts
        cdef Py_ssize_t i
        cdef int64_t j, total = 0
        cdef uint32_t node
        cdef uint32_t* count
        try:
            self._look_from(scratch, as_of, None, None)
            for i in range(nodes.shape[0]):
                if not 0 <= nodes[i] < scratch.view.nodes:
                    raise IndexError(f"there is no node {nodes[i]}")
            with nogil:
                scratch.clear()
                scratch.search.tail = 0
                scratch.taken.ensure(<size_t>scratch.view.nodes * 16)
                count = <uint32_t*>scratch.taken.at
                memset(count, 0, <size_t>scratch.view.nodes * sizeof(uint32_t))
                for i in range(nodes.shape[0]):
                    scratch.begin(<uint32_t>nodes[i], FORWARD if forward else BACKWARD, -1)
                    if scratch.view.earlier:
                        search_closer(&scratch.view, &scratch.search)
                    else:
                        search(&scratch.view, &scratch.search, ALL)
                    for j in range(1, scratch.search.tail):
                        node = scratch.search.queue[j]
                        if count[node] == 0:
                            scratch.results.ensure(<size_t>(total + 1) * sizeof(uint32_t))
                            (<uint32_t*>scratch.results.at)[total] = node
                            total += 1
                        count[node] += 1
                    scratch.clear()
                    scratch.search.tail = scratch.search.specials = 0
            found, counts = Column.of(b"i", sizeof(int32_t), total), Column.of(b"I", sizeof(uint32_t), total)
            memcpy(found.at, scratch.results.at, total * sizeof(int32_t))
            for j in range(total):
                (<uint32_t*>counts.at)[j] = count[(<uint32_t*>found.at)[j]]
            return found, counts
        finally:
            self._end_of(scratch)

    def reach_all(self, const int32_t[::1] nodes, bint forward, *, as_of=None) -> Column:
        """The items that any of the nodes reaches, these included."""
        cdef Scratch scratch
        cdef Py_ssize_t i
        if nodes.shape[0] == 0:
            return Column.of(b"i", sizeof(int32_t), 0)
        scratch = self._begin(nodes[0], forward, 0)
        try:
            self._look_from(scratch, as_of, None, None)
            for i in range(nodes.shape[0]):
                if not 0 <= nodes[i] < scratch.view.nodes:
                    raise IndexError(f"there is no node {nodes[i]}")
            scratch.clear()
            scratch.begin_from_all(nodes, FORWARD if forward else BACKWARD)
            with nogil:
                if scratch.view.earlier:
                    search_closer(&scratch.view, &scratch.search)
                else:
                    search(&scratch.view, &scratch.search, ALL)
            return self._found_nodes(scratch)
        finally:
            self._end_of(scratch)

    def related(self, const int32_t[::1] nodes, const int32_t[::1] others, *, as_of=None) -> Column:
        """For each of `others` 1 if it is one of the nodes, was made from any, or any was made from it; else 0."""
        cdef Column found = Column.of(b"B", 1, others.shape[0])
        cdef Scratch scratch
        cdef Py_ssize_t i
        cdef int direction
        memset(found.at, 0, others.shape[0])
        if nodes.shape[0] == 0:
            return found
        scratch = self._begin(nodes[0], False, 0)
        try:
            self._look_from(scratch, as_of, None, None)
            for i in range(nodes.shape[0] + others.shape[0]):
                node = nodes[i] if i < nodes.shape[0] else others[i - nodes.shape[0]]
                if not 0 <= node < scratch.view.nodes:
                    raise IndexError(f"there is no node {node}")
            for direction in range(2):
                scratch.clear()
                scratch.begin_from_all(nodes, direction)
                if scratch.view.earlier:
                    with nogil:
                        search_closer(&scratch.view, &scratch.search)
                else:
                    self._search(scratch)
                for i in range(others.shape[0]):
                    (<uint8_t*>found.at)[i] |= bit(scratch.search.seen, <uint32_t>others[i])
            return found
        finally:
            self._end_of(scratch)

    def edges_into(
        self, const int32_t[::1] nodes, *, as_of=None, since=None, until=None
    ) -> tuple[Column, Column, Column, Column]:
        """The edges into these nodes: source, target, position of the activity, share; a source may be a hub."""
        return self._listed(nodes, INTO, as_of, since, until)

    def edges_out_of(
        self, const int32_t[::1] nodes, *, as_of=None, until=None
    ) -> tuple[Column, Column, Column, Column]:
        """The edges out of these nodes; a target may be a hub, or the sink of what left the plant."""
        return self._listed(nodes, OUT_OF, as_of, None, until)

    def made(self, const int32_t[::1] nodes, *, as_of=None, until=None) -> tuple[Column, Column, Column, Column]:
        """What was received or made of each node: the node, again, the position, how much."""
        return self._listed(nodes, MADE, as_of, None, until)

    def is_item(self, int64_t node) -> bool:
        """Whether a node is an item, not a hub or a sink."""
        if not 0 <= node < self.nodes:
            raise IndexError(f"there is no node {node}")
        return (<const uint8_t*>self.kind.at)[node] < HUB

    def ranges_at(self, const int64_t[::1] positions) -> list[tuple[int, int, bool, int, int]]:
        """The ranges that activities took or made: position, node, whether it is an output, from, to."""
        cdef View view
        cdef Py_ssize_t i
        cdef uint32_t event, low, high, middle
        found = []
        self.show(&view)
        for i in range(positions.shape[0]):
            event = self.events_until(positions[i])
            if event == 0 or (<const int64_t*>self.position.at)[event - 1] != positions[i]:
                continue
            event -= 1
            low, high = 0, view.ranges
            while low < high:
                middle = low + (high - low) // 2
                if view.range_event[middle] < event:
                    low = middle + 1
                else:
                    high = middle
            while low < view.ranges and view.range_event[low] == event:
                found.append(
                    (
                        positions[i], view.range_node[low] & NODE, view.range_node[low] > NODE,
                        view.range_end[2 * <size_t>low], view.range_end[2 * <size_t>low + 1],
                    )
                )
                low += 1
        return found

    def times_at(self, const int64_t[::1] positions) -> Column:
        """When what was recorded at each position happened."""
        cdef Column times = Column.of(b"q", sizeof(int64_t), positions.shape[0])
        cdef Py_ssize_t i
        cdef uint32_t event
        for i in range(positions.shape[0]):
            event = self.events_until(positions[i])
            if event == 0 or (<const int64_t*>self.position.at)[event - 1] != positions[i]:
                raise IndexError(f"there is no activity at position {positions[i]}")
            (<int64_t*>times.at)[i] = (<const int64_t*>self.event_time.at)[event - 1]
        return times

    cdef tuple _listed(self, const int32_t[::1] nodes, int what, as_of, since, until):
        cdef Scratch scratch = self._begin(nodes[0] if nodes.shape[0] else 0, False, 0)
        cdef Py_ssize_t i
        cdef int64_t count = 0
        cdef Listed* listed
        cdef Column sources, targets, positions, shares
        try:
            self._look_from(scratch, as_of, since, until)
            for i in range(nodes.shape[0]):
                if not 0 <= nodes[i] < scratch.view.nodes:
                    raise IndexError(f"there is no node {nodes[i]}")
            with nogil:
                scratch.clear()
                scratch.search.tail = 0
                for i in range(nodes.shape[0]):
                    if what == INTO:
                        count = list_edges(scratch, <uint32_t>nodes[i], count)
                    elif what == OUT_OF:
                        count = list_taken(scratch, <uint32_t>nodes[i], count)
                    else:
                        count = list_made(scratch, <uint32_t>nodes[i], count)
            sources, targets = Column.of(b"i", sizeof(int32_t), count), Column.of(b"i", sizeof(int32_t), count)
            positions, shares = Column.of(b"q", sizeof(int64_t), count), Column.of(b"q", sizeof(int64_t), count)
            listed = <Listed*>scratch.results.at
            for i in range(count):
                (<uint32_t*>sources.at)[i], (<uint32_t*>targets.at)[i] = listed[i].source, listed[i].target
                (<int64_t*>positions.at)[i] = (<int64_t*>self.position.at)[listed[i].event]
                (<int64_t*>shares.at)[i] = listed[i].share
            return sources, targets, positions, shares
        finally:
            self._end_of(scratch)

    def totals(self, const int32_t[::1] nodes, *, as_of=None, until=None) -> Column:
        """All there ever was of each node, in millionths of its unit."""
        cdef Scratch scratch = self._begin(nodes[0] if nodes.shape[0] else 0, False, 0)
        cdef Column totals = Column.of(b"q", sizeof(int64_t), nodes.shape[0])
        cdef Py_ssize_t i
        try:
            self._look_from(scratch, as_of, None, until)
            for i in range(nodes.shape[0]):
                if not 0 <= nodes[i] < scratch.view.nodes:
                    raise IndexError(f"there is no node {nodes[i]}")
                (<int64_t*>totals.at)[i] = total_of(&scratch.view, <uint32_t>nodes[i])
            return totals
        finally:
            self._end_of(scratch)

    def marked(self, const int32_t[::1] nodes, uint8_t kind, *, as_of=None, until=None) -> Column:
        """For each node 1 if an activity of this kind, such as a shipment, happened to it and lasts, else 0."""
        cdef Scratch scratch = self._begin(nodes[0] if nodes.shape[0] else 0, False, 0)
        cdef Column marks = Column.of(b"B", 1, nodes.shape[0])
        cdef Py_ssize_t i
        try:
            self._look_from(scratch, as_of, None, until)
            for i in range(nodes.shape[0]):
                if not 0 <= nodes[i] < scratch.view.nodes:
                    raise IndexError(f"there is no node {nodes[i]}")
            with nogil:
                for i in range(nodes.shape[0]):
                    (<uint8_t*>marks.at)[i] = in_sink(&scratch.view, <uint32_t>nodes[i], kind)
            return marks
        finally:
            self._end_of(scratch)

    # --- how a question is asked

    cdef Scratch _begin(self, int64_t node, bint forward, int32_t max_depth):
        """A scratch with a view of now, and the start of a search in it."""
        cdef Scratch scratch = <Scratch>self.scratches.pop() if self.scratches else Scratch()
        self.show(&scratch.view)
        scratch.base, scratch.chains = self.base, self.chains
        if not 0 <= node < scratch.view.nodes:
            self.scratches.append(scratch)
            scratch.base = scratch.chains = None
            raise IndexError(f"there is no node {node}")
        scratch.ready()
        scratch.begin(<uint32_t>node, FORWARD if forward else BACKWARD, max_depth)
        return scratch

    cdef int _end_of(self, Scratch scratch) except -1:
        scratch.clear()
        scratch.base = scratch.chains = None
        self.scratches.append(scratch)
        return 0

    cdef int _look_from(self, Scratch scratch, as_of, since, until) except -1:
        """Narrow the view to a position and to event times."""
        cdef View* view = &scratch.view
        if as_of is not None:
            view.events = min(view.events, self.events_until(as_of))
        if since is not None:
            view.since = since
        if until is not None:
            view.until = until
        view.earlier = view.events < view.base_events or since is not None or until is not None
        return 0

    cdef int _search(self, Scratch scratch) except -1:
        cdef Search* s = &scratch.search
        if search(&scratch.view, s, SHORT):
            return 0
        with nogil:
            if s.direction == BACKWARD or s.max_depth >= 0:
                search(&scratch.view, s, ALL)
            elif not search(&scratch.view, s, SWEEP_FROM):
                sweep(&scratch.view, s)
        return 0

    cdef int _search_noting(self, Scratch scratch) except -1:
        """All that a node was made from, with the edges that lead there."""
        cdef View* view = &scratch.view
        cdef size_t edges = view.side[BACKWARD].offset[view.base_nodes]
        scratch.notes.ensure((edges + 2 * <size_t>view.nodes) * 4)
        if not search_noting(view, &scratch.search, SHORT):
            with nogil:
                search_noting(view, &scratch.search, ALL)
        return 0

    cdef bint _search_by_depth(self, Scratch scratch) except -1:
        """Whether it went on from every item that it found."""
        cdef Search* s = &scratch.search
        cdef bint whole = True
        if scratch.view.earlier or s.stops != NULL:
            with nogil:
                whole = search_closer(&scratch.view, s)
        elif not search(&scratch.view, s, SHORT):
            with nogil:
                search(&scratch.view, s, ALL)
        return whole and s.max_depth != 0 and s.head == s.tail

    cdef Column _found_nodes(self, Scratch scratch):
        """The items that were found, out of the scratch."""
        cdef Search* s = &scratch.search
        cdef const uint64_t* special = scratch.view.special
        cdef uint64_t word, bits
        cdef int32_t* to
        cdef Column found
        cdef int64_t count = 0
        if not s.swept:
            found = Column.of(b"i", sizeof(int32_t), s.tail)
            memcpy(found.at, s.queue, s.tail * sizeof(int32_t))
            return found
        with nogil:
            to = <int32_t*>s.queue
            for word in range(s.first_word, s.last_word + 1):
                bits = s.seen[word] & ~load_bits(special + word)
                while bits:
                    to[count] = <int32_t>((word << 6) | lowest_bit(bits))
                    bits &= bits - 1
                    count += 1
        found = Column.of(b"i", sizeof(int32_t), count)
        memcpy(found.at, to, count * sizeof(int32_t))
        return found

    cdef int _fill_amounts(self, Scratch scratch, Reached reached, int64_t count, bint with_rest) except -1:
        """The items among what was found, in the order of their numbers, with what was computed about them."""
        cdef const uint32_t* order = <const uint32_t*>scratch.order.at
        cdef const double* amounts = <const double*>scratch.amounts.at
        cdef Column nodes = Column.of(b"i", sizeof(int32_t), count)
        cdef Column contained = Column.of(b"d", sizeof(double), count)
        cdef Column remaining = Column.of(b"q", sizeof(int64_t), count if with_rest else 0)
        cdef Column removed = Column.of(b"q", sizeof(int64_t), count if with_rest else 0)
        cdef int64_t* left = <int64_t*>remaining.at
        cdef int64_t* gone = <int64_t*>removed.at
        cdef bint mixed = scratch.search.swept or scratch.search.specials
        cdef int64_t i, at = 0
        with nogil:
            if with_rest:
                settle(scratch, count, left, gone)
            for i in range(count):
                if mixed and scratch.view.kind[order[i]] >= HUB:
                    continue
                (<uint32_t*>nodes.at)[at] = order[i]
                (<double*>contained.at)[at] = amounts[i]
                if with_rest:
                    left[at], gone[at] = left[i], gone[i]
                at += 1
        nodes.count = contained.count = at
        reached.nodes, reached.contained = nodes, contained
        if with_rest:
            remaining.count = removed.count = at
            reached.remaining, reached.removed = remaining, removed
        return 0


def copied(const uint8_t[::1] column) -> bytes:
    """The bytes of a column that others may mark meanwhile, number by number: none of them is half marked."""
    cdef int64_t size = column.shape[0], i
    cdef bytearray copy = bytearray(size)
    cdef uint8_t[::1] bytes_to = copy
    cdef const uint32_t* source
    cdef uint32_t* to
    if size >= 4:
        source, to = <const uint32_t*>&column[0], <uint32_t*>&bytes_to[0]
        with nogil:
            for i in range(size // 4):
                to[i] = load_relaxed(source + i)
    for i in range(size // 4 * 4, size):
        bytes_to[i] = column[i]
    return bytes(copy)
