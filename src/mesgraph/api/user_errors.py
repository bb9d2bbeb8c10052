"""Refusals as data: the interface UserError and its implementations, one for each class of violation."""

from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.enums import described_enum
from mesgraph.api.scalars import UnitCode
from mesgraph.errors import (
    MEANINGS,
    Code,
    QuantityViolation,
    SignatureViolation,
    TransitionViolation,
    VersionViolation,
    Violation,
)

USER_ERRORS: dict[type[Violation], type] = {}
"""The GraphQL type of each class of violation. Filled by :func:`user_error`; the schema is built from it."""


ErrorCode = described_enum(
    Code,
    "Why something was refused, and the way out. Codes are stable.",
    {code: f"{m.what} {m.way_out}{' Retryable.' * m.retryable}" for code, m in MEANINGS.items()},
    name="ErrorCode",
)


def camel(name: str | int) -> str:
    """A Python name as the schema spells it; anything else, such as the XPath of an element, as it is."""
    if not str(name).isidentifier():
        return str(name)
    head, *rest = str(name).split("_")
    return head + "".join(part.title() for part in rest)


@strawberry.interface(
    name="UserError",
    description="A rule of the plant that the command breaks. A refused command lists every broken rule and wrote "
    "nothing. New implementations may be added: always handle `code` and `message`.",
)
class UserError:
    """Interface of all refusals; executed directly on violations."""

    code: ErrorCode = strawberry.field(description="Stable code; its description says the way out.")  # type: ignore[valid-type]
    message: str = strawberry.field(description="One sentence in English that names the thing and the value.")

    @strawberry.field(description='Where in the arguments: names and list indexes, `["input", "quantity"]`.')
    def path(root: strawberry.Parent[Any]) -> list[str] | None:
        """The path, in the spelling of the schema; null when no single field is to blame."""
        return [camel(part) for part in root.path] or None

    retryable: bool = strawberry.field(description="Whether the same command, unchanged, can succeed later.")


def user_error(violation: type[Violation]) -> Any:
    """Class decorator: the GraphQL type that shows ``violation``. The docstring becomes the description."""

    def wrap(cls: type) -> Any:
        def is_type_of(obj: object, _info: object) -> bool:
            return type(obj) is violation

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]
        made = strawberry.type(cls, description=" ".join((cls.__doc__ or "").split()))
        USER_ERRORS[violation] = made
        return made

    return wrap


@user_error(Violation)
class GenericUserError(UserError):
    """A broken rule that needs no further fields."""


@user_error(TransitionViolation)
class InvalidTransitionError(UserError):
    """The state machine does not permit the step (INVALID_TRANSITION)."""

    from_state: str = strawberry.field(name="from", description="The present state.")
    allowed: list[str] = strawberry.field(description="What is permitted from here.")


@user_error(QuantityViolation)
class QuantityError(UserError):
    """Not enough on hand, or not conserved (INSUFFICIENT_QUANTITY, QUANTITY_NOT_CONSERVED)."""

    available: Decimal = strawberry.field(description="What there is, in `uom`.")
    requested: Decimal = strawberry.field(description="What was asked, in `uom`.")
    uom: UnitCode = strawberry.field(description="The material's base unit.")


@user_error(VersionViolation)
class VersionConflictError(UserError):
    """`expectedVersion` is not the stored version (VERSION_CONFLICT)."""

    current: int = strawberry.field(description="The stored version.")


@user_error(SignatureViolation)
class SignatureRequiredError(UserError):
    """The plant demands a signature for this command (SIGNATURE_REQUIRED)."""

    meaning: str = strawberry.field(description="The meaning with which it must be signed (SignatureMeaning).")
