"""The command line. It never imports the schema itself: the server and the demo do, when they run."""

import io
import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError

from mesgraph.cli.access import keys, roles, users
from mesgraph.cli.common import Server, fail, read_key, write
from mesgraph.cli.documents import documents
from mesgraph.cli.driver import driver
from mesgraph.cli.edge import edge
from mesgraph.config import Settings
from mesgraph.errors import Unavailable

app = typer.Typer(help="mesgraph: the plant as one GraphQL API.", no_args_is_help=True, add_completion=False)

erp = typer.Typer(help="Exchange documents with a running server.", no_args_is_help=True)
app.add_typer(erp, name="erp")
master = typer.Typer(help="Master data and open stock from tables.", no_args_is_help=True)
app.add_typer(master, name="master")

app.add_typer(users, name="user")
app.add_typer(keys, name="key")
app.add_typer(roles, name="role")
app.add_typer(documents, name="documents")
app.add_typer(driver, name="driver")
app.command()(edge)

Database = Annotated[
    str | None,
    typer.Option(help="sqlite:///FILE or postgresql://USER@HOST/NAME; MESGRAPH_DATABASE, or sqlite:///mesgraph.db."),
]

Fixture = Literal["shift", "mini"]
Masters = Literal["suppliers", "materials", "equipment-classes", "equipment", "lots"]


def main() -> None:
    """Entry point."""
    app()


@app.command()
def migrate(database: Database = None) -> None:
    """Bring the database to the newest revision; on a new one, make `admin` and print its key once."""
    from mesgraph import migration

    url = database or Settings().database
    try:
        typer.echo(f"database at revision {migration.migrate(url)}")
        key = migration.first_admin_key(url)
    except (ValueError, Unavailable) as error:
        fail(str(error))
    if key is not None:
        typer.echo("key of the new principal `admin`, shown this once:", err=True)
        typer.echo(key)


