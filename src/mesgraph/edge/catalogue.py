"""The drivers that are installed here. One that cannot be loaded is a state with its reason and stops no other."""

from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

import pluggy

from mesgraph.edge import hookspecs
from mesgraph.edge.contract import DriverDefinition
from mesgraph.edge.manifest import Manifest, Unstated, beside


@dataclass(frozen=True)
class Found:
    """An entry point: its definition, or the reason why there is none."""

    name: str
    module: str
    distribution: str
    definition: DriverDefinition | None
    reason: str = ""


def found() -> dict[str, Found]:
    """Every driver that is installed, by name."""
    points = sorted(entry_points(group=hookspecs.GROUP), key=lambda point: point.name)
    return {point.name: load(point) for point in points}


def find(name: str) -> Found:
    """The driver of this name; where none is installed, the reason says which ones are."""
    points = entry_points(group=hookspecs.GROUP)
    for point in points:
        if point.name == name:
            return load(point)
    have = ", ".join(sorted(point.name for point in points)) or "none"
    return Found(name, "", "", None, f"no driver {name!r} is installed here; installed: {have}")


def stated(name: str) -> Manifest:
    """What the ``driver.toml`` of a driver says, read without loading the driver. Raises :class:`manifest.Unstated`.

    The edge asks this and nothing more: what a driver does when it is loaded happens in the child.
    """
    for point in entry_points(group=hookspecs.GROUP):
        if point.name == name:
            spec = find_spec(point.module)
            if spec is None or spec.origin is None:
                raise Unstated(f"driver {name}: there is no module {point.module}")
            return beside(Path(spec.origin))
    raise Unstated(find(name).reason)


def load(point: EntryPoint) -> Found:
    """What an entry point leads to. Each is loaded by itself, so that a broken one is only its own trouble."""
    distribution = f"{point.dist.name} {point.dist.version}" if point.dist else ""
    try:
        definition = _define(point)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        return Found(point.name, point.value, distribution, None, f"it cannot be loaded: {reason}")
    return Found(point.name, point.value, distribution, definition)


def _define(point: EntryPoint) -> DriverDefinition:
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(point.load(), name=point.name)
    manager.check_pending()
    definitions = manager.hook.mesgraph_register_driver()
    if len(definitions) != 1 or not isinstance(definitions[0], DriverDefinition):
        raise TypeError(f"{point.value} must implement mesgraph_register_driver, which returns a DriverDefinition")
    definition: DriverDefinition = definitions[0]
    if definition.name != point.name:
        raise ValueError(f"the entry point is called {point.name}, its driver.toml says {definition.name}")
    return definition
