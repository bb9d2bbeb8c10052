from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mesgraph.genealogy._base cimport Base, Chains
from mesgraph.genealogy._memory cimport Column, Region
from mesgraph.genealogy._view cimport Kind, View


cdef class Record:
    cdef Base base
    cdef Chains chains
    cdef Kind kinds[256]
    cdef uint32_t _events
    cdef uint32_t _nodes
    cdef uint32_t _ranges
    cdef int64_t _items
    cdef Region position, event_time, event_kind, undone_by
    cdef Region item, kind, special
    cdef Region node_of
    cdef Region range_event, range_node, range_end
    cdef object writing

    cdef int reserve(self, int64_t nodes, int64_t items, int64_t ranges) except -1 nogil
    cdef int new_event(self, int64_t position, int64_t time, uint8_t kind) except -1 nogil
    cdef int check_item(self, int64_t item, uint8_t kind) except -1 nogil
    cdef int64_t node_for(self, int64_t item, uint8_t kind) except -1 nogil
    cdef int64_t new_node(self, int64_t item, uint8_t kind) except -1 nogil
    cdef int note_range(self, uint32_t node, bint output, int64_t range_from, int64_t range_to) except -1 nogil
    cdef void show(self, View* view) noexcept nogil
    cdef uint32_t events_until(self, int64_t position) noexcept nogil
    cdef int64_t _ranges_until(self, uint32_t events) noexcept
    cdef Column _without_later(self, Region region, int64_t count, uint32_t limit, uint32_t instead)
    cdef Column _special_until(self, uint32_t nodes)