@app.command()
def serve(
    database: Database = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; more than one needs PostgreSQL.")] = None,
    graphiql: Annotated[bool | None, typer.Option("--graphiql", help="Serve GraphiQL at /graphiql.")] = None,
    tls_certificate: Annotated[Path | None, typer.Option(help="File with the certificate and its chain (PEM).")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="File with the key of the certificate (PEM).")] = None,
) -> None:
    """Run the server."""
    given = {
        "database": database,
        "host": host,
        "port": port,
        "workers": workers,
        "graphiql": graphiql,
        "tls_certificate": tls_certificate,
        "tls_key": tls_key,
    }
    for name, value in given.items():
        if value is not None:
            os.environ[f"MESGRAPH_{name.upper()}"] = str(value)
    try:
        settings = Settings()
    except ValidationError as error:
        fail("; ".join(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}" for wrong in error.errors()))
    if settings.demo_clock is not None:
        fail("MESGRAPH_DEMO_CLOCK is set: a virtual clock is for `mesgraph demo` alone")
    serve_settings(settings)


def serve_settings(settings: Settings) -> None:
    """Check that the server can run as asked, then run it."""
    from mesgraph.server import Unfit, run

    try:
        run(settings)
    except Unfit as error:
        fail(str(error))


@app.command()
def schema(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if left out.")] = None,
) -> None:
    """Print the GraphQL schema."""
    from mesgraph.schema import build_schema

    text = build_schema().as_str() + "\n"
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


@app.command()
def events(
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if left out.")] = None,
) -> None:
    """Print the types of recorded events, as a page of the docs."""
    from mesgraph.manual import manual

    text = manual()
    if output is None:
        sys.stdout.write(text)
    else:
        output.write_text(text, encoding="utf-8")


@app.command()
def demo(
    database: Annotated[
        str | None,
        typer.Option(help="Where to play; a new SQLite file if left out. What is there already is never touched."),
    ] = None,
    fixture: Annotated[
        Fixture, typer.Option(help="Which one: a share of a full day, or the tests' one: 34 cells, 2 packs.")
    ] = "shift",
    scale: Annotated[
        float, typer.Option(min=0.01, max=1, help="Share of the full day of 144 packs; 0.14 are one order of 20.")
    ] = 0.14,
    speed: Annotated[float, typer.Option(min=1, help="Seconds of the plant that pass in a second.")] = 900,
    once: Annotated[bool, typer.Option("--once", help="End after the shift instead of serving on.")] = False,
    report: Annotated[bool, typer.Option("--json", help="Play at full speed and print the checks as JSON.")] = False,
) -> None:
    """Play a shift of a plant through the API, check what became of it, and serve it to be looked at."""
    from mesgraph.demo.database import NotUsable
    from mesgraph.demo.run import play
    from mesgraph.demo.server import ServerFailed
    from mesgraph.demo.shifts import mini, shift

    plan = mini() if fixture == "mini" else shift(scale)
    try:
        raise typer.Exit(play(plan, once=once, report=report, database=database, speed=speed))
    except (NotUsable, ServerFailed) as error:
        fail(str(error))


@erp.command("submit")
def submit_documents(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Documents of B2MML with orders.")],
    key_file: Annotated[Path, typer.Option(help="File with the key of a principal that has the role ERP.")],
    server: Server = "http://127.0.0.1:8000",
    ack: Annotated[
        Path | None,
        typer.Option(help="Where the answers go: a file, - for standard output, a folder when there are several."),
    ] = None,
    source_system: Annotated[
        str | None, typer.Option(help="Code of the system that sends; the document's LogicalID if left out.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Site of orders that name none.")] = None,
) -> None:
    """Hand documents to a server; status 1 when not everything in them was applied."""
    from mesgraph.integration import command_line

    key = read_key(key_file)
    if ack is not None and len(files) > 1 and str(ack) != "-" and not ack.is_dir():
        fail(f"{ack} is no folder; several answers need one")
    to_report = str(ack) == "-"
    applied = True
    for path in files:
        try:
            document = command_line.read_document(path)
            answer = command_line.submit(server, key, document, source_system=source_system, site=site)
        except command_line.NotSubmitted as error:
            fail(str(error))
        for line in answer.lines(path.name):
            typer.echo(line, err=to_report)
        applied = applied and answer.applied
        if ack is not None and answer.acknowledgement is not None:
            file_answer(ack, path, answer.acknowledgement)
    if not applied:
        raise typer.Exit(1)


@app.command()
def trace(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="What the item is called: MATERIAL/LOT, a serial, an SSCC.")
    ],
    key_file: Annotated[Path, typer.Option(help="File with the key of a principal that may see the item.")],
    backward: Annotated[bool, typer.Option("--backward", help="What it was made from.")] = False,
    forward: Annotated[bool, typer.Option("--forward", help="What was made from it.")] = False,
    depth: Annotated[int | None, typer.Option(min=0, help="How many activities away at most; all if left out.")] = None,
    as_of: Annotated[str | None, typer.Option(metavar="CURSOR", help="Only what was recorded by then.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="Only what had happened by then, with offset.")] = None,
    model: Annotated[str, typer.Option(help="How amounts are attributed.")] = "proportional",
    as_tree: Annotated[bool, typer.Option("--tree", help="As text, which is the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="As text for Graphviz.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="As one page with a picture.")] = False,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if left out.")] = None,
    server: Server = "http://127.0.0.1:8000",
) -> None:
    """Show what an item was made from, or where it went; status 1 when the trace is not complete."""
    from mesgraph.genealogy import command_line
    from mesgraph.remote import NotAnswered

    if backward == forward:
        fail("give --backward or --forward")
    forms = {"tree": as_tree, "json": as_json, "dot": as_dot, "html": as_html}
    chosen = [name for name, wanted in forms.items() if wanted] or ["tree"]
    if len(chosen) > 1:
        fail(f"give only one of {', '.join(f'--{name}' for name in chosen)}")
    word = model.upper().replace("-", "_")
    try:
        answer = command_line.fetch(
            server, read_key(key_file), key, forward=forward, depth=depth, at=at, as_of=as_of, model=word
        )
    except NotAnswered as error:
        fail(str(error))
    to = sys.stdout if output is None else io.StringIO()
    complete = command_line.render(answer, chosen[0], model=word, to=to)
    if output is not None and isinstance(to, io.StringIO):
        write(output, to.getvalue())
    if not complete:
        raise typer.Exit(1)


@master.command("import")
def import_masters(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A table in CSV, in UTF-8.")],
    kind: Annotated[Masters, typer.Option(help="What the rows are.")],
    key_file: Annotated[Path, typer.Option(help="File with the key of a principal with role ENGINEER, ERP or ADMIN.")],
    server: Server = "http://127.0.0.1:8000",
    delimiter: Annotated[str, typer.Option(help="What separates the cells: , or ; or a tab.")] = ",",
    site: Annotated[str | None, typer.Option(help="Site of rows that name none.")] = None,
    reason: Annotated[str | None, typer.Option(help="Code of the reason; lots demand one.")] = None,
    atomic: Annotated[bool, typer.Option("--atomic", help="All rows or none.")] = False,
) -> None:
    """Hand a table to a server and report on every row; status 1 when one was rejected."""
    from mesgraph.integration.command_line import NotSubmitted, told
    from mesgraph.integration.masters import command_line

    key = read_key(key_file)
    report, refused, separator = command_line.Report(), False, delimiter.replace("\\t", "\t")
    given = {
        "kind": kind.upper().replace("-", "_"),
        "delimiter": separator,
        "site": site,
        "reason": {"code": reason} if reason else None,
        "atomic": atomic,
    }
    try:
        parts = command_line.read_parts(file, separator)
        if atomic and len(parts) > 1:
            fail(f"{file} takes {len(parts)} documents; only one can be taken as a whole")
        for payload in command_line.import_table(server, key, parts, **given):
            for line in told(payload["userErrors"]) if payload["userErrors"] else report.lines(payload):
                typer.echo(line)
            refused = refused or bool(payload["userErrors"])
            if refused:
                break
    except NotSubmitted as error:
        fail(str(error))
    typer.echo(report.summary(file.name))
    if refused or "REJECTED" in report.counts:
        raise typer.Exit(1)


def file_answer(ack: Path, document: Path, text: str) -> None:
    if str(ack) == "-":
        typer.echo(text, nl=False)
        return
    write(ack / f"{document.stem}-ack.xml" if ack.is_dir() else ack, text)
