"""Settings, read once from ``MESGRAPH_*`` environment variables. Options of the command line have the same names."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def secure_address(address: str) -> str:
    """``address`` if it is https, or of this machine; else ``ValueError``."""
    parts = urlsplit(address)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK):
        return address
    raise ValueError(f"{address!r} is no https address")


def _words(given: Any) -> Any:
    """A list that is written as ``A,B``."""
    return [word.strip() for word in given.split(",") if word.strip()] if isinstance(given, str) else given


Words = Annotated[frozenset[str], NoDecode, BeforeValidator(_words)]
ORIGIN = r"^https?://[^\s/?#]+$"
Origin = Annotated[str, Field(pattern=ORIGIN)]
Origins = Annotated[frozenset[Origin], NoDecode, BeforeValidator(_words)]


class StoredOnly(StrEnum):
    """Who runs stored documents only."""

    NONE = "none"
    KIOSKS_AND_DRIVERS = "kiosks-and-drivers"
    ALL = "all"


class Settings(BaseSettings):
    """Everything that an operator can set."""

    model_config = SettingsConfigDict(env_prefix="MESGRAPH_", extra="ignore", frozen=True)

    database: str = Field(
        default="sqlite:///mesgraph.db",
        description="sqlite:///FILE (embedded, the default) or postgresql://USER@HOST/NAME.",
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65_535, description="Port to listen on.")
    workers: int = Field(default=1, ge=1, description="Server processes; more than one needs PostgreSQL.")
    graphiql: bool = Field(default=False, description="Serve GraphiQL at /graphiql.")
    introspection: bool = Field(default=False, description="Answer introspection queries.")
    queries_by_get: bool = Field(default=False, description="Accept queries by HTTP GET.")
    explorers: Words = Field(
        default=frozenset({"ADMIN", "ENGINEER"}),
        description="Roles that may introspect and query by GET, where these are on.",
    )
    hosts: Words = Field(
        default=frozenset(),
        description="Names by which clients call the server, beside addresses, localhost and the machine's own name.",
    )
    origins: Origins = Field(
        default=frozenset(), description="Sites whose pages may use the API, as https://NAME[:PORT], beside its own."
    )
    trusted_proxies: Words = Field(
        default=frozenset(),
        description="Addresses or networks of proxies that are believed about the client's address and scheme.",
    )
    tls_certificate: Path | None = Field(default=None, description="File with the certificate and its chain, in PEM.")
    tls_key: Path | None = Field(default=None, description="File with the key of the certificate, in PEM.")
    connections_per_peer: int = Field(default=50, ge=1, description="Connections from one address at a time.")
    cpu_ms: int = Field(
        default=2_000,
        ge=0,
        description="Time of a processor for each principal in 10 s, in milliseconds; 0 for no limit.",
    )
    watchdog_s: float = Field(
        default=5.0, ge=0, description="A process whose loop stands still for longer ends; 0 for never. In seconds."
    )
    digital_link: str = Field(
        default="https://id.gs1.org",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#/]+)*$",
        description="Where the GS1 Digital Links of items lead: the address of a resolver, without a slash at its end.",
    )
    oidc_issuer: str | None = Field(
        default=None,
        description="The identity provider (OpenID Connect) at which people log in: its issuer, exactly as in its "
        "tokens. Needs the client id and the redirect address, too.",
    )
    oidc_client_id: str | None = Field(default=None, description="What the plant is called at the identity provider.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="Its secret there; left out for a public client, which PKCE alone protects."
    )
    oidc_redirect_uri: str | None = Field(
        default=None, description="Where the identity provider sends people back to: a page of the front end."
    )
    oidc_audience: str | None = Field(
        default=None,
        description="Audience of access tokens of the identity provider that are taken as bearer tokens; none are "
        "taken when left out.",
    )
    signatures: Words = Field(
        default=frozenset(),
        description="Commands that must be signed, such as releaseLot, with commas between; all for every one that can "
        "be.",
    )
    stored_only: StoredOnly = Field(
        default=StoredOnly.KIOSKS_AND_DRIVERS,
        description="Who runs stored documents only: none; kiosks-and-drivers, which are the sessions that a badge "
        "began at a shared terminal, and the role DRIVER; all but administrators.",
    )
    mass_export_rows: int = Field(
        default=50_000,
        ge=1,
        description="Rows behind first pages that one principal reads in an hour before it is a security event.",
    )
    genealogy_snapshot: Path | None = Field(
        default=None,
        description="File in which the genealogy is kept for the next start. When left out: beside an SQLite database, "
        "nowhere with PostgreSQL.",
    )
    demo_clock: Path | None = Field(
        default=None,
        description="File of the demo's virtual clock. Set by `mesgraph demo` only; `serve` refuses it.",
    )

    @model_validator(mode="after")
    def _whole_provider(self) -> Self:
        """An identity provider is named whole or not at all, and safely."""
        given = [self.oidc_issuer, self.oidc_client_id, self.oidc_redirect_uri]
        if any(given) and not all(given):
            raise ValueError("an identity provider needs oidc_issuer, oidc_client_id and oidc_redirect_uri together")
        if self.oidc_issuer is not None:
            secure_address(self.oidc_issuer)
        return self

    @model_validator(mode="after")
    def _both_or_none(self) -> "Settings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("TLS needs both a certificate and its key")
        return self

    @property
    def explorable(self) -> bool:
        """Whether anybody may introspect; the console needs it."""
        return self.introspection or self.graphiql

    def genealogy_file(self) -> Path | None:
        """Where the genealogy is kept for the next start."""
        file = self.database.removeprefix("sqlite:///")
        beside = None if file == self.database else Path(f"{file}.genealogy")
        return self.genealogy_snapshot or beside
