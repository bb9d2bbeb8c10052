"""Sites and equipment: where things are made and kept (ISA-95 part 1), and what state machines are in (PackML).

Words: a *site* is a plant with its own time zone and scope; *equipment* is a role in the plant (COAT01), not the
purchased machine that fills it; a *class* is a capability that segments ask for; a *storage location* is a store that
equipment takes from and puts into.

Invariants: codes are unique within a site (I46); the tree has no cycle and stays within a site; a driver's observed
state is recorded even when PackML knows no such step, and is marked as inferred, because reality wins.
"""
