"""What a caller is told when something cannot be done.

Three kinds, and nothing else:

* :class:`Refused` - a rule of the plant says no. Carries every violation of the command at once; nothing was written.
* :class:`Denied` - the caller is not known or not permitted. A top-level error of the answer.
* :class:`Unavailable` - try again: a lock, a full disk, a database that restarts. Nothing was written.

Any other exception is a bug of ours. :data:`MEANINGS` is the registry of codes: the meaning and the way out of each,
shown in the schema as the description of the enum ``ErrorCode``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, TypeAlias


class Meaning(NamedTuple):
    """What a code says and what the caller can do about it."""

    what: str
    way_out: str
    retryable: bool = False


class Code(StrEnum):
    """Stable machine-readable word for why something was refused."""

    ALREADY_CONTAINED = "ALREADY_CONTAINED"
    CONSUMPTION_OUT_OF_TOLERANCE = "CONSUMPTION_OUT_OF_TOLERANCE"
    DEFINITION_NOT_EFFECTIVE = "DEFINITION_NOT_EFFECTIVE"
    DEVIATION_OPEN = "DEVIATION_OPEN"
    DOCUMENT_INVALID = "DOCUMENT_INVALID"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    DOCUMENT_NOT_STORED = "DOCUMENT_NOT_STORED"
    DOWNSTREAM_DEPENDENCY = "DOWNSTREAM_DEPENDENCY"
    DUPLICATE_KEY = "DUPLICATE_KEY"
    EQUIPMENT_BUSY = "EQUIPMENT_BUSY"
    EQUIPMENT_NOT_CAPABLE = "EQUIPMENT_NOT_CAPABLE"
    EQUIPMENT_NOT_READY = "EQUIPMENT_NOT_READY"
    FORBIDDEN = "FORBIDDEN"
    GENEALOGY_CYCLE = "GENEALOGY_CYCLE"
    HOLD_RELEASE_FORBIDDEN = "HOLD_RELEASE_FORBIDDEN"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    IN_PROGRESS = "IN_PROGRESS"
    INSUFFICIENT_QUANTITY = "INSUFFICIENT_QUANTITY"
    INTERNAL = "INTERNAL"
    INVALID_GS1_KEY = "INVALID_GS1_KEY"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    INVALID_VALUE = "INVALID_VALUE"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    LOT_EXPIRED = "LOT_EXPIRED"
    LOT_NOT_AT_LOCATION = "LOT_NOT_AT_LOCATION"
    LOT_NOT_RELEASED = "LOT_NOT_RELEASED"
    LOT_ON_HOLD = "LOT_ON_HOLD"
    LOT_RESERVED = "LOT_RESERVED"
    MASS_BALANCE_EXCEEDED = "MASS_BALANCE_EXCEEDED"
    MERGE_INCOMPATIBLE = "MERGE_INCOMPATIBLE"
    MESSAGE_INVALID = "MESSAGE_INVALID"
    NOT_FOUND = "NOT_FOUND"
    NO_ALTERNATE_ROUTE = "NO_ALTERNATE_ROUTE"
    NOT_RELEASED_FOR_SHIPMENT = "NOT_RELEASED_FOR_SHIPMENT"
    ORDER_ALREADY_STARTED = "ORDER_ALREADY_STARTED"
    ORDER_ON_HOLD = "ORDER_ON_HOLD"
    ORIGIN_FORBIDDEN = "ORIGIN_FORBIDDEN"
    OVERLOADED = "OVERLOADED"
    PARAMETER_OUT_OF_LIMITS = "PARAMETER_OUT_OF_LIMITS"
    PASSWORD_CHANGE_REQUIRED = "PASSWORD_CHANGE_REQUIRED"
    QUANTITY_NOT_CONSERVED = "QUANTITY_NOT_CONSERVED"
    RATE_LIMITED = "RATE_LIMITED"
    REASON_REQUIRED = "REASON_REQUIRED"
    RECORD_IMMUTABLE = "RECORD_IMMUTABLE"
    SAME_PERSON_FORBIDDEN = "SAME_PERSON_FORBIDDEN"
    SEGMENT_DEPENDENCY_UNMET = "SEGMENT_DEPENDENCY_UNMET"
    SEPARATION_OF_DUTIES = "SEPARATION_OF_DUTIES"
    SERIAL_NOT_UNIQUE = "SERIAL_NOT_UNIQUE"
    SIGNATURE_INVALID = "SIGNATURE_INVALID"
    SIGNATURE_REQUIRED = "SIGNATURE_REQUIRED"
    STALE_REVISION = "STALE_REVISION"
    STEP_INCOMPLETE = "STEP_INCOMPLETE"
    STEP_OUT_OF_SEQUENCE = "STEP_OUT_OF_SEQUENCE"
    STORAGE_FULL = "STORAGE_FULL"
    TIME_ORDER_INVALID = "TIME_ORDER_INVALID"
    TIMEOUT = "TIMEOUT"
    TIMESTAMP_IN_FUTURE = "TIMESTAMP_IN_FUTURE"
    TRANSFER_DISCREPANCY = "TRANSFER_DISCREPANCY"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    UNAVAILABLE = "UNAVAILABLE"
    UOM_MISMATCH = "UOM_MISMATCH"
    VALIDATION_FAILED = "VALIDATION_FAILED"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    WRONG_MATERIAL = "WRONG_MATERIAL"
    WRONG_MATERIAL_VERSION = "WRONG_MATERIAL_VERSION"


MEANINGS: dict[Code, Meaning] = {
    Code.ALREADY_CONTAINED: Meaning(
        "The unit is installed, packed or consumed elsewhere.",
        "Take it out of its present parent first, or scan the right unit.",
    ),
    Code.CONSUMPTION_OUT_OF_TOLERANCE: Meaning(
        "The amount per output unit lies outside the bill line's tolerance, and the line blocks.",
        "Post the right amount, or have a deviation accepted (`openDeviation`).",
    ),
    Code.DEFINITION_NOT_EFFECTIVE: Meaning(
        "The operations definition is not approved, not effective at that moment, or not allowed at the site.",
        "Approve a version that is effective then, or name another version.",
    ),
    Code.DEVIATION_OPEN: Meaning(
        "A deviation of the order's runs waits for its decision.",
        "Have the deviations named in the message decided (`decideDeviation`), then close the order.",
    ),
    Code.DOCUMENT_INVALID: Meaning(
        "The GraphQL document does not parse or does not fit this schema.",
        "Check it against the schema; the message names the place.",
    ),
    Code.DOCUMENT_NOT_FOUND: Meaning(
        "No document with this id is stored, or it was retired.",
        "Have it registered (`registerDocuments`), or send its text.",
    ),
    Code.DOCUMENT_NOT_STORED: Meaning(
        "You may run stored documents only, and this one is not stored.",
        "Have exactly this text registered (`registerDocuments`).",
    ),
    Code.DOWNSTREAM_DEPENDENCY: Meaning(
        "Later events were built on this one.",
        "Reverse those events first, from the leaves upwards.",
    ),
    Code.DUPLICATE_KEY: Meaning("The key exists already.", "Use the stored object or another key."),
    Code.EQUIPMENT_BUSY: Meaning(
        "The work unit already runs as many jobs as it has capacity for.",
        "Stop or pause a running job, or assign another work unit.",
    ),
    Code.EQUIPMENT_NOT_CAPABLE: Meaning(
        "The equipment does not belong to the class that the segment requires, or lacks a property that it needs.",
        "Assign equipment of the required class that has what the message names.",
    ),
    Code.EQUIPMENT_NOT_READY: Meaning(
        "The equipment is on hold, not in mode PRODUCTION, or in ABORTED or CLEARING.",
        "Release the hold or clear the equipment, then try again.",
        True,
    ),
    Code.FORBIDDEN: Meaning(
        "None of your roles permits this field.", "Ask an administrator for one of the roles the field names."
    ),
    Code.GENEALOGY_CYCLE: Meaning(
        "The link would make an item its own ancestor.",
        "Check the scanned items; rework makes a new item revision instead.",
    ),
    Code.HOLD_RELEASE_FORBIDDEN: Meaning(
        "This hold may not be released by you.", "Have it released by another person with role quality or qa."
    ),
    Code.IDEMPOTENCY_CONFLICT: Meaning(
        "The idempotency key or message id was used before for other content.",
        "Use a new key for a new command; repeat the old content to get the old answer.",
    ),
    Code.IN_PROGRESS: Meaning(
        "A command with this key, or one that holds the same rows, is still running.",
        "Send the same command again in a moment.",
        True,
    ),
    Code.INSUFFICIENT_QUANTITY: Meaning(
        "Less is on hand than asked for, now or at a later point of the item's history.",
        "Take at most what `available` says, or another lot.",
    ),
    Code.INTERNAL: Meaning(
        "Something went wrong on our side; nothing was written.",
        "Repeat with the same idempotency key; give the `incident` to your administrator.",
        True,
    ),
    Code.INVALID_GS1_KEY: Meaning(
        "A GS1 key has a wrong length, character or check digit.", "Scan or type the key again."
    ),
    Code.INVALID_TRANSITION: Meaning(
        "The state does not permit this.", "Do one of the `allowed` things, or refresh what you show."
    ),
    Code.INVALID_VALUE: Meaning("A value does not have the form of its type.", "Correct the value named by `path`."),
    Code.LIMIT_EXCEEDED: Meaning(
        "The request asks for more than is answered at once.",
        "The message names the limit: ask for less, page by page or in several requests.",
    ),
    Code.LOT_EXPIRED: Meaning("The lot's expiry has passed.", "Take another lot, or have the expiry extended."),
    Code.LOT_NOT_AT_LOCATION: Meaning(
        "The item is not at a storage location of the equipment.", "Post the move first (`moveMaterial`)."
    ),
    Code.LOT_NOT_RELEASED: Meaning(
        "The item is not released for use: in quarantine, rejected, or still in process in another order.",
        "Have it released, or take another item.",
    ),
    Code.LOT_ON_HOLD: Meaning("The item has an open hold.", "Have quality release the `holds`, or take another item."),
    Code.LOT_RESERVED: Meaning(
        "What is wanted of the item is reserved for another order.",
        "Take what is `available` of it, or another item, or release the reservation.",
    ),
    Code.MASS_BALANCE_EXCEEDED: Meaning(
        "More of a material of the order is unaccounted for than is tolerated.",
        "Post what is missing, declare what is carried over, or have a planner accept it with an explanation.",
    ),
    Code.MERGE_INCOMPATIBLE: Meaning(
        "The lots differ in material, revision or unit, are serial units, or are not usable.",
        "Merge only usable lots of one material revision.",
    ),
    Code.MESSAGE_INVALID: Meaning(
        "The document, or the element named by `path`, is not what B2MML says or is too large to be read.",
        "Correct it at its source and send it under a new message id.",
    ),
    Code.NOT_FOUND: Meaning(
        "Nothing with this id or key exists for you.",
        "Check the key, the site prefix, and the sites of your roles.",
    ),
    Code.NO_ALTERNATE_ROUTE: Meaning(
        "The definition lists no alternate for the step that this equipment belongs to.",
        "Name equipment of a listed alternate, or have a version approved that lists one.",
    ),
    Code.NOT_RELEASED_FOR_SHIPMENT: Meaning(
        "The item or something in it may not leave the plant.", "Release it, or take it out of the shipment."
    ),
    Code.ORDER_ALREADY_STARTED: Meaning(
        "After the start only a larger quantity, dueAt and priority may change.",
        "Send only those changes, or close the order and submit a new one.",
    ),
    Code.ORDER_ON_HOLD: Meaning("The order has an open hold.", "Have quality release the `holds`, then go on."),
    Code.ORIGIN_FORBIDDEN: Meaning(
        "The server does not know the name it was called by, or the site of the page that calls it.",
        "Use an address of the server; have others added to its settings (`MESGRAPH_HOSTS`, `MESGRAPH_ORIGINS`).",
    ),
    Code.OVERLOADED: Meaning("Too much work is waiting.", "Try again after a short, growing delay.", True),
    Code.PARAMETER_OUT_OF_LIMITS: Meaning(
        "What was entered in a mandatory step lies outside its limits.",
        "Put it right and record the step again, or have its deviation accepted (`decideDeviation`).",
    ),
    Code.PASSWORD_CHANGE_REQUIRED: Meaning(
        "The password is right, but it was handed out by an administrator.",
        "Log in with it again and a `newPassword` of your own.",
    ),
    Code.QUANTITY_NOT_CONSERVED: Meaning(
        "What goes in and what comes out of the activity differ.",
        "Correct the quantities; name losses as losses.",
    ),
    Code.RATE_LIMITED: Meaning(
        "You ask for more than your share of the server.",
        "Send the same again after `retryAfter` seconds; nothing was done.",
        True,
    ),
    Code.REASON_REQUIRED: Meaning("This needs a reason.", "Send `reason {code comment}`."),
    Code.RECORD_IMMUTABLE: Meaning(
        "A recorded fact is never changed.", "Post a new event that reverses or corrects it."
    ),
    Code.SAME_PERSON_FORBIDDEN: Meaning(
        "Four eyes: the same person may not do both.", "Have another person do the second step."
    ),
    Code.SEGMENT_DEPENDENCY_UNMET: Meaning(
        "An earlier segment has not reached the point that this one waits for.",
        "Finish the segment named in the message, or wait out the delay.",
        True,
    ),
    Code.SEPARATION_OF_DUTIES: Meaning(
        "The principal holds a role at that site that is not held together with this one.",
        "Give the role to another principal, or withdraw the one that the message names.",
    ),
    Code.SERIAL_NOT_UNIQUE: Meaning(
        "The serial number exists already for this material.",
        "Serial numbers are never reused: take the next one.",
    ),
    Code.SIGNATURE_INVALID: Meaning(
        "The signature does not fit: challenge or proof are used, over or somebody else's, or the record has changed.",
        "Look at the record, and begin anew with `challengeSignature`.",
    ),
    Code.SIGNATURE_REQUIRED: Meaning(
        "The plant demands a signature for this.",
        "`challengeSignature` with the `meaning`, show who you are (POST /auth/step-up), and send `signature`.",
    ),
    Code.STALE_REVISION: Meaning(
        "A later revision of the request is already stored; yours was not applied.",
        "Fetch the stored revision; send a higher one to change it.",
    ),
    Code.STEP_INCOMPLETE: Meaning(
        "A mandatory step of the instruction is not done.", "Do the step (`recordStep`), then try again."
    ),
    Code.STEP_OUT_OF_SEQUENCE: Meaning(
        "A mandatory step comes before this one.", "Do the step named in the message first."
    ),
    Code.STORAGE_FULL: Meaning(
        "The disk is full; nothing was written.", "Tell the administrator; repeat with the same key.", True
    ),
    Code.TIME_ORDER_INVALID: Meaning(
        "The times contradict each other, or the history of the thing: it was not there yet, or not in that state.",
        "Correct `eventTime` or the interval.",
    ),
    Code.TIMEOUT: Meaning("It took too long and was given up.", "Repeat with the same idempotency key.", True),
    Code.TIMESTAMP_IN_FUTURE: Meaning(
        "`eventTime` lies more than 5 s ahead of the server's clock.", "Correct the sender's clock."
    ),
    Code.TRANSFER_DISCREPANCY: Meaning(
        "What is said to have come is not what was sent: more than that, or something else.",
        "Name lines of the transfer with at most what was shipped; receive the rest by another document.",
    ),
    Code.UNAUTHENTICATED: Meaning(
        "No valid key or token was sent.",
        "Send `Authorization: Bearer mg_...` (HTTP) or the same in `connection_init`; renew a token that has ended.",
    ),
    Code.UNAVAILABLE: Meaning(
        "A part of the system does not answer.", "Repeat with the same idempotency key in a moment.", True
    ),
    Code.UOM_MISMATCH: Meaning(
        "The unit cannot be converted into the material's base unit.", "Use the base unit or a declared unit."
    ),
    Code.VALIDATION_FAILED: Meaning("A value breaks a rule of its field.", "Correct the value named by `path`."),
    Code.VERSION_CONFLICT: Meaning(
        "`expectedVersion` is not the stored version.", "Fetch the object again and decide anew."
    ),
    Code.WRONG_MATERIAL: Meaning(
        "No bill line of the frozen definition names this material.", "Take the material of the bill."
    ),
    Code.WRONG_MATERIAL_VERSION: Meaning(
        "The bill names another revision of this material.", "Take the revision of the bill."
    ),
}

Path: TypeAlias = tuple[str | int, ...]

EVENT_TIME: Path = ("event_time",)
"""Where a command says when it happened."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One broken rule: its code, a sentence that names field and value, and the path of the input field."""

    code: Code
    message: str
    path: Path = ()

    @property
    def retryable(self) -> bool:
        """Whether the same command can succeed later without being changed."""
        return MEANINGS[self.code].retryable


