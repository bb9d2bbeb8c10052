"""How activities become edges, and how what was appended is merged into a new base.

An activity of few inputs or few outputs makes an edge from each input to each output; one of many on both sides makes a
hub, which every input goes into and every output comes out of. What takes something away makes a sink. Nothing is ever
taken back: a reversal is an activity that says which one it undoes, and marks the edges of that one.
"""

import threading

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint8_t, uint32_t, uint64_t

from mesgraph.genealogy._base cimport Base, Chains
from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._record cimport Record
from mesgraph.genealogy._shares cimport Claim, share_out, u128
from mesgraph.genealogy._view cimport (
    BACKWARD,
    FORWARD,
    GIVES,
    HUB,
    LINKS,
    MARKS,
    NODE,
    REMOVES,
    SINK,
    SPECIAL,
    Chunk,
    Entry,
    Side,
    View,
    chain_of,
    chunk_at,
    closer,
    nothing,
    prefetch,
    shares_of,
    shares_out_of,
    store_amount,
    store_relaxed,
    store_release,
)

cdef enum:
    HUB_FACTOR = 4          # a hub where direct edges would be more than four times as many as those of a hub
    LOGGED_MARK = 2         # what a log entry says: 0 and 1 an edge by direction, 2 and 3 a mark by direction,
    LOGGED_DOUBT = 4        # 4 a total that depends on the position

cdef size_t EVENTS_MAX = <size_t>1 << 32


