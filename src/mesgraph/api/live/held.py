"""What open subscriptions keep: their documents, for as long as they last."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mesgraph.api.limits import HELD_TOKENS_MAX, Excess
from mesgraph.api.prepared import Prepared

Hold = Callable[[int, Prepared], None]
"""Keeps a document for a principal. Raises :class:`Excess` when it has too many."""


class Held:
    """The documents of all subscriptions, by who asked. What several of one principal have in common counts once."""

    def __init__(self) -> None:
        self._times: Counter[tuple[int, int]] = Counter()
        self._tokens: Counter[int] = Counter()

    @contextmanager
    def holding(self) -> Iterator[Hold]:
        """While the block lasts, what is held in it is kept."""
        kept: list[tuple[int, Prepared]] = []

        def hold(principal_id: int, prepared: Prepared) -> None:
            key = principal_id, id(prepared)
            if not self._times[key]:
                tokens = self._tokens[principal_id] + prepared.tokens
                if tokens > HELD_TOKENS_MAX:
                    message = f"your subscriptions have documents of {tokens:,} tokens; at most {HELD_TOKENS_MAX:,}"
                    raise Excess(f"{message} are taken: subscribe with one document and variables, or end some")
                self._tokens[principal_id] = tokens
            self._times[key] += 1
            kept.append((principal_id, prepared))

        try:
            yield hold
        finally:
            for principal_id, prepared in kept:
                self._let_go(principal_id, prepared)

    def _let_go(self, principal_id: int, prepared: Prepared) -> None:
        key = principal_id, id(prepared)
        self._times[key] -= 1
        if not self._times[key]:
            del self._times[key]
            self._tokens[principal_id] -= prepared.tokens
            if not self._tokens[principal_id]:
                del self._tokens[principal_id]
