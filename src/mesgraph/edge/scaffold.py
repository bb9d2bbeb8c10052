"""Makes the package of a new driver: a driver that works, with a machine to try it on, its tests, its guide, its CI."""

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template

from mesgraph import __version__
from mesgraph.edge import catalogue

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
FILES: Mapping[str, str] = {
    "project.txt": "pyproject.toml",
    "README.md": "README.md",
    "ci.yml": ".github/workflows/test.yml",
    "init.txt": "src/$package/__init__.py",
    "link.txt": "src/$package/link.py",
    "driver.toml": "src/$package/driver.toml",
    "test.txt": "tests/test_conformance.py",
    "machine.txt": "tests/machine.py",
}
"""Where each file of the template goes. Those that tools read end in .txt: with names left open they are not valid."""


class Unfit(Exception):
    """The package cannot be made as asked."""


def make(name: str, into: Path) -> Path:
    """Make the package of the driver ``name`` in a new folder; returns it. Raises :class:`Unfit`."""
    if NAME.fullmatch(name) is None or len(name) > 40:
        raise Unfit(f"{name!r} is no name of a driver; it may be up to 40 lower-case letters, digits, and single _")
    if name in catalogue.found():
        raise Unfit(f"a driver {name!r} is installed here already; choose another name")
    home = into / f"mesgraph-driver-{name.replace('_', '-')}"
    if home.exists():
        raise Unfit(f"{home} is there already")
    words = {
        "name": name,
        "package": f"mesgraph_{name}",
        "project": home.name,
        "type": "".join(part.capitalize() for part in name.split("_")),
        "version": __version__.partition(".dev")[0],
    }
    for source, target in FILES.items():
        file = home / Template(target).substitute(words)
        file.parent.mkdir(parents=True, exist_ok=True)
        template = resources.files("mesgraph.edge").joinpath("template", source).read_text(encoding="utf-8")
        file.write_text(Template(template).substitute(words), encoding="utf-8")
    return home