@dataclass(frozen=True, kw_only=True)
class TransitionViolation(Violation):
    """A state machine does not permit the step (I27)."""

    code: Code = Code.INVALID_TRANSITION
    from_state: str
    allowed: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class QuantityViolation(Violation):
    """Not enough, or not conserved (I1 to I4): what there is and what was asked, in the base unit."""

    available: Decimal
    requested: Decimal
    uom: str


@dataclass(frozen=True, kw_only=True)
class HoldViolation(Violation):
    """Open holds stop an item (I7) or an order. ``holds`` are the ids of the holds."""

    code: Code = Code.LOT_ON_HOLD
    holds: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class VersionViolation(Violation):
    """Optimistic locking failed (I39): ``current`` is the stored version."""

    code: Code = Code.VERSION_CONFLICT
    current: int


@dataclass(frozen=True, kw_only=True)
class SignatureViolation(Violation):
    """The plant demands a signature (I34): with which ``meaning``."""

    code: Code = Code.SIGNATURE_REQUIRED
    meaning: str


class Refused(Exception):
    """A command breaks rules; carries all of them. The unit of work is rolled back."""

    def __init__(self, *violations: Violation) -> None:
        super().__init__("; ".join(f"{v.code}: {v.message}" for v in violations))
        self.violations = violations

    def under(self, *path: str | int) -> "Refused":
        """The same refusal with ``path`` in front: a verb knows its argument, its caller knows where that stands."""
        return Refused(*(replace_path(v, (*path, *v.path)) for v in self.violations))


