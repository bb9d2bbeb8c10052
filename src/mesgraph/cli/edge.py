"""`mesgraph edge`: the host of drivers, on the machine of the server or on a gateway."""

from pathlib import Path
from typing import Annotated

import typer

from mesgraph.cli.common import LOCAL, Server, fail, read_key


def edge(
    key_file: Annotated[Path, typer.Option(help="File with the key of a principal that has the role DRIVER.")],
    state: Annotated[Path, typer.Option(help="Folder for samples that wait and for the last known configuration.")],
    site: Annotated[str, typer.Option(help="Site whose driver instances run here.")],
    server: Server = LOCAL,
) -> None:
    """Run the drivers of a site, and hand their samples to a server."""
    from mesgraph.config import secure_address
    from mesgraph.edge.run import InUse, run

    try:
        run(secure_address(server), read_key(key_file), site, state)
    except ValueError as error:
        fail(f"--server: {error}; the key would travel in the clear")
    except (InUse, OSError) as error:
        fail(str(error))
