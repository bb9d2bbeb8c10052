"""How much of one node is in another, when everything mixes (the PROPORTIONAL model).

With w(P->X) the share of P that went into X and Q0 all that there ever was of a node, the amount of A in X is
m(A, A) = Q0(A) and m(A, X) = sum over P of w(P->X) * m(A, P) / Q0(P).

The nodes are passed over in the order of their numbers, and each passes on what it has, so that memory is read in one
direction. That order is nearly topological. Where an edge goes against it, such as a repair with a newer part, what it
adds comes after the turn of the node; then what builds on it, and only that, is passed over again, as often as one
such edge lies behind another.

What is computed stands by place: the first node that was found is 0, the next one 1. A place is a sum of two numbers
out of a few hundred kilobytes, and amounts by place fill a fraction of the memory that those by number are strewn over.

Amounts are doubles: sums of products of quotients, all of them positive, each rounded once. So the relative error of
m(A, X) is at most about (edges in the longest path + highest fan-in) * 2^-52, below 1e-12 for the largest graphs.
"""

from libc.stdint cimport INT64_MIN, int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport qsort
from libc.string cimport memset

from mesgraph.genealogy._search cimport Scratch, Search
from mesgraph.genealogy._view cimport (
    BACKWARD,
    FORWARD,
    NODE,
    REMOVES,
    SINK,
    Chunk,
    Side,
    View,
    bit,
    chain_of,
    chunk_at,
    closer,
    count_bits,
    happened,
    highest_bit,
    lasts,
    likely_false,
    load_acquire,
    load_amount,
    load_relaxed,
    lowest_bit,
    nothing,
    prefetch,
    shares_of,
    shares_out_of,
    total_before,
    total_of,
)

cdef enum:
    AHEAD = 16              # nodes; their edges are asked for so many before, where these stand twice as many before
    TURNS_MAX = 10000       # only a cycle in the data would take more


ctypedef struct Rest:
    long double exact
    int64_t index


