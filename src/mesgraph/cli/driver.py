"""`mesgraph driver`: look at drivers, try them, make new ones, prove them right."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from mesgraph.cli.common import LOCAL, AdminKey, Server, do, fail

if TYPE_CHECKING:
    from mesgraph.edge.contract import Driver, Sample, Tag, Value

T = TypeVar("T")

driver = typer.Typer(help="Drivers: list, try, make, prove.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="DRIVER", help="Name of an installed driver (mesgraph driver list).")]
Config = Annotated[str, typer.Option(help='Configuration as JSON, or @FILE: {"host": "192.0.2.7"}.')]
Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Addresses in the words of the driver.")]


@driver.command("list")
def list_drivers() -> None:
    """What is installed here, its tier in the conformance kit, and why something cannot be loaded."""
    from mesgraph.edge.catalogue import found

    for one in found().values():
        known = (one.definition.tier, one.definition.summary) if one.definition else ("BROKEN", one.reason)
        typer.echo("\t".join((one.name, *known, one.distribution)))


@driver.command("register")
def register(key_file: AdminKey, server: Server = LOCAL) -> None:
    """Store the documents that an edge sends; drivers may run no others. Doing it twice changes nothing."""
    from mesgraph.edge.plant import DOCUMENTS

    given = [{"text": text} for text in DOCUMENTS]
    payload = do(server, key_file, "registerDocuments", "storedDocuments { documentId name }", documents=given)
    for one in payload["storedDocuments"]:
        typer.echo(f"{one['documentId']}\t{one['name']}")


@driver.command("new")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the driver: lower case, digits, underscores.")],
    into: Annotated[Path, typer.Option(help="Folder in which the package's folder is made.")] = Path("."),
) -> None:
    """Make an installable package with a driver that polls, its tests, its guide, and a file for CI."""
    from mesgraph.edge.scaffold import Unfit, make

    try:
        home = make(name, into)
    except (Unfit, OSError) as error:
        fail(str(error))
    typer.echo(f"{home}: pip install -e {home} && pytest {home}; README.md there tells what to change")


@driver.command("check")
def check(
    tests: Annotated[list[Path] | None, typer.Argument(metavar="[TESTS]...", help="Where the tests are.")] = None,
) -> None:
    """Run the conformance kit and print what each driver does; status 1 when it does not do what it states."""
    try:
        import pytest
    except ImportError:
        fail("the kit is a plug-in of pytest, which is not installed here: pip install pytest")
    where = [str(path) for path in tests or [Path("tests")]]
    raise typer.Exit(int(pytest.main(["-q", "-m", "conformance", "--no-header", "--tb=short", *where])) and 1)


@driver.command("browse")
def browse(name: Name, config: Config = "{}") -> None:
    """What a machine offers: address, name, type, unit, and whether it can be written."""

    async def lines(opened: "Driver") -> None:
        async for one in opened.browse():
            writable = "writable" if one.writable else ""
            typer.echo("\t".join((one.address, one.name, one.data_type or "", one.uom or "", writable)))

    _with(name, config, [], lines)


@driver.command("read")
def read(name: Name, addresses: Addresses, config: Config = "{}") -> None:
    """Read values once."""
    tags = _tags(addresses)

    async def once(opened: "Driver") -> "list[Sample]":
        return await opened.read(tags)

    for sample in _with(name, config, tags, once):
        typer.echo(_line(sample))


@driver.command("watch")
def watch(
    name: Name,
    addresses: Addresses,
    config: Config = "{}",
    period: Annotated[float, typer.Option(min=0.01, help="Seconds between values.")] = 1.0,
) -> None:
    """Show values and states as they come, through lost lines and back, until Ctrl-C."""
    from mesgraph.edge.contract import Link
    from mesgraph.edge.keep import Kept

    tags = _tags(addresses, period)
    link = Link(_config(config), tags, lambda sample: typer.echo(_line(sample)))
    kept = Kept(_definition(name), link, lambda state, message: typer.echo(f"-- {state} {message}", err=True))
    _run(kept.run())


@driver.command("write")
def write(
    name: Name,
    address: Annotated[str, typer.Argument(metavar="ADDRESS")],
    value: Annotated[str, typer.Argument(metavar="VALUE", help='As JSON: 12.5, true, "text".')],
    config: Config = "{}",
) -> None:
    """Write a value and read it back; status 2 when the machine does not hold it afterwards. THIS MOVES MACHINES."""
    from mesgraph.edge.contract import Command

    tags = _tags([address])
    given = Command(tags[0], _value(value), time.time_ns() // 1_000 + 10_000_000)
    written = _with(name, config, tags, lambda opened: opened.write(given))
    typer.echo(f"{address}\t{json.dumps(written.value)}")


def _value(text: str) -> "Value":
    try:
        value = json.loads(text)
    except ValueError:
        fail(f"{text!r} is no JSON; a text needs quotes within quotes: '\"{text}\"'")
    if not isinstance(value, bool | int | float | str):
        fail(f"{text!r} is no number, text, true or false")
    return value


def _tags(addresses: list[str], period: float = 1.0) -> "list[Tag]":
    from mesgraph.edge.contract import Tag

    return [Tag(path=address, address=address, period_s=period) for address in addresses]


def _line(sample: "Sample") -> str:
    return f"{sample.path}\t{json.dumps(sample.value)}\t{sample.quality.name}\t{sample.status or ''}"


def _config(given: str) -> dict[str, Any]:
    try:
        text = Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given
        config = json.loads(text)
    except (OSError, ValueError) as error:
        fail(f"--config {given}: {error}")
    if not isinstance(config, dict):
        fail(f"--config {given}: it must be a JSON object")
    return config


def _definition(name: str) -> Any:
    from mesgraph.edge.catalogue import find

    found = find(name)
    if found.definition is None:
        fail(found.reason)
    return found.definition


def _with(name: str, config: str, tags: "list[Tag]", act: "Callable[[Driver], Awaitable[T]]") -> T:
    """Do something with an opened driver; what goes wrong is said in a line."""
    from mesgraph.edge.contract import Link, LinkLost, Misconfigured, NotSupported, Refused

    samples: list[Sample] = []
    link: Link = Link(_config(config), tags, samples.append)

    async def acting() -> T:
        return await act(_definition(name).open(link))

    try:
        done = _run(acting())
    except (LinkLost, Misconfigured, NotSupported, Refused) as error:
        fail(f"{name}: {error}")
    for path, reason in link.faults.items():
        typer.echo(f"{path}: {reason}", err=True)
    return done


def _run(doing: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(doing)
    except KeyboardInterrupt:
        sys.exit(130)
