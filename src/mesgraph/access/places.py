"""Which commands act at equipment, and how the place is found in their input.

Filled where the commands are declared (:func:`mesgraph.api.places.at`). A command that is not in it acts at a site as a
whole.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from sqlalchemy.orm import Session

from mesgraph.db import Entity

Places: TypeAlias = Callable[[Session, Any], Sequence[Entity]]
"""From the input of a command, the things where it acts: each must be covered by a role. Refuses NOT_FOUND."""

PLACES: dict[str, Places] = {}
"""By the name of the command."""
