"""Stored documents: GraphQL that was looked at and registered before anybody sends it.

Words: a *document* is one GraphQL text, named by its *id*, the SHA-256 of its UTF-8 in lower-case hexadecimal; it
*stands* from its registration until it is retired, and again when it is registered again.

Invariants: the id is worked out here and never believed; a text that does not fit the schema is not stored; the limits
of a document are its own, and hold when it is run as the stored one.
"""
