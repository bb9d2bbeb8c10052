"""Materials, suppliers and traceable items: what is made, and which lot, sublot, unit or pallet it is.

Words: a *definition* is one revision of a material; an *item* is a lot, a sublot (part or container of a lot), a
*serial unit* (a piece with its own number) or a *logistic unit* (a pallet or box with an SSCC); the *lifecycle* is
stored, the *status* that people see also counts holds and expiry; a *scan* is what a code on a label says.

Invariants: quantities are exact and never negative (I4, I45); serial numbers and keys are never used twice (I5, I46);
a lifecycle changes only along the table in :mod:`mesgraph.materials.lifecycle` (I27), but a reversal restores the one
before; what an item was counted in never changes after the first item.
"""
