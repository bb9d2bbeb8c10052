"""The demo: one shift of HALVARD, a fictional plant for battery cells, played against a server of its own.

The shift is a client like any other: it speaks GraphQL over HTTP, follows the record over WebSocket, and knows nothing
of the database. Every command carries a key that is made from what it does, so a shift that was cut off anywhere goes
on by being played again.

`plan` is the plant and the shift as data; `seed` brings the plant in, `shift` plays the jobs; `model` says by itself
what must have become of everything, and `checks` compares the plant with it.
"""