class Denied(Exception):
    """The caller is unknown (UNAUTHENTICATED) or lacks the role (FORBIDDEN)."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


class Unavailable(Exception):
    """Nothing was written; the same command may be sent again."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code


def replace_path(violation: Violation, path: Path) -> Violation:
    """A copy of ``violation`` that points to ``path``."""
    return replace(violation, path=path)


def invalid(message: str, *path: str | int, code: Code = Code.VALIDATION_FAILED) -> Violation:
    """The plain violation that most rules need."""
    return Violation(code=code, message=message, path=path)


def not_found(what: str, key: object, *path: str | int) -> Violation:
    """Nothing with this key, or nothing that the caller may see: the answer is the same."""
    return Violation(code=Code.NOT_FOUND, message=f"no {what} {str(key)!r}", path=path)


@dataclass
class Findings:
    """Collects the violations of one command."""

    violations: list[Violation] = field(default_factory=list)

    def add(self, *violations: Violation | None) -> None:
        """Note what was found; ``None`` means that the rule holds."""
        self.violations.extend(v for v in violations if v is not None)

    def extend(self, violations: Iterable[Violation]) -> None:
        """Note several."""
        self.violations.extend(violations)

    @contextmanager
    def under(self, *path: str | int) -> Iterator[None]:
        """Catch a refusal of a part, note it below ``path``, and go on to the next part.

        The event time is no part's: a command has one, and what is wrong with it is told there.
        """
        try:
            yield
        except Refused as refused:
            self.extend(v if v.path == EVENT_TIME else replace_path(v, (*path, *v.path)) for v in refused.violations)

    def refuse(self) -> None:
        """Raise :class:`Refused` with everything noted so far, if anything was."""
        if self.violations:
            raise Refused(*self.violations)


@contextmanager
def all_violations() -> Iterator[Findings]:
    """Check many rules and refuse once, at the end of the block, with all that was found."""
    findings = Findings()
    yield findings
    findings.refuse()
