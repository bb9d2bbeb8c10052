"""`mesgraph documents`: GraphQL that clients ask a running server for by its id."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from mesgraph.cli.common import LOCAL, AdminKey, Server, do, fail, pages

documents = typer.Typer(help="GraphQL documents that clients ask for by id.", no_args_is_help=True)

LIST = """query($prefix: String, $after: String) {
  storedDocuments(first: 500, after: $after, orderBy: NAME, filter: {keyPrefix: $prefix}) {
  pageInfo { hasNextPage endCursor } nodes { documentId name costMax retiredAt } } }"""


@documents.command("register")
def register(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE_OR_DIR...", help="*.graphql, and folders of them.")],
    key_file: AdminKey,
    cost_max: Annotated[int | None, typer.Option(help="What an answer of each may cost; 10,000 if left out.")] = None,
    server: Server = LOCAL,
) -> None:
    """Store documents, each file as it is; prints id and name. Doing it twice changes nothing."""
    for file in [file for path in paths for file in _files(path)]:
        given = {"text": _read(file), "costMax": cost_max}
        fields = "storedDocuments { documentId name }"
        payload = do(server, key_file, "registerDocuments", fields, about=f"{file}: ", documents=[given])
        for one in payload["storedDocuments"]:
            typer.echo(f"{one['documentId']}\t{one['name']}")


@documents.command("list")
def list_documents(
    key_file: AdminKey,
    prefix: Annotated[str, typer.Argument(help="Beginning of the name.")] = "",
    server: Server = LOCAL,
) -> None:
    """What is stored, and what was retired."""
    for one in pages(server, key_file, LIST, "storedDocuments", prefix=prefix):
        state = f"retired {one['retiredAt']}" if one["retiredAt"] else "stands"
        limit = f"costs at most {one['costMax']}" if one["costMax"] else ""
        typer.echo("\t".join((one["documentId"], one["name"], state, limit)))


@documents.command("retire")
def retire(
    document_id: Annotated[str, typer.Argument(metavar="ID", help="The hash.")],
    key_file: AdminKey,
    server: Server = LOCAL,
) -> None:
    """Store a document no more."""
    do(server, key_file, "retireDocument", "", storedDocument=document_id)


def _files(path: Path) -> Sequence[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(path.rglob("*.graphql"))
    if not found:
        fail(f"no *.graphql in {path}")
    return found


def _read(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")  # not as text: what ends a line is hashed, too
    except (OSError, UnicodeError) as error:
        fail(f"{file} cannot be read: {error}")
