"""Holds: exceptional stops on items, on ranges of positions of a lot, on equipment, and on orders.

Words: a hold is *placed* and *released*; a *held item* is an item under it, whole or with a half-open range of its
positions [from, to).

Invariants: nothing is consumed, shipped or started with an item under an open hold, and a range stops only what
overlaps it (I7); from severity MAJOR up another person than the one who placed the hold releases it (I26); the
lifecycle under a hold is never lost; what is split from a held item is held too (I1). What a hold does to an order is
the business of the orders, which place and release it through this domain.
"""
