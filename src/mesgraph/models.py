"""All rows, imported together: what migrations compare and what mappers resolve."""

from mesgraph.access import models as access
from mesgraph.db import Row
from mesgraph.definitions import models as definitions
from mesgraph.documents import models as documents
from mesgraph.equipment import models as equipment
from mesgraph.genealogy import models as genealogy
from mesgraph.holds import models as holds
from mesgraph.integration import models as integration
from mesgraph.ledger import models as ledger
from mesgraph.ledger import receipts
from mesgraph.materials import models as materials
from mesgraph.orders import models as orders
from mesgraph.security_events import models as security_events
from mesgraph.signatures import models as signatures
from mesgraph.sites import models as sites
from mesgraph.telemetry import models as telemetry

__all__ = [
    "Row",
    "access",
    "definitions",
    "documents",
    "equipment",
    "genealogy",
    "holds",
    "integration",
    "ledger",
    "materials",
    "orders",
    "receipts",
    "security_events",
    "signatures",
    "sites",
    "telemetry",
]
