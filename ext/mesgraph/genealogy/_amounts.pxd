from libc.stdint cimport int64_t, uint32_t

from mesgraph.genealogy._search cimport Scratch


cdef int64_t in_order(Scratch scratch) except -1 nogil
cdef int spread(Scratch scratch, uint32_t root, int64_t count, bint settle) except -1 nogil
cdef int settle(Scratch scratch, int64_t count, int64_t* remaining, int64_t* removed) except -1 nogil
cdef int gather(Scratch scratch, uint32_t root, int64_t count) except -1 nogil
