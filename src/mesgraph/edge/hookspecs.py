"""The hooks that a driver implements. All of them; the path of a sample is no hook but a plain call.

A plug-in is a module that an entry point of the group ``mesgraph.drivers`` names. The name of the entry point is the
name by which an instance asks for the driver.
"""

import pluggy

from mesgraph.edge.contract import DriverDefinition

GROUP = "mesgraph.drivers"

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def mesgraph_register_driver() -> DriverDefinition:  # type: ignore[empty-body]  # pluggy calls what implements it
    """What the driver is called and how it is opened; ``manifest.define`` makes it of the ``driver.toml`` beside it.

    Called in the parent and for lists: it must not import a protocol library.
    """
