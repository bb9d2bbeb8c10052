"""What happens with signatures."""

from dataclasses import dataclass

from mesgraph.db import Entity
from mesgraph.ledger import Event
from mesgraph.signatures.models import Signature, SignatureMeaning


@dataclass(frozen=True, kw_only=True)
class RecordSigned(Event):
    """Somebody signed a record as its event `recordCounter` left it, whose leaf is `recordLeaf`."""

    subjects = ("record",)
    record: Entity
    signature: Signature
    meaning: SignatureMeaning
    printed_name: str
    record_counter: int
    record_leaf: str
    method: str
    signed_command: str
