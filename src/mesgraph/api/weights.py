"""What fields cost before they are executed.

An object costs a half and a plain value a tenth, because an object takes the executor about five times as long. What
stands in a list counts as often as the list is long: as long as its ``first`` or its ``ids`` say, else as :data:`SIZES`
says. These are what a plant has in the ordinary case and not at most: what a list really has is counted again while the
answer is made (:data:`mesgraph.api.limits.OBJECTS_MAX`).
"""

from graphql import GraphQLField, GraphQLOutputType, get_named_type, is_leaf_type

PLAIN = 1
OBJECT = 5
UNIT = 10
"""All costs are in tenths, so that sums stay whole."""

VALUES = frozenset({"Quantity", "PageInfo", "MassBalance", "ConsumedMaterial"})
"""Types that are a value in parts, with nothing to be looked up: they cost what a value costs."""

SIZE = 5
"""Of a list that neither its arguments nor the table below measure."""

SIZES: dict[tuple[str, str], int] = {
    ("Query", "sites"): 10,
    ("Query", "dispatchList"): 20,
    ("DispatchListEvent", "jobOrders"): 20,
    ("TraceResult", "nodes"): 100,
    ("TraceResult", "edges"): 100,
    ("ImpactAssessment", "items"): 100,
    ("SharedAncestors", "ancestors"): 50,
    ("AsBuiltRecord", "materialActuals"): 50,
    ("AsBuiltRecord", "parameterActuals"): 50,
    ("AsBuiltRecord", "stepExecutions"): 50,
    ("AsBuiltRecord", "components"): 50,
    ("AsBuiltRecord", "inputs"): 50,
    ("AsBuiltRecord", "events"): 50,
    ("InboundMessage", "results"): 5,
    ("InboundResult", "userErrors"): 1,
    ("OperationsRequest", "jobOrders"): 3,
    ("OperationsRequest", "reservations"): 1,
    ("OperationsRequest", "massBalance"): 2,
    ("OperationsRequest", "consumed"): 2,
    ("OperationsRequest", "segmentRequirements"): 3,
    ("SegmentRequirement", "reservations"): 1,
    ("JobResponse", "steps"): 3,
    ("JobResponse", "parameterActuals"): 3,
    ("LedgerEvent", "subjects"): 3,
    ("DriverInstance", "tags"): 50,
    # nearly all are kept
    ("IngestSamplesPayload", "rejected"): 1,
    ("Principal", "grants"): 2,
    ("Principal", "apiKeys"): 1,
    ("Principal", "identities"): 1,
    ("Principal", "sessions"): 1,
    # hardly anything is signed
    ("MaterialLot", "signatures"): 0,
    ("MaterialSublot", "signatures"): 0,
    ("SerialUnit", "signatures"): 0,
    ("LogisticUnit", "signatures"): 0,
    ("TraceableItem", "signatures"): 0,
    ("OperationsRequest", "signatures"): 0,
    ("JobOrder", "signatures"): 0,
    ("OperationsDefinition", "signatures"): 0,
    # most have none or one; of what stands in a tree, each has one parent, so there are fewer children than things
    ("Equipment", "children"): 1,
    ("Equipment", "classes"): 1,
    ("Equipment", "storageLocations"): 1,
    ("Equipment", "properties"): 1,
    ("Equipment", "states"): 2,
    ("EquipmentClass", "properties"): 2,
    ("MaterialLot", "sublots"): 1,
    ("OperationsSegment", "alternates"): 1,
    ("MaterialSpecification", "alternates"): 1,
    ("OperationsRequest", "holds"): 1,
    ("AsBuiltRecord", "holds"): 1,
    ("JobOrder", "jobResponses"): 1,
    ("SegmentRequirement", "jobOrders"): 1,
    ("JobResponse", "deviations"): 1,
    ("MaterialProposal", "picks"): 2,
    ("StepProgress", "attempts"): 1,
    **{
        (item, field): 1
        for item in ("TraceableItem", "MaterialLot", "MaterialSublot", "SerialUnit", "LogisticUnit")
        for field in ("children", "holds")
    },
}
"""Length of lists, by type and field."""

WEIGHTS: dict[tuple[str, str], int] = {
    ("Query", "trace"): 1_000,
    ("Query", "genealogyPath"): 1_000,
    ("Query", "sharedAncestors"): 2_000,
    ("Query", "simulateRecall"): 2_000,
    ("Query", "asBuilt"): 1_000,
    ("Query", "operationsPerformance"): 1_000,
    ("Query", "dispatchList"): 500,
    ("Query", "tagHistory"): 1_000,
    ("Query", "latest"): 500,
}
"""Work of a field beside the objects that it answers with, in tenths: as many objects take about as long."""


def object_cost(of: GraphQLOutputType) -> int:
    """What one object of a field's type costs, in tenths."""
    return PLAIN if get_named_type(of).name in VALUES else OBJECT


def own_cost(parent: str, name: str, field: GraphQLField) -> int:
    """What a field costs by itself, in tenths."""
    plain = PLAIN if is_leaf_type(get_named_type(field.type)) else 0
    counted = 10 * UNIT if name == "totalCount" else 0
    return WEIGHTS.get((parent, name), 0) + plain + counted
