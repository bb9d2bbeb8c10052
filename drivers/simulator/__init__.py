"""A machine that is not there: signals by the clock, counters that tell what is missing, faults on demand."""

from pathlib import Path

from mesgraph.edge.contract import Driver, DriverDefinition, Link
from mesgraph.edge.hookspecs import hookimpl
from mesgraph.edge.manifest import define


@hookimpl
def mesgraph_register_driver() -> DriverDefinition:
    """The simulator."""
    return define(Path(__file__), _open)


def _open(link: Link) -> Driver:
    from mesgraph_drivers.simulator.link import Simulator

    return Simulator(link)
