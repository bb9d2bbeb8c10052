"""B2MML, the XML of ISA-95 (MESA International): documents read into what they say, and answers written.

Nothing here knows the database: :mod:`mesgraph.integration.inbound` turns what a document says into verbs.
The Business To Manufacturing Markup Language (B2MML) is used courtesy of MESA International.
"""

DOCUMENT_MAX = 16 * 1024 * 1024
"""Longest document, in bytes of UTF-8."""
