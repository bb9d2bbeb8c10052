"""Commands for which a plant may demand a signature, and what it then means."""

from collections.abc import Collection

from mesgraph.signatures.models import SignatureMeaning

DEMANDABLE: dict[str, SignatureMeaning] = {
    "approveOperationsDefinition": SignatureMeaning.APPROVAL,
    "releaseLot": SignatureMeaning.APPROVAL,
    "decideDeviation": SignatureMeaning.APPROVAL,
    "releaseHold": SignatureMeaning.APPROVAL,
    "abortJobOrder": SignatureMeaning.RESPONSIBILITY,
    "abortOperationsRequest": SignatureMeaning.RESPONSIBILITY,
}
"""By the name of the mutation. Their verbs look for the signature (:meth:`~mesgraph.work.Work.needs_signature`)."""
ALL = "all"


def demanded(wanted: Collection[str], command: str) -> SignatureMeaning | None:
    """With which meaning a plant that wants these signatures wants a command to be signed, if it does."""
    return DEMANDABLE.get(command) if command in wanted or ALL in wanted else None


def unknown(wanted: Collection[str]) -> list[str]:
    """What is wanted, but cannot be."""
    return sorted(set(wanted) - DEMANDABLE.keys() - {ALL})
