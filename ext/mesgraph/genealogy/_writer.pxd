from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mesgraph.genealogy._memory cimport Region
from mesgraph.genealogy._record cimport Record
from mesgraph.genealogy._shares cimport Claim
from mesgraph.genealogy._view cimport Entry, View


ctypedef struct Line:
    int64_t item
    int64_t quantity
    int64_t weight
    int64_t range_from
    int64_t range_to
    uint32_t node
    uint8_t kind


ctypedef struct Act:
    int64_t position
    int64_t time
    int64_t reverses
    uint32_t inputs
    uint32_t outputs
    uint8_t kind


ctypedef struct Noted:
    uint32_t what
    uint32_t node
    Entry entry


cdef class Writer(Record):
    cdef object merge_turn
    cdef bint merging
    cdef Region log
    cdef size_t logged
    cdef Region room, entries, shares, claims

    cdef void _look_ahead(self, const int64_t[::1] items, Py_ssize_t i, Py_ssize_t count) noexcept nogil
    cdef int record(self, const Act* act, Line* lines) except -1 nogil
    cdef int _prepare(self, const Act* act, const Line* lines) except -1 nogil
    cdef int _link(self, const Act* act, Line* lines) except -1 nogil
    cdef int _link_by_hub(self, const Act* act, Line* lines) except -1 nogil
    cdef int _sink(self, const Act* act, Line* lines) except -1 nogil
    cdef int _put(self, int direction, uint32_t node, const Entry* entries, uint32_t count) except -1 nogil
    cdef int _join(self, uint32_t target, int64_t made, uint32_t count) except -1 nogil
    cdef int _apportion(self, int64_t total, const int64_t* weights, uint32_t count, int64_t* to) except -1 nogil
    cdef int _undo(self, const Act* act, Line* lines) except -1 nogil
    cdef int _undo_special(self, uint32_t event, uint32_t node) except -1 nogil
    cdef int _mark_if_of(
        self, const View* view, uint32_t event, int direction, uint32_t node, uint32_t neighbour
    ) except -1 nogil
    cdef int _end(self, uint8_t kind, uint32_t node) except -1 nogil
    cdef bint _leads_by(self, const View* view, uint32_t source, uint32_t target, uint8_t ended_by) noexcept nogil
    cdef int _mark_both(self, uint32_t source, uint32_t target) except -1 nogil
    cdef int _mark(self, int direction, uint32_t node, uint32_t other) except -1 nogil
    cdef void _hide_total(self, const View* view, uint32_t node) noexcept nogil
    cdef int _doubt_total(self, uint32_t node) except -1 nogil
    cdef int _log(self, uint32_t what, uint32_t node, const Entry* entry) except -1 nogil
    cdef int _replay(self) except -1
