from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from mesgraph.genealogy._base cimport Base, Chains
from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._view cimport View


ctypedef struct Search:
    uint64_t* seen          # a bit for each node that was found
    uint64_t* pending       # amounts: the places of what is to be done again
    uint32_t* before        # amounts: for each word of `seen` that has bits, how many bits come before it
    uint32_t* notes         # backward amounts: by item of the queue where its edges begin, how many, and the sources
    int64_t noted           # how many numbers these are
    uint32_t* queue         # what was found, nearest first
    uint32_t* found         # hubs and sinks that were found
    uint32_t start
    uint32_t* level_end     # how many items were found up to each depth
    int direction
    int32_t max_depth
    int64_t head
    int64_t tail
    int64_t specials
    int64_t depth
    int64_t this_level_ends
    uint64_t first_word     # sweep: the words of `seen` that have bits
    uint64_t last_word
    bint swept
    const uint64_t* stops   # nodes that are found but not gone on from, or NULL


cdef class Scratch:
    cdef Search search
    cdef View view
    cdef Base base          # what the view points into lives as long as the search does
    cdef Chains chains
    cdef Region seen, pending, before, note, notes, queue, found, level_end, stops
    cdef Region results, summary, rests, order, amounts, fractions, waiting, taken, sources, shares
    cdef int ready(self) except -1
    cdef int stop_at(self, const int32_t[::1] nodes) except -1
    cdef void begin(self, uint32_t node, int direction, int32_t max_depth) noexcept nogil
    cdef void begin_from_all(self, const int32_t[::1] nodes, int direction) noexcept nogil
    cdef void clear(self) noexcept nogil


cdef bint search(const View* view, Search* s, int64_t budget) noexcept nogil
cdef bint search_noting(const View* view, Search* s, int64_t budget) noexcept nogil
cdef bint search_closer(const View* view, Search* s) noexcept nogil
cdef void sweep(const View* view, Search* s) noexcept nogil
