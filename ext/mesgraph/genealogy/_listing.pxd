from libc.stdint cimport int64_t, uint8_t, uint32_t

from mesgraph.genealogy._search cimport Scratch
from mesgraph.genealogy._view cimport View


ctypedef struct Listed:
    uint32_t source
    uint32_t target
    uint32_t event
    int64_t share


cdef int64_t list_edges(Scratch scratch, uint32_t node, int64_t count) except -1 nogil
cdef int64_t list_taken(Scratch scratch, uint32_t node, int64_t count) except -1 nogil
cdef int64_t list_made(Scratch scratch, uint32_t node, int64_t count) except -1 nogil
cdef bint in_sink(const View* view, uint32_t node, uint8_t kind) noexcept nogil
