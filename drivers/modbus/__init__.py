"""Modbus TCP: registers read in blocks, in any word and byte order, with texts and scaling."""

from pathlib import Path

from mesgraph.edge.contract import Driver, DriverDefinition, Link
from mesgraph.edge.hookspecs import hookimpl
from mesgraph.edge.manifest import define


@hookimpl
def mesgraph_register_driver() -> DriverDefinition:
    """Modbus."""
    return define(Path(__file__), _open)


def _open(link: Link) -> Driver:
    try:
        from mesgraph_drivers.modbus.link import ModbusTcp
    except ImportError as error:
        from mesgraph.edge.contract import Misconfigured

        raise Misconfigured(f"the driver is not installed whole: pip install 'mesgraph[modbus]' ({error})") from error
    return ModbusTcp(link)
