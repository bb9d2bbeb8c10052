"""Electronic signatures (21 CFR Part 11, EU GMP Annex 11).

Words: a *challenge* says what is to be signed: a record as it is now, and what the signature means; a *proof* is what
somebody gets who shows anew who they are; a *signature* stands in the record for good.

Invariants: a signature names the record by the leaf of its last event, so it fits no other record and no other state of
this one (I34, 11.70); it carries printed name, time and meaning (11.50); the first one of a session takes name and
secret, the next ones the secret (11.200); a challenge is used once, by the session that asked for it, within two
minutes; who made or performed something neither approves, reviews, verifies nor witnesses it (I35).
"""
