"""What commands share: who asks, whom, and how they end."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from mesgraph.remote import NotAnswered, ask

LOCAL = "http://127.0.0.1:8000"

Server = Annotated[str, typer.Option(help="Address of the server.")]
AdminKey = Annotated[Path, typer.Option("--key-file", help="File with the key of an administrator.")]


def read_key(path: Path) -> str:
    """The key in a file."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        fail(f"{path} cannot be read: {error}")


def write(target: Path, text: str) -> None:
    """Text into a file."""
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}")


def fail(message: str) -> NoReturn:
    """Say what is wrong and leave with status 2."""
    typer.echo(f"mesgraph: {message}", err=True)
    raise typer.Exit(2)


def do(server: str, key_file: Path, command: str, fields: str, *, about: str = "", **input: Any) -> dict[str, Any]:
    """Run a command; what is refused is said, with what it is about, and the program ends with status 2."""
    kind = f"{command[0].upper()}{command[1:]}Input"
    document = f"mutation($input: {kind}!) {{ {command}(input: $input) {{ {fields} userErrors {{ code message }} }} }}"
    given = {name: value for name, value in input.items() if value is not None}
    # an answer that got lost is asked for again, and nothing is done twice
    variables = {"input": {**given, "idempotencyKey": str(uuid.uuid4())}}
    payload: dict[str, Any] = _ask(server, key_file, document, variables, command)
    if payload["userErrors"]:
        fail(about + "; ".join(f"{error['code']}: {error['message']}" for error in payload["userErrors"]))
    return payload


def pages(server: str, key_file: Path, document: str, field: str, **variables: Any) -> Iterator[dict[str, Any]]:
    """Everything in a list, page by page; ``document`` takes ``$after``."""
    after = None
    while True:
        page = _ask(server, key_file, document, {**variables, "after": after}, field)
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def _ask(server: str, key_file: Path, document: str, variables: dict[str, Any], field: str) -> Any:
    try:
        return ask(server, read_key(key_file), document, variables, field)
    except NotAnswered as error:
        fail(str(error))
