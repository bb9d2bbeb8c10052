"""Security events: what looks like an attack, kept so that somebody sees it and says so (IEC 62443-4-2 CR 6.1, 6.2).

Requests are counted in memory (``watch``): that takes no time, fails nothing, and holds a fixed number of sources. What
passes its threshold is written in the background (``recording``). What the record shows already is read there
(``reactions``). Equal ones of one source within a window are one event whose count rises.

No text that a stranger sent is kept or logged: people type passwords where names belong.
"""
