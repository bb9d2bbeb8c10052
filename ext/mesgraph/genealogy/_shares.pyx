"""Exact shares of an integer amount."""

from cpython.array cimport array, clone
from libc.stdint cimport INT64_MAX, int64_t
from libc.stdlib cimport free, malloc, qsort

from array import array as new_array


cdef int _larger_claim_first(const void* left, const void* right) noexcept nogil:
    cdef const Claim* a = <const Claim*>left
    cdef const Claim* b = <const Claim*>right
    if a.remainder != b.remainder:
        return -1 if a.remainder > b.remainder else 1
    return -1 if a.index < b.index else 1


cdef void share_out(
    int64_t total, const int64_t* weights, Py_ssize_t count, u128 weight_sum, int64_t* shares, Claim* claims
) noexcept nogil:
    """Every share rounded down; then one unit each to the largest remainders until nothing is left."""
    cdef Py_ssize_t i
    cdef int64_t left = total
    cdef u128 product
    for i in range(count):
        # Below 2**126, so the product never wraps; the remainder is below the sum of the weights.
        product = (<u128>total) * (<u128>weights[i])
        shares[i] = <int64_t>(product / weight_sum)
        claims[i].remainder = product % weight_sum
        claims[i].index = i
        left -= shares[i]
    if left == 0:
        return
    qsort(claims, count, sizeof(Claim), _larger_claim_first)
    # What is left is smaller than the number of non-zero remainders: a weight of zero never gets a unit.
    for i in range(<Py_ssize_t>left):
        shares[claims[i].index] += 1


def apportion(total, weights) -> list[int]:
    """Split `total` over `weights` in proportion; the shares are whole and add up to `total` exactly.

    Largest remainder first, at a tie the lower index. Raises ValueError when there are no weights, when an
    amount is negative or does not fit 64 bits, and when all weights are zero but `total` is not.
    """
    if not isinstance(total, int):
        raise TypeError(f"total is {total!r}; it must be a whole number")
    if not 0 <= total <= INT64_MAX:
        raise ValueError(f"total is {total}; it must lie between 0 and 2**63 - 1")
    try:
        given = new_array("q", weights)
    except OverflowError:
        raise ValueError("a weight does not fit 64 bits") from None
    cdef const int64_t[::1] weight = given
    cdef Py_ssize_t count = weight.shape[0]
    if count == 0:
        raise ValueError("there are no weights to share over")

    cdef u128 weight_sum = 0
    cdef Py_ssize_t i
    for i in range(count):
        if weight[i] < 0:
            raise ValueError(f"weight {i} is negative: {weight[i]}")
        weight_sum += <u128>weight[i]
    cdef array made = clone(given, count, zero=True)
    if weight_sum == 0:
        if total:
            raise ValueError(f"all weights are zero; {total} cannot be shared over them")
        return made.tolist()

    cdef int64_t[::1] shares = made
    cdef int64_t amount = total
    cdef Claim* claims = <Claim*>malloc(count * sizeof(Claim))
    if claims == NULL:
        raise MemoryError()
    try:
        with nogil:
            share_out(amount, &weight[0], count, weight_sum, &shares[0], claims)
    finally:
        free(claims)
    return made.tolist()
