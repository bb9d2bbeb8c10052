"""How much one request may ask for. Numbers, to be read and reviewed as a table; decision 0021 says why these.

They hold for every caller alike. What a plant wants otherwise is a setting (:mod:`mesgraph.config`), what a field costs
stands in :mod:`mesgraph.api.weights`.
"""

from mesgraph.errors import Code


class Excess(Exception):
    """A request passes a limit; the message names what was found, what is permitted, and the way out."""

    def __init__(self, message: str, code: Code = Code.LIMIT_EXCEEDED) -> None:
        super().__init__(message)
        self.code = code


def at_most(what: str, unit: str, found: int, most: int, way_out: str) -> None:
    """Raise :class:`Excess` when ``what`` has more than ``most`` of ``unit``."""
    if found > most:
        shown = f"over {SATURATED:,}" if found >= SATURATED else f"{found:,}"
        raise Excess(f"{what} has {shown} {unit}; at most {most:,} are taken: {way_out}")


SATURATED = 1_000_000
"""Sums stop here: what would be counted beyond was refused long before."""

# Of the text that arrives, counted before any of it is read.
BODY_MAX = 256 * 1024
"""Longest request in bytes; :mod:`mesgraph.api.guard` names the fields that take longer ones."""
JSON_DEPTH_MAX = 32
JSON_NODES_MAX = 20_000
"""Values of a request: objects, lists, and what stands in them."""
SAMPLE_VALUES_MAX = 48_000
"""The same of a batch of 5,000 samples in nine columns, with the paths of their tags."""
STRING_MAX = 64 * 1024
"""Bytes of one string; the long values of :mod:`mesgraph.api.guard` have their own limit."""
DIGITS_MAX = 40
"""Digits in a row. Python needs time that grows with their square to read a number."""
CONTENT_TYPE_MAX = 200
"""Characters of the header, which is taken apart as mail's are."""
NAME_MAX = 255
"""Characters of an operation's name."""

# Of a document, fragments expanded.
TOKENS_MAX = 2_000
DEPTH_MAX = 12
INTROSPECTION_DEPTH_MAX = 16
"""Below ``__schema`` and ``__type``: the tools' own query goes 14 deep there."""
INTROSPECTION_LISTS_MAX = 3
"""Lists within lists of introspection, such as the arguments of the fields of the types."""
SELECTIONS_MAX = 1_000
SAME_KEY_MAX = 8
"""Fields that answer under one name in one place: validation compares each with each."""
ALIASES_MAX = 30
DIRECTIVES_MAX = 40
NODE_DIRECTIVES_MAX = 4
ROOT_FIELDS_MAX = 20
MUTATIONS_MAX = 10
CREDENTIAL_FIELDS = frozenset({"challengeSignature", "sign", "openAccount", "registerBadge", "sealBreakGlass"})
"""Commands that check or make a secret: one in a request, under whatever name, so that each try is a request."""
FRAGMENTS_MAX = 60
COST_MAX = 10_000
HELD_TOKENS_MAX = 50_000
"""Of all documents that the subscriptions of one principal keep, each text once: some 20 MB."""
ERRORS_MAX = 20
"""Mistakes of one document that are told."""

# Of its execution.
DEADLINE_S = 10.0
LONG_DEADLINE_S = 60.0
"""For the commands that take long values."""
OBJECTS_MAX = 50_000
"""Objects that one answer is made of, whatever its document promised."""
RESPONSE_MAX = 8 * 1024 * 1024
"""Bytes of an answer."""
COLUMNS_RESPONSE_MAX = 16 * 1024 * 1024
"""Bytes of an answer that has columns (:data:`COLUMNS`)."""
COLUMNS = frozenset({"TraceColumns", "SampleSeries", "AggregateSeries", "LatestValues"})
"""Types whose fields are whole columns."""

MESSAGE_MAX = 500
"""Characters of an error's message: what was sent is named, not repeated."""
