from libc.stdint cimport int64_t

cdef extern from *:
    """
    typedef unsigned __int128 mesgraph_u128;
    """
    # Cython only has to know an unsigned integer; the C compiler knows that it has 128 bits.
    ctypedef unsigned long long u128 "mesgraph_u128"


cdef struct Claim:
    u128 remainder
    Py_ssize_t index


cdef void share_out(
    int64_t total, const int64_t* weights, Py_ssize_t count, u128 weight_sum, int64_t* shares, Claim* claims
) noexcept nogil
