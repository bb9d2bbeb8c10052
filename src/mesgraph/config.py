"""Settings, read once from ``MESGRAPH_*`` environment variables. Options of the command line have the same names."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


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
    digital_link: str = Field(
        default="https://id.gs1.org",
        pattern=r"^https?://[^\s/?#]+(/[^\s?#/]+)*$",
        description="Where the GS1 Digital Links of items lead: the address of a resolver, without a slash at its end.",
    )
    demo_clock: Path | None = Field(
        default=None,
        description="File of the demo's virtual clock. Set by `mesgraph demo` only; `serve` refuses it.",
    )
