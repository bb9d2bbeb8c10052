"""Genealogy: what was made from what, what is in what, and where it went.

Words: an *activity* is one fact about items (a :class:`~mesgraph.genealogy.models.GenealogyEvent` with input and
output *lines*); an *edge* is a link from an input to an output that follows from an activity and is never stored; the
*share* of an edge is how much of the input went into that output, in the input's unit; a *trace* follows edges from
one item, backward to what it was made from or forward to where it went; *containment* (packed, installed) is an edge,
too, and an item that is taken out again leaves it; *rework* makes the next revision of an item, or a sublot of it.

Invariants: what goes into a split or merge is what comes out (I1, I2); the shares of an input add up to its quantity
(I3); nothing goes below zero, also not at an earlier moment (I4); a unit is in at most one place (I5); the graph has
no cycle (I6); only usable items are packed and shipped (I7, I43); a recorded activity is never changed, a correction
names what it corrects (I29) and comes before nothing that was built on it (I30).
"""