cdef int64_t in_order(Scratch scratch) except -1 nogil:
    """Put all that was found, hubs and sinks too, into `order` by number; returns how many there are.

    The bits are in order already. A bit for each 64 words of them says where there are any.
    """
    cdef Search* s = &scratch.search
    cdef uint64_t* summary
    cdef uint64_t words, block, word
    cdef int64_t count = 0, i, blocks = <int64_t>scratch.view.nodes // 4096 + 1
    scratch.order.ensure((<size_t>scratch.view.nodes + 1) * 4)
    scratch.note.ensure((<size_t>scratch.view.nodes + 1) * 4)
    scratch.before.ensure((<size_t>scratch.view.nodes // 64 + 1) * 4)
    if s.swept:
        for word in range(s.first_word, s.last_word + 1):
            count = _put_word(scratch, word, count)
        return count
    scratch.summary.ensure(<size_t>blocks * 8)
    summary = <uint64_t*>scratch.summary.at
    memset(summary, 0, <size_t>blocks * 8)
    for i in range(s.tail):
        summary[s.queue[i] >> 12] |= <uint64_t>1 << ((s.queue[i] >> 6) & 63)
    for i in range(s.specials):
        summary[s.found[i] >> 12] |= <uint64_t>1 << ((s.found[i] >> 6) & 63)
    for block in range(<uint64_t>blocks):
        words = summary[block]
        while words:
            word = (block << 6) | lowest_bit(words)
            words &= words - 1
            s.before[word] = <uint32_t>count
            count += count_bits(s.seen[word])
    _put_found(scratch)
    return count


cdef inline int64_t _put_word(Scratch scratch, uint64_t word, int64_t count) noexcept nogil:
    cdef uint64_t bits = scratch.search.seen[word]
    cdef uint32_t* order = <uint32_t*>scratch.order.at
    scratch.search.before[word] = <uint32_t>count
    while bits:
        order[count] = <uint32_t>(word << 6) | lowest_bit(bits)
        bits &= bits - 1
        count += 1
    return count


cdef int _put_found(Scratch scratch) except -1 nogil:
    """Put what was found to its place, and beside it where all its edges were noted, or NOTHING."""
    cdef Search* s = &scratch.search
    cdef const View* view = &scratch.view
    cdef uint32_t* order = <uint32_t*>scratch.order.at
    cdef uint32_t* note = <uint32_t*>scratch.note.at
    cdef int64_t i
    cdef uint32_t place, at = 0, node
    for i in range(s.tail):
        node = s.queue[i]
        place = _place(s, node)
        order[place] = node
        note[place] = nothing()
        if s.noted:
            if node < view.base_nodes and not (view.appended and bit(view.side[BACKWARD].touched, node)):
                note[place] = at
            at += 2 + s.notes[at + 1]
    for i in range(s.specials):
        place = _place(s, s.found[i])
        order[place] = s.found[i]
        note[place] = nothing()
    return 0


cdef inline bint _seen(const uint64_t* seen, uint32_t node) noexcept nogil:
    return (seen[node >> 6] >> (node & 63)) & 1


cdef inline double _quotient(double amount, int64_t total) noexcept nogil:
    return amount / <double>total if total else 0


cdef inline uint32_t _place(const Search* s, uint32_t node) noexcept nogil:
    """Where a node that was found stands in `order`."""
    return s.before[node >> 6] + <uint32_t>count_bits(s.seen[node >> 6] & ((<uint64_t>1 << (node & 63)) - 1))


cdef inline bint _pend(Search* s, uint32_t place) noexcept nogil:
    """What stands at a place is to be done again; whether that was known."""
    cdef uint64_t* word = s.pending + (place >> 6)
    cdef uint64_t mark = <uint64_t>1 << (place & 63)
    cdef bint known = word[0] & mark != 0
    word[0] |= mark
    return known


cdef inline bint _take(uint64_t* pending, uint32_t place) noexcept nogil:
    """Whether what stands at a place is to be done again; then it is no more."""
    cdef uint64_t* word = pending + (place >> 6)
    cdef uint64_t mark = <uint64_t>1 << (place & 63)
    if word[0] & mark == 0:
        return False
    word[0] ^= mark
    return True


cdef inline void _look_ahead(const View* view, const uint32_t* order, int64_t i, int64_t count) noexcept nogil:
    """Ask memory for what is needed some nodes later."""
    cdef const Side* side = &view.side[FORWARD]
    cdef uint32_t node
    if i + 2 * AHEAD < count:
        node = order[i + 2 * AHEAD]
        if node < view.base_nodes:
            prefetch(side.offset + node)
    if i + AHEAD < count:
        node = order[i + AHEAD]
        if node < view.base_nodes:
            prefetch(side.neighbour + side.offset[node])
            prefetch(shares_out_of(view, node) - 2)


cdef inline bint _plain(const View* view, uint32_t node, int64_t* total) noexcept nogil:
    """Whether all that leads into the node stands in the base and counts; then `total` is all there ever was of it.

    It is read once: the writer may put a mark in its place at any time.
    """
    if node >= view.base_nodes or view.earlier:
        return False
    total[0] = total_before(shares_out_of(view, node))
    return total[0] >= 0 and not (view.appended and bit(view.side[BACKWARD].touched, node))


cdef int64_t _edges_into(
    Scratch scratch, uint32_t node, const uint32_t** sources, const int64_t** shares
) except -1 nogil:
    """How many edges lead into a node in this view, and where their sources, perhaps with marks, and shares stand."""
    cdef const View* view = &scratch.view
    cdef const Side* side = &view.side[BACKWARD]
    cdef uint32_t b, j, w, event, place
    cdef int64_t count = 0, total
    cdef Chunk* chunk
    if _plain(view, node, &total):
        sources[0] = side.neighbour + side.offset[node]
        shares[0] = shares_of(view, node)
        return side.offset[node + 1] - side.offset[node]
    if node < view.base_nodes:
        for b in range(view.block[node], view.block[node + 1]):
            event = view.block_event[b]
            if not happened(view, event):
                continue
            for j in range(view.block_slot[b], view.block_slot[b + 1]):
                w = load_relaxed(side.neighbour + j) & NODE
                if lasts(view, event, w):
                    _keep(scratch, &count, w, shares_of(view, node)[j - side.offset[node]])
    place = chain_of(view, BACKWARD, node)
    while place:
        chunk = chunk_at(view, place)
        for j in range(load_acquire(&chunk.used)):
            w, event = load_relaxed(&chunk.entry[j].node), chunk.entry[j].event
            if w != nothing() and happened(view, event) and lasts(view, event, w & NODE):
                _keep(scratch, &count, w & NODE, chunk.entry[j].share)
        place = chunk.next
    sources[0], shares[0] = <const uint32_t*>scratch.sources.at, <const int64_t*>scratch.shares.at
    return count


cdef int _keep(Scratch scratch, int64_t* count, uint32_t source, int64_t share) except -1 nogil:
    scratch.sources.ensure((count[0] + 1) * 4)
    scratch.shares.ensure((count[0] + 1) * 8)
    (<uint32_t*>scratch.sources.at)[count[0]] = source
    (<int64_t*>scratch.shares.at)[count[0]] = share
    count[0] += 1
    return 0


# --- forward


cdef int spread(Scratch scratch, uint32_t root, int64_t count, bint settle) except -1 nogil:
    """Forward: by place in `order`, the amount of `root` in each node, and which fraction of the node that is.

    With `settle`, how much of each node went into others or was removed, and of that how much was removed, into
    `taken`.
    """
    cdef const View* view = &scratch.view
    cdef const uint32_t* order = <const uint32_t*>scratch.order.at
    cdef int64_t i, total
    cdef bint late = False
    cdef double* amounts
    cdef double* fractions
    cdef uint32_t node
    scratch.amounts.ensure(<size_t>count * 8)
    scratch.fractions.ensure(<size_t>count * 8)
    amounts, fractions = <double*>scratch.amounts.at, <double*>scratch.fractions.at
    memset(amounts, 0, <size_t>count * 8)
    if settle:
        scratch.taken.ensure(<size_t>count * 16)
        memset(scratch.taken.at, 0, <size_t>count * 16)
    for i in range(count):
        _look_ahead(view, order, i, count)
        node = order[i]
        if not _take(scratch.search.pending, i) and node != root and _plain(view, node, &total):
            fractions[i] = _quotient(amounts[i], total)
        else:
            late |= _spread_to(scratch, root, i, True)
        if node < view.base_nodes and not view.earlier:
            late |= _spread_from(scratch, node, fractions[i])
        if settle:
            _note_taken(scratch, root, node)
    if late:
        _spread_again(scratch, root, count)
    return 0


cdef inline bint _spread_from(Scratch scratch, uint32_t node, double fraction) noexcept nogil:
    """Pass a fraction of a node of the base on, in the first pass; whether some of that came to a node after its turn.

    What must be looked at closer, or stands behind the base, is left to the turn of the node that it leads to.
    """
    cdef const View* view = &scratch.view
    cdef Search* s = &scratch.search
    cdef double* amounts = <double*>scratch.amounts.at
    cdef const uint32_t* target = view.side[FORWARD].neighbour + view.side[FORWARD].offset[node]
    cdef const uint32_t* share = shares_out_of(view, node)
    cdef uint32_t edges = view.side[FORWARD].offset[node + 1] - view.side[FORWARD].offset[node], j, w
    cdef bint late = False
    for j in range(edges):
        w = load_relaxed(target + j)
        if likely_false(w >= closer() or share[j] == nothing() or w & NODE <= node):
            _pend_target(scratch, node, w & NODE)
            late |= w & NODE <= node
        else:
            amounts[_place(s, w & NODE)] += <double>share[j] * fraction
    return late


cdef int _spread_to(Scratch scratch, uint32_t root, uint32_t place, bint first) except -1 nogil:
    """Add up what comes into a node; whether the `first` pass left out what is not known yet."""
    cdef Search* s = &scratch.search
    cdef double* fractions = <double*>scratch.fractions.at
    cdef const uint32_t* sources
    cdef const int64_t* shares
    cdef uint32_t node = (<const uint32_t*>scratch.order.at)[place], source
    cdef int64_t total = total_of(&scratch.view, node), j
    cdef double amount = 0
    cdef bint late = False
    if node == root:
        amount = <double>total
    else:
        for j in range(_edges_into(scratch, node, &sources, &shares)):
            source = load_relaxed(sources + j) & NODE
            if _seen(s.seen, source):
                if first and source > node:
                    late = True
                else:
                    amount += <double>shares[j] * fractions[_place(s, source)]
    (<double*>scratch.amounts.at)[place] = amount
    fractions[place] = _quotient(amount, total)
    if late:
        _pend(s, place)
    return late


cdef int _spread_again(Scratch scratch, uint32_t root, int64_t count) except -1 nogil:
    """Compute anew what is pending, and what was made from it, until nothing changes: each node once a turn."""
    cdef uint64_t* pending = scratch.search.pending
    cdef int64_t word, turns = min(count, TURNS_MAX)
    cdef uint64_t ahead
    cdef uint32_t place
    cdef bint again = True
    while again and turns:
        again = False
        turns -= 1
        for word in range(count // 64 + 1):
            ahead = pending[word]
            while ahead:
                place = <uint32_t>(word << 6) | lowest_bit(ahead)
                pending[word] ^= <uint64_t>1 << (place & 63)
                _spread_to(scratch, root, place, False)
                again |= _pend_behind(scratch, place)
                ahead = pending[word] & (<uint64_t>-2 << (place & 63))
    memset(pending, 0, (count // 64 + 1) * 8)
    return 0


cdef bint _pend_behind(Scratch scratch, uint32_t place) noexcept nogil:
    """What was made from a node is to be computed anew; whether the turn of some of it is over."""
    cdef const View* view = &scratch.view
    cdef const Side* side = &view.side[FORWARD]
    cdef uint32_t node = (<const uint32_t*>scratch.order.at)[place], j, chunk_place
    cdef bint over = False
    cdef Chunk* chunk
    if node < view.base_nodes:
        for j in range(side.offset[node], side.offset[node + 1]):
            over |= _pend_target(scratch, node, load_relaxed(side.neighbour + j) & NODE)
    chunk_place = chain_of(view, FORWARD, node)
    while chunk_place:
        chunk = chunk_at(view, chunk_place)
        for j in range(load_acquire(&chunk.used)):
            if chunk.entry[j].event < view.events:
                over |= _pend_target(scratch, node, load_relaxed(&chunk.entry[j].node) & NODE)
        chunk_place = chunk.next
    return over


cdef inline bint _pend_target(Scratch scratch, uint32_t node, uint32_t target) noexcept nogil:
    if not _seen(scratch.search.seen, target):
        return False
    _pend(&scratch.search, _place(&scratch.search, target))
    return target < node


cdef int _note_taken(Scratch scratch, uint32_t root, uint32_t node) except -1 nogil:
    """Add what went into a node to what was taken of its sources."""
    cdef const View* view = &scratch.view
    cdef const Search* s = &scratch.search
    cdef int64_t* taken = <int64_t*>scratch.taken.at
    cdef const uint32_t* sources
    cdef const int64_t* shares
    cdef int64_t j
    cdef uint32_t source
    cdef size_t place
    cdef bint sink = view.kind[node] == SINK
    if node == root or (sink and not view.kinds[view.event_kind[view.item[node]]].flags & REMOVES):
        return 0  # a sink of another kind only says where an item went
    for j in range(_edges_into(scratch, node, &sources, &shares)):
        source = load_relaxed(sources + j) & NODE
        if _seen(s.seen, source):
            place = _place(s, source)
            taken[2 * place] += shares[j]
            if sink:
                taken[2 * place + 1] += shares[j]
    return 0


cdef int settle(Scratch scratch, int64_t count, int64_t* remaining, int64_t* removed) except -1 nogil:
    """What remains of the start in each node, in order, and what was removed from it: whole numbers that add up to all.

    What :func:`spread` computed, in the proportions of it, rounded down; what that leaves goes to the largest rests.
    """
    cdef const uint32_t* order = <const uint32_t*>scratch.order.at
    cdef const double* fractions = <const double*>scratch.fractions.at
    cdef const int64_t* taken = <const int64_t*>scratch.taken.at
    cdef int64_t total = total_of(&scratch.view, scratch.search.start), left, i, part
    cdef long double sum = 0, exact
    cdef Rest* rests
    scratch.rests.ensure(<size_t>(2 * count + 1) * sizeof(Rest))
    rests = <Rest*>scratch.rests.at
    for i in range(count):
        left = total_of(&scratch.view, order[i]) - taken[2 * i]
        if scratch.view.kind[order[i]] >= SINK - 1:
            left = 0  # hubs and sinks hold nothing
        rests[2 * i].exact = max(left, 0) * <long double>fractions[i]
        rests[2 * i + 1].exact = taken[2 * i + 1] * <long double>fractions[i]
        sum += rests[2 * i].exact + rests[2 * i + 1].exact
    left = total if sum > 0 else 0
    for i in range(2 * count):
        exact = rests[i].exact * (total / sum) if sum > 0 else 0
        part = <int64_t>exact
        (removed if i & 1 else remaining)[i >> 1] = part
        rests[i].index = i
        rests[i].exact = exact - part
        left -= part
    if left:
        qsort(rests, 2 * count, sizeof(Rest), _larger_rest_first)
    i = 0
    while left:  # above 2^53 a part may have been rounded up, so what is left may be below zero
        part = 1 if left > 0 else -1
        (removed if rests[i].index & 1 else remaining)[rests[i].index >> 1] += part
        left -= part
        i = (i + 1) % (2 * count)
    return 0


cdef int _larger_rest_first(const void* left, const void* right) noexcept nogil:
    cdef const Rest* a = <const Rest*>left
    cdef const Rest* b = <const Rest*>right
    if a.exact != b.exact:
        return 1 if a.exact < b.exact else -1
    return (a.index > b.index) - (a.index < b.index)


# --- backward


cdef int gather(Scratch scratch, uint32_t root, int64_t count) except -1 nogil:
    """Backward: the amount of each node in `root`, by place in `order`."""
    cdef const View* view = &scratch.view
    cdef const uint32_t* order = <const uint32_t*>scratch.order.at
    cdef const uint32_t* note = <const uint32_t*>scratch.note.at
    cdef const uint32_t* notes = scratch.search.notes
    cdef double* amounts
    cdef int64_t i
    cdef bint late = False
    scratch.amounts.ensure(<size_t>count * 8)
    scratch.waiting.ensure(<size_t>count * 8)
    amounts = <double*>scratch.amounts.at
    memset(amounts, 0, <size_t>count * 8)
    for i in range(count - 1, -1, -1):
        if i >= 2 * AHEAD and note[i - 2 * AHEAD] != nothing():
            prefetch(notes + note[i - 2 * AHEAD])
        if i >= AHEAD and note[i - AHEAD] != nothing():
            _look_behind(view, order[i - AHEAD], notes + note[i - AHEAD])
        if note[i] == nothing() or order[i] == root:
            late |= _gather_from(scratch, root, i)
        elif notes[note[i] + 1]:
            late |= _gather_noted(scratch, root, i, notes + note[i])
    if late:
        _gather_again(scratch, root, count)
    return 0


cdef inline void _look_behind(const View* view, uint32_t node, const uint32_t* noted) noexcept nogil:
    """Ask memory for the shares that are needed some nodes later."""
    if noted[1]:
        prefetch(view.amount + noted[0] + node)
        prefetch(view.amount + noted[0] + node + noted[1])


cdef inline int _gather_noted(Scratch scratch, uint32_t root, uint32_t place, const uint32_t* noted) except -1 nogil:
    """:func:`_gather_from` for a node whose edges were noted, in the first pass."""
    cdef const Search* s = &scratch.search
    cdef uint32_t node = (<const uint32_t*>scratch.order.at)[place], source, j
    cdef const int64_t* shares = scratch.view.amount + noted[0] + node
    cdef double* amounts = <double*>scratch.amounts.at
    cdef int64_t total = load_amount(shares)
    cdef double fraction
    cdef bint late = False
    if likely_false(total == INT64_MIN):
        return _gather_from(scratch, root, place)
    fraction = _quotient(amounts[place], total)
    for j in range(1, noted[1] + 1):
        source = noted[1 + j] & NODE
        if likely_false(source >= node):
            _wait(scratch, _place(s, source), <double>shares[j] * fraction)
            late = True
        else:
            amounts[_place(s, source)] += <double>shares[j] * fraction
    return late


cdef void _wait(Scratch scratch, uint32_t place, double amount) noexcept nogil:
    """Keep what comes to a node after its turn."""
    cdef double* waiting = <double*>scratch.waiting.at + place
    waiting[0] = amount + (waiting[0] if _pend(&scratch.search, place) else 0)


cdef int _gather_again(Scratch scratch, uint32_t root, int64_t count) except -1 nogil:
    """Pass on what came to a node after its turn, until nothing waits any more: each node once a turn."""
    cdef uint64_t* pending = scratch.search.pending
    cdef int64_t word, turns = min(count, TURNS_MAX)
    cdef uint64_t ahead
    cdef uint32_t place
    cdef bint again = True
    while again and turns:
        again = False
        turns -= 1
        for word in range(count // 64, -1, -1):
            ahead = pending[word]
            while ahead:
                place = <uint32_t>(word << 6) | highest_bit(ahead)
                pending[word] ^= <uint64_t>1 << (place & 63)
                again |= _gather_late(scratch, root, place)
                ahead = pending[word] & ((<uint64_t>1 << (place & 63)) - 1)
    memset(pending, 0, (count // 64 + 1) * 8)
    return 0


cdef int _gather_late(Scratch scratch, uint32_t root, uint32_t place) except -1 nogil:
    """Take what waits for a node, and pass it on; whether some of that came to a node after its turn."""
    cdef uint32_t node = (<const uint32_t*>scratch.order.at)[place]
    cdef double amount = (<double*>scratch.waiting.at)[place]
    if node == root:
        return False  # it closes a cycle
    (<double*>scratch.amounts.at)[place] += amount
    return _pass_on(scratch, node, _quotient(amount, total_of(&scratch.view, node)), False)


cdef int _gather_from(Scratch scratch, uint32_t root, uint32_t place) except -1 nogil:
    """Pass on what came to a node before its turn; whether some of that came to a node after its turn."""
    cdef uint32_t node = (<const uint32_t*>scratch.order.at)[place]
    cdef int64_t total = total_of(&scratch.view, node)
    cdef double* amount = <double*>scratch.amounts.at + place
    if node == root:
        amount[0] = <double>total
        return _pass_on(scratch, node, 1, True)
    return _pass_on(scratch, node, _quotient(amount[0], total), True)


cdef int _pass_on(Scratch scratch, uint32_t node, double fraction, bint first) except -1 nogil:
    cdef const Search* s = &scratch.search
    cdef const uint32_t* sources
    cdef const int64_t* shares
    cdef uint32_t source
    cdef int64_t j
    cdef bint late = False
    for j in range(_edges_into(scratch, node, &sources, &shares)):
        source = load_relaxed(sources + j) & NODE
        if first and source < node:
            (<double*>scratch.amounts.at)[_place(s, source)] += <double>shares[j] * fraction
        else:
            _wait(scratch, _place(s, source), <double>shares[j] * fraction)
            late |= first or source > node
    return late
