"""Materials, suppliers and traceable items in the API."""

from mesgraph.materials.graphql.commands import MaterialCommands
from mesgraph.materials.graphql.keys import (
    ItemKey,
    QuantityInput,
    find_item,
    find_items,
    find_revisions,
    named_item,
    named_items,
    read_item_quantity,
    read_quantity,
)
from mesgraph.materials.graphql.lists import ItemFilter, of_items
from mesgraph.materials.graphql.live import MaterialSubscriptions
from mesgraph.materials.graphql.nodes import (
    LogisticUnit,
    MaterialDefinitionNode,
    MaterialLot,
    MaterialSublot,
    QuantityType,
    SerialUnit,
    SupplierNode,
    TraceableItem,
)
from mesgraph.materials.graphql.reads import MaterialQueries
from mesgraph.materials.graphql.scan import ScanQueries

__all__ = [
    "ItemFilter",
    "ItemKey",
    "LogisticUnit",
    "MaterialCommands",
    "MaterialDefinitionNode",
    "MaterialLot",
    "MaterialQueries",
    "MaterialSublot",
    "MaterialSubscriptions",
    "QuantityInput",
    "QuantityType",
    "ScanQueries",
    "SerialUnit",
    "SupplierNode",
    "TraceableItem",
    "find_item",
    "find_items",
    "find_revisions",
    "named_item",
    "named_items",
    "of_items",
    "read_item_quantity",
    "read_quantity",
]
