"""`mesgraph user`, `key` and `role`: who may do what, on a running server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from mesgraph.cli.common import LOCAL, AdminKey, Server, do, fail, pages

users = typer.Typer(help="People and services, and how they log in.", no_args_is_help=True)
keys = typer.Typer(help="API keys of services and devices.", no_args_is_help=True)
roles = typer.Typer(help="What somebody may do, and where.", no_args_is_help=True)

Subject = Annotated[str, typer.Argument(metavar="SUBJECT", help="The unique name: op-017.")]
Site = Annotated[str | None, typer.Option(help="Code of the site where it counts; everywhere if left out.")]
Equipment = Annotated[
    str | None, typer.Option(help="Key of the equipment where it counts, with all below it: HV1/LINE-1.")
]
RoleName = Annotated[str, typer.Argument(metavar="ROLE", help="OPERATOR, QUALITY, ADMIN ...")]

LIST = """query($prefix: String, $after: String) {
  principals(first: 500, after: $after, orderBy: SUBJECT, filter: {keyPrefix: $prefix}) {
  pageInfo { hasNextPage endCursor }
  nodes { subject kind displayName active grants { role site { code } equipment { code } withdrawnAt }
    apiKeys { keyId label site { code } equipment { code } expiresAt revokedAt }
    account { hasPassword hasBadge lockedUntil } } } }"""


@users.command("create")
def create_user(
    subject: Subject,
    key_file: AdminKey,
    name: Annotated[str | None, typer.Option(help="Name for screens; the subject if left out.")] = None,
    service: Annotated[bool, typer.Option("--service", help="A machine or program, not a person.")] = False,
    server: Server = LOCAL,
) -> None:
    """Make a person or service known. It may do nothing until it gets a role."""
    kind = "SERVICE" if service else "PERSON"
    do(server, key_file, "createPrincipal", "", subject=subject, kind=kind, displayName=name or subject)
    typer.echo(f"{subject} is known; give it a role: mesgraph role grant {subject} ROLE")


@users.command("list")
def list_users(
    key_file: AdminKey,
    prefix: Annotated[str, typer.Argument(help="Beginning of the subject.")] = "",
    server: Server = LOCAL,
) -> None:
    """Who there is, with roles and ways in."""
    for one in _principals(server, key_file, prefix):
        typer.echo("\t".join((one["subject"], one["displayName"], _state(one), _roles(one) or "no role")))


@users.command("open-account")
def open_account(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Let a person log in by name and password, or anew when it is forgotten; prints the first password, once."""
    payload = do(server, key_file, "openAccount", "initialPassword", principal=subject)
    typer.echo("first password, shown this once; it ends in 72 hours and is changed with the first login:", err=True)
    typer.echo(payload["initialPassword"])


@users.command("badge")
def register_badge(
    subject: Subject,
    key_file: AdminKey,
    badge: Annotated[str, typer.Argument(help="What a reader reads of the badge.")],
    server: Server = LOCAL,
) -> None:
    """Let a person log in with a badge at shared terminals; prints its PIN, once."""
    payload = do(server, key_file, "registerBadge", "pin", principal=subject, badge=badge)
    typer.echo("PIN of the badge, shown this once:", err=True)
    typer.echo(payload["pin"])


