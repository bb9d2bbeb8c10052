"""Accounts, badges, identities and sessions: commands."""

from typing import ClassVar

import strawberry

from mesgraph.access import accounts, break_glass
from mesgraph.access.graphql.looked_after import looked_after, part_of_looked_after
from mesgraph.access.graphql.nodes import AccountNode, IdentityNode, PrincipalNode
from mesgraph.access.graphql.principals import PrincipalInput
from mesgraph.access.models import Identity, Principal
from mesgraph.access.passwords import hash_of, initial_password, initial_pin
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.config import secure_address
from mesgraph.errors import Findings, Refused, all_violations, invalid
from mesgraph.words import UNKEPT
from mesgraph.work import Work

NAME_MAX = 200


@strawberry.input(description="A person who is to log in with a password.")
class OpenAccountInput(PrincipalInput):
    """One person."""


@strawberry.type(description="The account, and its first password.")
class OpenAccountPayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("initial_password",)

    account: AccountNode | None = strawberry.field(default=None, description="The account.")
    initial_password: str | None = strawberry.field(
        default=None,
        description="Lets the person in for 72 hours, together with a password of their own. Shown this once: null "
        "when the same idempotency key is sent again.",
    )


@strawberry.input(description="A badge of a person.")
class RegisterBadgeInput(PrincipalInput):
    """One badge."""

    badge: str = strawberry.field(description="What a reader reads of it, at most 64 characters.")


@strawberry.type(description="The account, and the PIN of the badge.")
class RegisterBadgePayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("pin",)

    account: AccountNode | None = strawberry.field(default=None, description="The account.")
    pin: str | None = strawberry.field(
        default=None,
        description="The PIN, which the person can change with a login. Shown this once: null when the same "
        "idempotency key is sent again.",
    )


@strawberry.input(description="A badge that was lost or given back.")
class WithdrawBadgeInput(PrincipalInput):
    """One person's badge."""


@strawberry.type(description="The person.")
class WithdrawBadgePayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The person.")


@strawberry.input(description="An account that was locked by wrong tries.")
class UnlockAccountInput(PrincipalInput):
    """One account."""


@strawberry.type(description="The person.")
class UnlockAccountPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The person.")


@strawberry.input(description="Somebody who is to be logged out everywhere.")
class EndSessionsInput(PrincipalInput):
    """One principal."""


@strawberry.type(description="Who was logged out.")
class EndSessionsPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The principal.")
    count: int | None = strawberry.field(default=None, description="How many sessions ended.")


@strawberry.input(description="Who a principal is for an identity provider.")
class LinkIdentityInput(PrincipalInput):
    """One identity."""

    issuer: str = strawberry.field(description="The provider, exactly as in its tokens: https://id.example.com.")
    subject: str = strawberry.field(description="What the provider calls the principal (claim `sub`).")


@strawberry.type(description="The identity.")
class LinkIdentityPayload(CommandPayload):
    """Answer."""

    identity: IdentityNode | None = strawberry.field(default=None, description="The identity.")


@strawberry.input(description="An identity that counts no more.")
class UnlinkIdentityInput(CommandInput):
    """One identity."""

    identity: strawberry.ID = strawberry.field(description="Its id.")


@strawberry.type(description="The principal.")
class UnlinkIdentityPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The principal.")


@strawberry.input(description="Somebody who gets an emergency key.")
class SealBreakGlassInput(PrincipalInput):
    """One principal."""


@strawberry.type(description="The two halves of the emergency key.")
class SealBreakGlassPayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("first", "second")

    principal: PrincipalNode | None = strawberry.field(default=None, description="Whose roles it has.")
    first: str | None = strawberry.field(
        default=None, description="For one person. Shown this once: null when the same idempotency key is sent again."
    )
    second: str | None = strawberry.field(default=None, description="For another person. Shown this once.")


@strawberry.type
class AccountCommands:
    """Writes."""

    @command
    def open_account(work: Work, input: OpenAccountInput) -> OpenAccountPayload:
        """Let a person log in by name and password; again, when the password is forgotten. All sessions end."""
        principal, password = _principal(work, input), initial_password()
        account = accounts.open_account(work, principal, hash_of(password))
        return OpenAccountPayload(account=shown(account), initial_password=password)

    @command
    def register_badge(work: Work, input: RegisterBadgeInput) -> RegisterBadgePayload:
        """Let a person log in with a badge and a PIN, at shared terminals."""
        with all_violations() as found:
            _check_text(found, input.badge, 64, "badge")
        pin = initial_pin()
        account = accounts.register_badge(work, _principal(work, input), input.badge, hash_of(pin))
        return RegisterBadgePayload(account=shown(account), pin=pin)

    @command
    def withdraw_badge(work: Work, input: WithdrawBadgeInput) -> WithdrawBadgePayload:
        """Stop the badge of a person."""
        return WithdrawBadgePayload(principal=shown(accounts.withdraw_badge(work, _principal(work, input))))

    @command
    def unlock_account(work: Work, input: UnlockAccountInput) -> UnlockAccountPayload:
        """Let a person try again at once, whose account ten wrong tries have locked."""
        return UnlockAccountPayload(principal=shown(accounts.unlock_account(work, _principal(work, input))))

    @command
    def end_sessions(work: Work, input: EndSessionsInput) -> EndSessionsPayload:
        """Log somebody out everywhere. API keys go on working: revoke them, or deactivate the principal."""
        principal = _principal(work, input)
        ended = accounts.end_all_sessions(work, principal)
        return EndSessionsPayload(principal=shown(principal), count=len(ended))

    @command
    def seal_break_glass(work: Work, input: SealBreakGlassInput) -> SealBreakGlassPayload:
        """Make an emergency key, for when nobody who may can get in. It opens one session of an hour, by
        `POST /auth/break-glass` with both halves; that is recorded and raises an alarm. An earlier one is void.
        """
        principal = _principal(work, input)
        first, second = break_glass.seal(work, principal)
        return SealBreakGlassPayload(principal=shown(principal), first=first, second=second)

    @command
    def link_identity(work: Work, input: LinkIdentityInput) -> LinkIdentityPayload:
        """Say who somebody is for an identity provider, so that the provider's logins and tokens count here."""
        with all_violations() as found:
            _check_text(found, input.subject, NAME_MAX, "subject")
            _check_text(found, input.issuer, NAME_MAX, "issuer")
            with found.under("issuer"):
                _check_address(input.issuer)
        identity = accounts.link_identity(work, _principal(work, input), input.issuer, input.subject)
        return LinkIdentityPayload(identity=shown(identity))

    @command
    def unlink_identity(work: Work, input: UnlinkIdentityInput) -> UnlinkIdentityPayload:
        """The provider's name stands for the principal no more. All its sessions end."""
        identity = part_of_looked_after(work, Identity, input.identity, "identity")
        return UnlinkIdentityPayload(principal=shown(accounts.unlink_identity(work, identity)))


def _principal(work: Work, input: PrincipalInput) -> Principal:
    return looked_after(work, input.principal)


def _check_text(found: Findings, text: str, longest: int, name: str) -> None:
    if not (0 < len(text) <= longest and text.isprintable()) or UNKEPT.search(text):
        found.add(invalid(f"{name} has 1 to {longest} printable characters", name))


def _check_address(issuer: str) -> None:
    try:
        secure_address(issuer)
    except ValueError as error:
        raise Refused(invalid(str(error))) from error