cdef class Writer(Record):
    """The record in the form of edges. One thread at a time appends; the module _view says who may read meanwhile."""

    def __cinit__(self, kinds=()):
        self.log = Region(EVENTS_MAX * sizeof(Noted))
        self.room, self.entries, self.shares = Region(EVENTS_MAX * 8), Region(EVENTS_MAX * 16), Region(EVENTS_MAX * 8)
        self.claims = Region(EVENTS_MAX * sizeof(Claim))
        self.merge_turn = threading.Lock()

    def merge(self) -> bool:
        """Put what was appended into a new base; False when there is nothing.

        May run in a thread of its own: the work is done without the GIL, and neither readers nor the writer wait.
        """
        cdef View view
        cdef Base merged, old_base
        cdef Chains old_chains, chains
        with self.merge_turn:
            with self.writing:
                if self.base.events == self._events and self.base.nodes == self._nodes:
                    return False
                self.show(&view)
                old_base, old_chains = self.base, self.chains
                self.logged = 0
                self.merging = True
            try:
                merged = Base.of(&view)
                chains = Chains()
            except BaseException:
                self.merging = False
                raise
            with self.writing:
                # The GIL is held from here to the end of the block, so nobody sees the one without the other.
                self.merging = False
                chains.grow(self._nodes)
                chains.reserve(4 * <int64_t>self.logged, 0)  # one by one, entries take less than eight times their room
                self.base, self.chains = merged, chains
                self._replay()
        return True

    def add_items(self, const int64_t[::1] items, const uint8_t[::1] kinds) -> None:
        """Make nodes of items that are new, in this order. Raises ValueError for lengths that differ."""
        cdef Py_ssize_t i
        if items.shape[0] != kinds.shape[0]:
            raise ValueError(f"{items.shape[0]} items have {kinds.shape[0]} kinds")
        with self.writing, nogil:
            for i in range(items.shape[0]):
                self.check_item(items[i], kinds[i])
            for i in range(items.shape[0]):
                self.node_for(items[i], kinds[i])

    def append(self, int64_t position, int64_t time, uint8_t kind, inputs, outputs, int64_t reverses=-1) -> None:
        """Append one activity.

        Its lines are tuples (item, kind of item, quantity, weight[, range from, range to]), numbers in millionths; the
        weight counts for outputs only. `reverses` is the position of the activity that this one undoes; its lines are
        those of that one. Raises ValueError for a position that is not behind the last one.
        """
        cdef Act act = Act(position, time, reverses, len(inputs), len(outputs), kind)
        cdef Line* line
        with self.writing:
            self.room.ensure((<size_t>act.inputs + act.outputs) * sizeof(Line))
            line = <Line*>self.room.at
            for side in (inputs, outputs):
                for given in side:
                    # unpacked, not indexed: without bounds checks a line that is too short would be read beyond
                    line.item, line.kind, line.quantity, line.weight = given[:4]
                    line.range_from = line.range_to = INT64_MIN
                    if len(given) > 4:
                        line.range_from, line.range_to = given[4:]
                    line += 1
            self.record(&act, <Line*>self.room.at)

    def extend(
        self,
        *,
        const int64_t[::1] positions,
        const int64_t[::1] times,
        const uint8_t[::1] kinds,
        const int64_t[::1] reverses,
        const uint32_t[::1] inputs,
        const uint32_t[::1] outputs,
        const int64_t[::1] items,
        const uint8_t[::1] item_kinds,
        const int64_t[::1] quantities,
        const int64_t[::1] weights,
        const int64_t[::1] range_from=None,
        const int64_t[::1] range_to=None,
    ) -> None:
        """Append activities, given by columns: numbers per activity, then numbers per line.

        The lines of an activity are its inputs and then its outputs. Releases the GIL. Raises ValueError for columns of
        different lengths, and as `append` does; the activities before the refused one are appended.
        """
        cdef Py_ssize_t events = positions.shape[0], count = items.shape[0], e, i, at = 0
        cdef int64_t named = 0
        cdef Act act
        cdef Line* line
        if not (events == times.shape[0] == kinds.shape[0] == reverses.shape[0] == inputs.shape[0] == outputs.shape[0]):
            raise ValueError("the columns of the activities have different lengths")
        if not (count == item_kinds.shape[0] == quantities.shape[0] == weights.shape[0]):
            raise ValueError("the columns of the lines have different lengths")
        if range_from is not None and not (count == range_from.shape[0] == range_to.shape[0]):
            raise ValueError("the columns of the ranges have different lengths")
        cdef bint ranged = range_from is not None
        for e in range(events):
            named += <int64_t>inputs[e] + outputs[e]
        if named != count:
            fewer = "fewer" if count < named else "more"
            raise ValueError(f"there are {fewer} lines than the activities have")
        with self.writing, nogil:
            for e in range(events):
                act.position, act.time, act.kind, act.reverses = positions[e], times[e], kinds[e], reverses[e]
                act.inputs, act.outputs = inputs[e], outputs[e]
                self.room.ensure((<size_t>act.inputs + act.outputs) * sizeof(Line))
                line = <Line*>self.room.at
                for i in range(at, at + act.inputs + act.outputs):
                    self._look_ahead(items, i, count)
                    line.item, line.kind = items[i], item_kinds[i]
                    line.quantity, line.weight = quantities[i], weights[i]
                    line.range_from = line.range_to = INT64_MIN
                    if ranged:
                        line.range_from, line.range_to = range_from[i], range_to[i]
                    line += 1
                at += act.inputs + act.outputs
                self.record(&act, <Line*>self.room.at)

    cdef void _look_ahead(self, const int64_t[::1] items, Py_ssize_t i, Py_ssize_t count) noexcept nogil:
        """Ask memory for what lines that come soon will need: the node, its chain, the chunk that is written to."""
        cdef const uint32_t* node_of = <const uint32_t*>self.node_of.at
        cdef uint32_t node
        if i + 48 < count and 0 <= items[i + 48] < self._items:
            prefetch(node_of + items[i + 48])
        if i + 32 < count and 0 <= items[i + 32] < self._items and node_of[items[i + 32]]:
            node = node_of[items[i + 32]] - 1
            prefetch(self.chains.head[FORWARD] + node)
        if i + 16 < count and 0 <= items[i + 16] < self._items and node_of[items[i + 16]]:
            node = node_of[items[i + 16]] - 1
            if self.chains.head[FORWARD][node]:
                prefetch(self.chains.pool.at + <size_t>self.chains.head[FORWARD][node] * sizeof(Entry))

    # --- what one activity adds; the lock is held

    cdef int record(self, const Act* act, Line* lines) except -1 nogil:
        cdef uint8_t flags = self.kinds[act.kind].flags
        cdef uint32_t i
        self._prepare(act, lines)
        self.new_event(act.position, act.time, act.kind)
        for i in range(act.inputs + act.outputs):
            lines[i].node = <uint32_t>self.node_for(lines[i].item, lines[i].kind)
        if act.reverses >= 0:
            self._undo(act, lines)
        else:
            if flags & LINKS and by_hub(act):
                self._link_by_hub(act, lines)
            elif flags & (LINKS | GIVES):
                self._link(act, lines)
            if flags & (REMOVES | MARKS) and act.inputs:
                self._sink(act, lines)
            for i in range(act.inputs + act.outputs):
                if lines[i].range_from != INT64_MIN:
                    self.note_range(lines[i].node, i >= act.inputs, lines[i].range_from, lines[i].range_to)
        store_release(&self._events, self._events + 1)
        return 0

    cdef int _prepare(self, const Act* act, const Line* lines) except -1 nogil:
        """Refuse what cannot be, and take all the memory that it may need: once begun, an activity does not fail."""
        cdef int64_t count = <int64_t>act.inputs + act.outputs, items = 0, edges, i
        for i in range(count):
            self.check_item(lines[i].item, lines[i].kind)
            items = max(items, lines[i].item + 1)
        self.reserve(count + 2, items, count)
        if act.reverses >= 0:
            return 0  # marks alone, which say nothing before the event is published
        edges = count + act.inputs if by_hub(act) else (<int64_t>act.inputs + 1) * (<int64_t>act.outputs + 1)
        if self.base.edges + self.chains.edges + edges >= <int64_t>nothing():
            with gil:
                raise MemoryError("there is no room for more edges")
        self.entries.ensure((max(<size_t>act.inputs, <size_t>1) + 1) * sizeof(Entry))
        if not by_hub(act):
            self.shares.ensure((<size_t>act.inputs + 1) * act.outputs * sizeof(int64_t))
            self.claims.ensure(<size_t>act.outputs * sizeof(Claim))
        self.chains.reserve(2 * (edges + count + 2), count + 4)
        if self.merging:
            self.log.ensure((self.logged + 2 * (edges + count + 2)) * sizeof(Noted))
        return 0

    cdef int _link(self, const Act* act, Line* lines) except -1 nogil:
        """An edge from each input to each output, and what was made of each output."""
        cdef uint8_t flags = self.kinds[act.kind].flags
        cdef Line* outputs = lines + act.inputs
        cdef uint32_t sources = act.inputs if flags & LINKS else 0
        cdef uint32_t i, j
        cdef int64_t* shares
        cdef int64_t* weights
        cdef Entry* entries
        if act.outputs == 0:
            return 0
        weights, shares = <int64_t*>self.shares.at, <int64_t*>self.shares.at + act.outputs
        for j in range(act.outputs):
            weights[j] = outputs[j].weight
        for i in range(sources):
            self._apportion(lines[i].quantity, weights, act.outputs, shares + <size_t>i * act.outputs)
        for j in range(act.outputs):
            entries = <Entry*>self.entries.at
            for i in range(sources):
                entries[i + 1].node = lines[i].node
                entries[i + 1].share = shares[<size_t>i * act.outputs + j]
            self._join(outputs[j].node, outputs[j].quantity if flags & GIVES else 0, sources)
        return 0

    cdef int _link_by_hub(self, const Act* act, Line* lines) except -1 nogil:
        """Every input into a hub, and the hub into every output by its weight."""
        cdef uint32_t hub = <uint32_t>self.new_node(self._events, HUB)
        cdef bint gives = self.kinds[act.kind].flags & GIVES
        cdef uint32_t i
        cdef int64_t weights = 0
        cdef Line* outputs = lines + act.inputs
        cdef Entry* entries = <Entry*>self.entries.at
        for i in range(act.outputs):
            weights += outputs[i].weight
        for i in range(act.inputs):
            entries[i + 1].node = lines[i].node
            entries[i + 1].share = lines[i].quantity
        self._join(hub, weights, act.inputs)
        for i in range(act.outputs):
            entries[1].node = hub
            entries[1].share = outputs[i].weight
            self._join(outputs[i].node, outputs[i].quantity if gives else 0, 1)
        return 0

    cdef int _sink(self, const Act* act, Line* lines) except -1 nogil:
        """An edge from each input to a node that nothing leaves; and look closer at what this ends."""
        cdef uint32_t sink, i, j
        cdef Entry* entries = <Entry*>self.entries.at
        for i in range(256):
            if self.kinds[i].ended_by == act.kind and act.kind:
                for j in range(act.inputs):
                    self._end(act.kind, lines[j].node)
                break
        sink = <uint32_t>self.new_node(self._events, SINK)
        for i in range(act.inputs):
            entries[i + 1].node = lines[i].node
            entries[i + 1].share = lines[i].quantity
        self._join(sink, 0, act.inputs)
        return 0

    cdef int _join(self, uint32_t target, int64_t made, uint32_t count) except -1 nogil:
        """Write `count` edges into `target`, which stand in `entries` behind room for how much of it was `made`."""
        cdef Entry* entries = <Entry*>self.entries.at
        cdef uint32_t special = SPECIAL if (<uint8_t*>self.kind.at)[target] >= HUB else 0
        cdef Entry out
        cdef uint32_t i, source
        entries[0].node, entries[0].event, entries[0].share = nothing(), self._events, made
        for i in range(1, count + 1):
            source = entries[i].node
            out.node, out.event, out.share = target | special, self._events, entries[i].share
            self._put(FORWARD, source, &out, 1)
            entries[i].event = self._events
            if (<uint8_t*>self.kind.at)[source] >= HUB:
                entries[i].node = source | SPECIAL
        self._put(BACKWARD, target, entries, count + 1)
        store_amount(&self.chains.edges, self.chains.edges + count)
        return 0

    cdef int _put(self, int direction, uint32_t node, const Entry* entries, uint32_t count) except -1 nogil:
        cdef uint32_t i
        self.chains.put(direction, node, entries, count)
        if self.merging:
            for i in range(count):
                self._log(direction, node, entries + i)
        return 0

    cdef int _apportion(self, int64_t total, const int64_t* weights, uint32_t count, int64_t* to) except -1 nogil:
        """Shares of one input: whole, in proportion, largest remainder first."""
        cdef u128 weight_sum = 0
        cdef uint32_t j
        for j in range(count):
            weight_sum += <u128>weights[j]
            to[j] = 0
        if weight_sum == 0:
            return 0
        if count == 1:
            to[0] = total
            return 0
        share_out(total, weights, count, weight_sum, to, <Claim*>self.claims.at)
        return 0

    # --- marks

    cdef int _undo(self, const Act* act, Line* lines) except -1 nogil:
        """The activity at position `reverses` counts no more: look closer at its edges and at what it made."""
        cdef uint32_t event = self.events_until(act.reverses), i, j
        cdef uint8_t flags
        if event == 0 or (<int64_t*>self.position.at)[event - 1] != act.reverses:
            return 0  # it was of no kind that makes edges
        event -= 1
        if (<uint32_t*>self.undone_by.at)[event] != nothing():
            return 0  # since that other reversal
        flags = self.kinds[(<uint8_t*>self.event_kind.at)[event]].flags
        for j in range(act.inputs, act.inputs + act.outputs):
            if flags & GIVES:
                self._doubt_total(lines[j].node)
            if flags & LINKS and not by_hub(act):
                for i in range(act.inputs):
                    self._mark_both(lines[i].node, lines[j].node)
        for i in range(act.inputs + act.outputs):
            self._undo_special(event, lines[i].node)
        # Last, for if there is no memory to log a mark, nothing is undone.
        store_relaxed(<uint32_t*>self.undone_by.at + event, self._events)
        return 0

    cdef int _undo_special(self, uint32_t event, uint32_t node) except -1 nogil:
        """Mark the edges between an item and the hub or sink of the activity."""
        cdef View view
        cdef const Side* side
        cdef uint32_t j, place
        cdef int direction
        cdef Chunk* chunk
        self.show(&view)
        for direction in range(2):
            side = &view.side[direction]
            if node < view.base_nodes:
                for j in range(side.offset[node], side.offset[node + 1]):
                    self._mark_if_of(&view, event, direction, node, side.neighbour[j])
            place = chain_of(&view, direction, node)
            while place:
                chunk = chunk_at(&view, place)
                for j in range(chunk.used):
                    self._mark_if_of(&view, event, direction, node, chunk.entry[j].node)
                place = chunk.next
        return 0

    cdef int _mark_if_of(
        self, const View* view, uint32_t event, int direction, uint32_t node, uint32_t neighbour
    ) except -1 nogil:
        cdef uint32_t other = neighbour & NODE
        if neighbour == nothing() or not neighbour & SPECIAL or view.item[other] != event:
            return 0
        if direction == FORWARD:
            return self._mark_both(node, other)
        return self._mark_both(other, node)

    cdef int _end(self, uint8_t kind, uint32_t node) except -1 nogil:
        """Look closer at what activities that are ended by this kind did to the item."""
        cdef View view
        cdef const Side* side = &view.side[FORWARD]
        cdef uint32_t j, place, w
        cdef Chunk* chunk
        self.show(&view)
        if node < view.base_nodes:
            for j in range(side.offset[node], side.offset[node + 1]):
                w = side.neighbour[j] & NODE
                if self._leads_by(&view, node, w, kind):
                    self._mark_both(node, w)
        place = chain_of(&view, FORWARD, node)
        while place:
            chunk = chunk_at(&view, place)
            for j in range(chunk.used):
                if self.kinds[view.event_kind[chunk.entry[j].event]].ended_by == kind:
                    self._mark_both(node, chunk.entry[j].node & NODE)
            place = chunk.next
        return 0

    cdef bint _leads_by(
        self, const View* view, uint32_t source, uint32_t target, uint8_t ended_by
    ) noexcept nogil:
        """Whether the base has an edge between them by a kind of activity that `ended_by` ends."""
        cdef uint32_t b, j
        for b in range(view.block[target], view.block[target + 1]):
            if self.kinds[view.event_kind[view.block_event[b]]].ended_by == ended_by:
                for j in range(view.block_slot[b], view.block_slot[b + 1]):
                    if view.side[BACKWARD].neighbour[j] & NODE == source:
                        return True
        return False

    cdef int _mark_both(self, uint32_t source, uint32_t target) except -1 nogil:
        self._mark(FORWARD, source, target)
        self._mark(BACKWARD, target, source)
        return 0

    cdef int _mark(self, int direction, uint32_t node, uint32_t other) except -1 nogil:
        """Set the mark on all edges of a node, in one direction, with another one."""
        cdef View view
        cdef Side* side = &view.side[direction]
        cdef uint32_t j, place
        cdef Chunk* chunk
        cdef Entry entry
        self.show(&view)
        if node < view.base_nodes:
            for j in range(side.offset[node], side.offset[node + 1]):
                if side.neighbour[j] & NODE == other:
                    store_relaxed(side.neighbour + j, side.neighbour[j] | closer())
            if direction == BACKWARD:
                self._hide_total(&view, node)
        place = chain_of(&view, direction, node)
        while place:
            chunk = chunk_at(&view, place)
            for j in range(chunk.used):
                if chunk.entry[j].node != nothing() and chunk.entry[j].node & NODE == other:
                    store_relaxed(&chunk.entry[j].node, chunk.entry[j].node | closer())
            place = chunk.next
        if self.merging:
            entry.node = other
            self._log(LOGGED_MARK + direction, node, &entry)
        return 0

    cdef int _doubt_total(self, uint32_t node) except -1 nogil:
        """From now on what there ever was of a node depends on the position."""
        cdef Entry entry
        cdef View view
        if node < self.base.nodes:
            self.show(&view)
            self._hide_total(&view, node)
        if self.merging:
            self._log(LOGGED_DOUBT, node, &entry)
        return 0

    cdef void _hide_total(self, const View* view, uint32_t node) noexcept nogil:
        store_amount(shares_of(view, node) - 1, INT64_MIN)
        store_relaxed(shares_out_of(view, node) - 2, closer())

    # --- what was written while a merge went on

    cdef int _log(self, uint32_t what, uint32_t node, const Entry* entry) except -1 nogil:
        cdef Noted* noted
        self.log.ensure((self.logged + 1) * sizeof(Noted))
        noted = <Noted*>self.log.at + self.logged
        noted.what, noted.node, noted.entry = what, node, entry[0]
        self.logged += 1
        return 0

    cdef int _replay(self) except -1:
        """Write again, behind the new base, what the log says."""
        cdef Noted* noted
        cdef size_t i
        for i in range(self.logged):
            noted = <Noted*>self.log.at + i
            if noted.what == LOGGED_DOUBT:
                self._doubt_total(noted.node)
            elif noted.what >= LOGGED_MARK:
                self._mark(noted.what - LOGGED_MARK, noted.node, noted.entry.node)
            else:
                self.chains.put(noted.what, noted.node, &noted.entry, 1)
                if noted.what == FORWARD:
                    self.chains.edges += 1
        self.logged = 0
        return 0


cdef inline bint by_hub(const Act* act) noexcept nogil:
    """Whether direct edges would be several times as many as those into and out of a hub."""
    cdef uint64_t inputs = act.inputs, outputs = act.outputs
    return inputs * outputs > HUB_FACTOR * (inputs + outputs)