@users.command("withdraw-badge")
def withdraw_badge(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Stop the badge of a person."""
    do(server, key_file, "withdrawBadge", "", principal=subject)


@users.command("unlock")
def unlock(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Let a person try again whose account wrong tries have locked."""
    do(server, key_file, "unlockAccount", "", principal=subject)


@users.command("logout")
def end_sessions(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Log somebody out everywhere."""
    typer.echo(f"sessions ended: {do(server, key_file, 'endSessions', 'count', principal=subject)['count']}")


@users.command("link")
def link_identity(
    subject: Subject,
    key_file: AdminKey,
    issuer: Annotated[str, typer.Option(help="The identity provider, exactly as in its tokens.")],
    identity: Annotated[str, typer.Option(help="What the provider calls the person (claim sub).")],
    server: Server = LOCAL,
) -> None:
    """Say who a person is for an identity provider."""
    do(server, key_file, "linkIdentity", "", principal=subject, issuer=issuer, subject=identity)


@users.command("deactivate")
def deactivate(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Let somebody act no more: keys, sessions and open connections end."""
    do(server, key_file, "deactivatePrincipal", "", principal=subject)


@users.command("reactivate")
def reactivate(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Let somebody act again."""
    do(server, key_file, "reactivatePrincipal", "", principal=subject)


@keys.command("issue")
def issue_key(
    subject: Subject,
    key_file: AdminKey,
    days: Annotated[int, typer.Option(min=1, max=365, help="For how long it works.")] = 365,
    label: Annotated[str | None, typer.Option(help="What it is for: of one label two keys work at a time.")] = None,
    site: Annotated[str | None, typer.Option(help="Code of the only site where its roles count.")] = None,
    equipment: Annotated[
        str | None, typer.Option(help="Key of the only equipment where they count, with all below it: HV1/LINE-1.")
    ] = None,
    server: Server = LOCAL,
) -> None:
    """Make a key; prints it, once."""
    expires_at = (datetime.now(UTC) + timedelta(days=days) - timedelta(minutes=1)).isoformat()
    given: dict[str, Any] = {
        "principal": subject,
        "expiresAt": expires_at,
        "label": label,
        "site": site,
        "equipment": equipment,
    }
    payload = do(server, key_file, "issueApiKey", "text", **given)
    typer.echo("the key, shown this once:", err=True)
    typer.echo(payload["text"])


@keys.command("list")
def list_keys(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """The keys of somebody, without their secrets."""
    for one in _principal(server, key_file, subject)["apiKeys"]:
        ended = f"revoked {one['revokedAt']}" if one["revokedAt"] else f"until {one['expiresAt']}"
        where = f" at {_where(one)}" if one["site"] else ""
        typer.echo(f"{one['keyId']}\t{ended}{where}\t{one['label'] or ''}")


@keys.command("seal")
def seal_key(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """Make the emergency key of a principal, in two halves for two persons; an earlier one is void."""
    payload = do(server, key_file, "sealBreakGlass", "first second", principal=subject)
    typer.echo("two halves, shown this once; give each to another person, in a sealed envelope:", err=True)
    typer.echo(payload["first"])
    typer.echo(payload["second"])


@keys.command("revoke")
def revoke_key(
    key_id: Annotated[str, typer.Argument(metavar="KEY-ID", help="The public part: mg_THIS_...")],
    key_file: AdminKey,
    server: Server = LOCAL,
) -> None:
    """Stop a key at once."""
    do(server, key_file, "revokeApiKey", "", apiKey=key_id)


@roles.command("grant")
def grant(
    subject: Subject,
    role: RoleName,
    key_file: AdminKey,
    site: Site = None,
    equipment: Equipment = None,
    server: Server = LOCAL,
) -> None:
    """Give somebody a role."""
    do(server, key_file, "grantRole", "", principal=subject, role=role.upper(), site=site, equipment=equipment)


@roles.command("withdraw")
def withdraw(
    subject: Subject,
    role: RoleName,
    key_file: AdminKey,
    site: Site = None,
    equipment: Equipment = None,
    server: Server = LOCAL,
) -> None:
    """Take a role away; open connections that needed it close."""
    do(server, key_file, "withdrawRole", "", principal=subject, role=role.upper(), site=site, equipment=equipment)


@roles.command("list")
def list_roles(subject: Subject, key_file: AdminKey, server: Server = LOCAL) -> None:
    """The roles of somebody, and where they count."""
    for one in _standing(_principal(server, key_file, subject)):
        typer.echo(one)


def _principals(server: str, key_file: Any, prefix: str) -> Iterator[dict[str, Any]]:
    return pages(server, key_file, LIST, "principals", prefix=prefix)


def _principal(server: str, key_file: Any, subject: str) -> dict[str, Any]:
    found = next((one for one in _principals(server, key_file, subject) if one["subject"] == subject), None)
    if found is None:
        fail(f"nobody is called {subject}")
    return found


def _standing(one: dict[str, Any]) -> list[str]:
    standing = [grant for grant in one["grants"] if grant["withdrawnAt"] is None]
    return [f"{grant['role']}@{_where(grant)}" for grant in standing]


def _where(one: dict[str, Any]) -> str:
    """Where a grant or key counts."""
    places = [one[name]["code"] for name in ("site", "equipment") if one[name] is not None]
    return "/".join(places) or "everywhere"


def _roles(one: dict[str, Any]) -> str:
    return " ".join(_standing(one))


def _state(one: dict[str, Any]) -> str:
    account = one["account"] or {}
    ways = [
        *(["password"] if account.get("hasPassword") else []),
        *(["badge"] if account.get("hasBadge") else []),
        *(["key"] if any(key["revokedAt"] is None for key in one["apiKeys"]) else []),
    ]
    return ("" if one["active"] else "inactive, ") + ("+".join(ways) or "no way in")
