"""The record in columns: what is known of every activity, every node and every range of positions.

Rows are only ever added, and a column never moves, so that who reads it needs no lock: see the module _view. A snapshot
is these columns and those of the base, as far as the base goes; what came later is taken from the database again.
"""

import threading

from libc.stdint cimport INT64_MAX, INT64_MIN, int64_t, uint8_t, uint32_t, uint64_t

from mesgraph.genealogy._base cimport Base, Chains
from mesgraph.genealogy._memory cimport Column, Region
from mesgraph.genealogy._view cimport (
    HUB,
    LOGISTIC_UNIT,
    Entry,
    Kind,
    View,
    closer,
    load_acquire,
    load_amount,
    load_bits,
    load_relaxed,
    nothing,
    store_amount,
    store_bits,
    store_release,
)

cdef size_t NODES_MAX = <size_t>1 << 30
cdef size_t EVENTS_MAX = <size_t>1 << 32
cdef size_t ITEMS_MAX = <size_t>1 << 38


cdef class Record:
    """Columns. `kinds` gives, by the code of each kind of activity, what it does (flags LINKS, GIVES, REMOVES, MARKS)
    and the code of the kind that ends what it did, or 0.
    """

    def __cinit__(self, kinds=()):
        self.position, self.event_time = Region(EVENTS_MAX * 8), Region(EVENTS_MAX * 8)
        self.event_kind, self.undone_by = Region(EVENTS_MAX), Region(EVENTS_MAX * 4)
        self.item, self.kind, self.special = Region(NODES_MAX * 8), Region(NODES_MAX), Region(NODES_MAX // 8)
        self.node_of = Region(ITEMS_MAX * 4)
        self.range_event, self.range_node = Region(EVENTS_MAX * 4), Region(EVENTS_MAX * 4)
        self.range_end = Region(EVENTS_MAX * 16)
        self.base, self.chains = Base(), Chains()
        self.writing = threading.Lock()
        for code, (flags, ended_by) in enumerate(kinds):
            self.kinds[code] = Kind(flags, ended_by)

    @property
    def events(self) -> int:
        """How many activities are in it."""
        return load_acquire(&self._events)

    @property
    def nodes(self) -> int:
        """How many nodes there are: items, hubs and sinks."""
        return load_acquire(&self._nodes)

    @property
    def edges(self) -> int:
        """How many edges there are."""
        return self.base.edges + load_amount(&self.chains.edges)

    @property
    def appended(self) -> int:
        """How many of the edges are not in the base yet."""
        return load_amount(&self.chains.edges)

    @property
    def last_position(self) -> int:
        """Position of the last activity; -1 when there is none."""
        cdef uint32_t events = load_acquire(&self._events)
        return (<int64_t*>self.position.at)[events - 1] if events else -1

    @property
    def merged(self) -> tuple[int, int]:
        """How many activities are in the base, and the position of the last of them; -1 when there is none."""
        cdef uint32_t events = self.base.events
        return events, (<int64_t*>self.position.at)[events - 1] if events else -1

    def memory(self) -> dict:
        """Bytes in use, by part."""
        cdef int64_t nodes = self.nodes, events = self.events
        sizes = {name: size for name, (_, size) in self.base.sections().items()}
        sizes |= {name: size for name, (_, size) in self.columns_of(nodes, events, load_acquire(&self._ranges)).items()}
        sizes["chains"] = <int64_t>load_relaxed(&self.chains.used) * <int64_t>sizeof(Entry) + nodes * 8 + nodes // 4
        return sizes

    def columns_of(self, int64_t nodes, int64_t events, int64_t ranges) -> dict:
        """What stands beside the base, with sizes in bytes, by the name that it has in a snapshot."""
        return {
            "position": (self.position, events * 8),
            "event_time": (self.event_time, events * 8),
            "event_kind": (self.event_kind, events),
            "undone_by": (self.undone_by, events * 4),
            "item": (self.item, nodes * 8),
            "kind": (self.kind, nodes),
            "special": (self.special, (nodes // 64 + 1) * 8),
            "node_of": (self.node_of, load_amount(&self._items) * 4),
            "range_event": (self.range_event, ranges * 4),
            "range_node": (self.range_node, ranges * 4),
            "range_end": (self.range_end, ranges * 16),
        }

    # --- rows; the lock is held

    cdef int reserve(self, int64_t nodes, int64_t items, int64_t ranges) except -1 nogil:
        """Have room for one more event and for so many nodes, ranges, and numbers of items."""
        cdef size_t events = <size_t>self._events + 1, all_nodes = <size_t>self._nodes + nodes
        cdef size_t all_ranges = <size_t>self._ranges + ranges
        if events >= EVENTS_MAX or all_nodes >= NODES_MAX:
            with gil:
                raise MemoryError("there is no room for more activities or items")
        self.position.ensure(events * 8)
        self.event_time.ensure(events * 8)
        self.event_kind.ensure(events)
        self.undone_by.ensure(events * 4)
        self.item.ensure(all_nodes * 8)
        self.kind.ensure(all_nodes)
        self.special.ensure((all_nodes // 64 + 1) * 8)
        self.chains.grow(<uint32_t>all_nodes)
        self.node_of.ensure(<size_t>items * 4)
        self.range_event.ensure(all_ranges * 4)
        self.range_node.ensure(all_ranges * 4)
        self.range_end.ensure(all_ranges * 16)
        return 0

    cdef int check_item(self, int64_t item, uint8_t kind) except -1 nogil:
        """Raises ValueError for what is no item."""
        if item < 0 or <size_t>item >= ITEMS_MAX // 4 or kind > LOGISTIC_UNIT:
            with gil:
                raise ValueError(f"{item} of kind {kind} is no item")
        return 0

    cdef int new_event(self, int64_t position, int64_t time, uint8_t kind) except -1 nogil:
        """Begin an activity, for which room was reserved. Raises ValueError."""
        cdef size_t events = self._events
        if events and position <= (<int64_t*>self.position.at)[events - 1]:
            with gil:
                raise ValueError(f"position {position} does not lie behind the last one, {self.last_position}")
        (<int64_t*>self.position.at)[events] = position
        (<int64_t*>self.event_time.at)[events] = time
        (<uint8_t*>self.event_kind.at)[events] = kind
        (<uint32_t*>self.undone_by.at)[events] = nothing()
        return 0

    cdef int64_t node_for(self, int64_t item, uint8_t kind) except -1 nogil:
        """The node of a checked item, a new one for an item that was not named before."""
        cdef uint32_t* node_of
        if item >= self._items:
            self.node_of.ensure((<size_t>item + 1) * 4)
            store_amount(&self._items, item + 1)
        node_of = <uint32_t*>self.node_of.at + item
        if node_of[0] == 0:
            store_release(node_of, <uint32_t>self.new_node(item, kind) + 1)
        return node_of[0] - 1

    cdef int64_t new_node(self, int64_t item, uint8_t kind) except -1 nogil:
        cdef uint32_t node = self._nodes
        cdef uint64_t* special
        if node + 1 >= NODES_MAX:
            with gil:
                raise MemoryError("there is no room for more items")
        self.item.ensure((<size_t>node + 1) * 8)
        self.kind.ensure(<size_t>node + 1)
        self.special.ensure((<size_t>node // 64 + 1) * 8)
        self.chains.grow(node + 1)
        (<int64_t*>self.item.at)[node] = item
        (<uint8_t*>self.kind.at)[node] = kind
        if kind >= HUB:
            special = <uint64_t*>self.special.at + (node >> 6)
            store_bits(special, special[0] | (<uint64_t>1 << (node & 63)))
        store_release(&self._nodes, node + 1)
        return node

    cdef int note_range(self, uint32_t node, bint output, int64_t range_from, int64_t range_to) except -1 nogil:
        """Keep the positions that the present activity took from a node, or made of it."""
        cdef uint32_t ranges = self._ranges
        (<uint32_t*>self.range_event.at)[ranges] = self._events
        (<uint32_t*>self.range_node.at)[ranges] = node | (closer() if output else 0)
        (<int64_t*>self.range_end.at)[2 * <size_t>ranges] = range_from
        (<int64_t*>self.range_end.at)[2 * <size_t>ranges + 1] = range_to
        store_release(&self._ranges, ranges + 1)
        return 0

    # --- what readers need

    cdef void show(self, View* view) noexcept nogil:
        """All that is published. Base and chains must be those of one moment: hold the GIL or the lock.

        The number of events is read before all else, so that what it counts is seen in what is read after it.
        """
        view.events = load_acquire(&self._events)
        view.nodes = load_acquire(&self._nodes)
        view.ranges = load_acquire(&self._ranges)
        view.earlier = False
        view.since = INT64_MIN
        view.until = INT64_MAX
        self.base.show(view)
        self.chains.show(view)
        view.kind = <const uint8_t*>self.kind.at
        view.item = <const int64_t*>self.item.at
        view.special = <const uint64_t*>self.special.at
        view.event_kind = <const uint8_t*>self.event_kind.at
        view.event_time = <const int64_t*>self.event_time.at
        view.undone_by = <const uint32_t*>self.undone_by.at
        view.range_event = <const uint32_t*>self.range_event.at
        view.range_node = <const uint32_t*>self.range_node.at
        view.range_end = <const int64_t*>self.range_end.at
        view.kinds = self.kinds

    cdef uint32_t events_until(self, int64_t position) noexcept nogil:
        """How many activities there are up to a position."""
        cdef const int64_t* positions = <const int64_t*>self.position.at
        cdef uint32_t low = 0, high = load_acquire(&self._events), middle
        while low < high:
            middle = low + (high - low) // 2
            if positions[middle] <= position:
                low = middle + 1
            else:
                high = middle
        return low

    # --- snapshots

    def saved(self) -> tuple[dict, dict]:
        """The counts and the columns of the base and of all that it stands on, for :meth:`restore`.

        Columns are seen without a copy, where nothing that came later can stand in them.
        """
        cdef Base base = self.base
        cdef int64_t ranges, items
        with self.writing:
            ranges, items = self._ranges_until(base.events), self._items
        counts = {
            "nodes": base.nodes, "events": base.events, "blocks": base.blocks, "edges": base.edges, "ranges": ranges,
            "items": items,
        }
        columns = {name: memoryview(region)[:size] for name, (region, size) in base.sections().items()}
        columns |= {
            name: memoryview(region)[:size]
            for name, (region, size) in self.columns_of(base.nodes, base.events, ranges).items()
        }
        columns["undone_by"] = memoryview(self._without_later(self.undone_by, base.events, base.events, nothing()))
        columns["node_of"] = memoryview(self._without_later(self.node_of, items, base.nodes + 1, 0))
        columns["special"] = memoryview(self._special_until(base.nodes))
        return counts, {name: column.cast("B") for name, column in columns.items()}

    def restore(self, int file, counts: dict, places: dict) -> None:
        """Show what :meth:`saved` gave, out of a file: ``places`` has where each column begins, and its bytes.

        Raises ValueError when something is there already, or the columns are not those of the counts, and MemoryError.
        """
        cdef Base base = self.base
        if self._events or self._nodes:
            raise ValueError("only an empty graph can be restored")
        base.nodes, base.events = counts["nodes"], counts["events"]
        base.blocks, base.edges = counts["blocks"], counts["edges"]
        self._items = counts["items"]
        regions = base.sections() | self.columns_of(base.nodes, base.events, counts["ranges"])
        if {name: size for name, (_, size) in places.items()} != {name: size for name, (_, size) in regions.items()}:
            base.nodes = base.events = base.blocks = 0
            base.edges = self._items = 0
            raise ValueError("the columns are not those of the counts")
        for name, (offset, size) in places.items():
            (<Region>regions[name][0]).map_file(file, offset, size)
        self.chains.grow(base.nodes)
        self._ranges = counts["ranges"]
        self._nodes = base.nodes
        store_release(&self._events, base.events)

    cdef int64_t _ranges_until(self, uint32_t events) noexcept:
        cdef const uint32_t* event = <const uint32_t*>self.range_event.at
        cdef int64_t count = self._ranges
        while count and event[count - 1] >= events:
            count -= 1
        return count

    cdef Column _without_later(self, Region region, int64_t count, uint32_t limit, uint32_t instead):
        """A copy of numbers, `instead` where one is not below the limit."""
        cdef Column copy = Column.of(b"I", sizeof(uint32_t), count)
        cdef const uint32_t* source = <const uint32_t*>region.at
        cdef uint32_t* to = <uint32_t*>copy.at
        cdef uint32_t number
        cdef int64_t i
        with nogil:
            for i in range(count):
                number = load_relaxed(source + i)  # once: the writer may change it before it is looked at again
                to[i] = number if number < limit else instead
        return copy

    cdef Column _special_until(self, uint32_t nodes):
        cdef Column copy = Column.of(b"Q", sizeof(uint64_t), nodes // 64 + 1)
        cdef const uint64_t* source = <const uint64_t*>self.special.at
        cdef uint64_t* to = <uint64_t*>copy.at
        cdef int64_t i
        with nogil:
            for i in range(copy.count):
                to[i] = load_bits(source + i)
        to[nodes // 64] &= (<uint64_t>1 << (nodes & 63)) - 1
        return copy
