"""Between the sites of one company: transfers of items, and what becomes of what does not arrive.

Words: a *transfer* is the document of items that one site sends to another; its *lines* are what was sent, packed
contents included; a *difference* is what was sent and not received, until it is *adjusted*.

Invariants: an item is at exactly one site or in transit; no more is received than was shipped; a difference is disputed
until it is adjusted by an event (I40). Both sites see the transfer; otherwise each sees only its own items, and what is
in transit belongs to the site that it is bound for.
"""
