"""Libraries that are too old to be trusted: the floors of the own requirements, looked at when a server starts.

Whoever installs checks them once; what was changed on the machine since, nobody would notice.
"""

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement


def unmet(extras: frozenset[str] = frozenset()) -> list[str]:
    """What is missing or too old, in words; of ``extras`` too, such as ``postgresql``."""
    return [problem for text in requires("mesgraph") or [] if (problem := _problem(Requirement(text), extras))]


def _problem(wanted: Requirement, extras: frozenset[str]) -> str | None:
    applies = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in {"", *extras})
    if not applies:
        return None
    try:
        installed = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is missing"
    if wanted.specifier.contains(installed, prereleases=True):
        return None
    return f"{wanted.name} {installed} is not {wanted.specifier}"
