from libc.stdint cimport int64_t, uint32_t, uint64_t

from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._view cimport Entry, View


cdef class Base:
    cdef uint32_t nodes
    cdef uint32_t events
    cdef uint32_t blocks
    cdef int64_t edges
    cdef Region in_offset, in_neighbour, out_offset, out_neighbour
    cdef Region amount_of, out_amount_of, block_of, block_slot_of, block_event_of, made_of
    # where they begin, for code without the GIL
    cdef uint32_t* offset[2]
    cdef uint32_t* neighbour[2]
    cdef int64_t* amount
    cdef uint32_t* out_amount
    cdef uint32_t* block
    cdef uint32_t* block_slot
    cdef uint32_t* block_event
    cdef int64_t* made
    cdef void show(self, View* view) noexcept nogil
    @staticmethod
    cdef Base of(const View* view)
    cdef int _ensure(self, size_t nodes) except -1 nogil
    cdef int _begin(self, const View* view, int direction) except -1 nogil
    cdef void _copy_in(self, const View* view, uint32_t node) noexcept nogil
    cdef void _copy_out(self, const View* view, uint32_t node) noexcept nogil
    cdef int64_t _total(self, const View* view, uint32_t node) noexcept nogil


cdef class Chains:
    cdef uint32_t used
    cdef int64_t edges
    cdef Region in_touched, in_head, out_touched, out_head
    cdef Region pool
    cdef uint64_t* touched[2]
    cdef uint32_t* head[2]
    cdef int grow(self, uint32_t nodes) except -1 nogil
    cdef int reserve(self, int64_t entries, int64_t nodes) except -1 nogil
    cdef int put(self, int direction, uint32_t node, const Entry* entries, uint32_t count) except -1 nogil
    cdef void show(self, View* view) noexcept nogil
