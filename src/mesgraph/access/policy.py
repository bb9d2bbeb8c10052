"""The policy of the API: which roles may use which field. Data, to be read and reviewed as a table.

Every type has a line. ``"*"`` is the audience of its fields that are not named; the roots (Query, Mutation,
Subscription) have no ``"*"``: each of their fields needs a line of its own, or the schema does not build. Roles are
what somebody may do; the site of the grant says where, and what lies elsewhere does not exist for the caller.
"""

from mesgraph.access.roles import EVERYONE, STAFF, Role

ADMIN = frozenset({Role.ADMIN})
FLOOR = frozenset({Role.OPERATOR, Role.DRIVER})
SHIFT = FLOOR | {Role.SUPERVISOR}
STORE = frozenset({Role.OPERATOR, Role.DRIVER, Role.ERP, Role.SUPERVISOR})
QUALITY = frozenset({Role.QUALITY, Role.QA})
PLANNING = frozenset({Role.ERP, Role.PLANNER})
APPROVERS = frozenset({Role.QA, Role.ENGINEER, Role.SUPERVISOR})
MASTERS = frozenset({Role.ENGINEER, Role.ERP, Role.ADMIN})
SYSTEM_READERS = frozenset({Role.ADMIN, Role.AUDITOR})

POLICY: dict[str, dict[str, frozenset[Role]]] = {
    "Query": {
        "node": EVERYONE,
        "nodes": EVERYONE,
        "me": EVERYONE,
        "systemStatus": EVERYONE,
        "history": STAFF,
        "principals": SYSTEM_READERS,
        "sites": EVERYONE,
        "equipment": EVERYONE,
        "equipmentList": EVERYONE,
        "item": EVERYONE,
        "materialLots": EVERYONE,
        "materialDefinition": EVERYONE,
        "materialDefinitions": EVERYONE,
        "suppliers": EVERYONE,
        "holds": EVERYONE,
        "trace": EVERYONE,
        "genealogyEvents": EVERYONE,
        "operationsDefinition": EVERYONE,
        "operationsDefinitions": EVERYONE,
        "asBuilt": EVERYONE,
    },
    "Mutation": {
        "createPrincipal": ADMIN,
        "grantRole": ADMIN,
        "withdrawRole": ADMIN,
        "issueApiKey": ADMIN,
        "revokeApiKey": ADMIN,
        "submitSites": frozenset({Role.ADMIN}),
        "submitEquipmentClasses": MASTERS,
        "submitEquipment": MASTERS,
        "reportEquipmentState": frozenset({Role.DRIVER, Role.OPERATOR, Role.TECHNICIAN, Role.SUPERVISOR}),
        "submitSuppliers": MASTERS,
        "submitMaterialDefinitions": MASTERS,
        "releaseLot": frozenset({Role.QA}),
        "placeHold": frozenset({Role.OPERATOR, Role.QUALITY, Role.RULE, Role.SUPERVISOR}),
        "releaseHold": QUALITY,
        "receiveItems": STORE,
        "splitLot": SHIFT,
        "mergeLots": SHIFT,
        "moveMaterial": SHIFT,
        "takeSample": SHIFT | QUALITY,
        "scrapItem": frozenset({Role.SUPERVISOR, Role.QA}),
        "adjustLot": frozenset({Role.SUPERVISOR}),
        "pack": SHIFT,
        "unpack": SHIFT,
        "shipItems": STORE,
        "draftOperationsDefinition": frozenset({Role.ENGINEER}),
        "submitOperationsDefinition": frozenset({Role.ENGINEER}),
        "returnOperationsDefinition": APPROVERS,
        "approveOperationsDefinition": APPROVERS,
        "retireOperationsDefinition": frozenset({Role.QA}),
        "startJobOrder": FLOOR,
        "pauseJobOrder": SHIFT | {Role.RULE},
        "resumeJobOrder": SHIFT,
        "stopJobOrder": FLOOR,
        "reportQuantity": FLOOR,
        "consumeMaterial": FLOOR,
        "produceMaterial": FLOOR,
        "assembleUnit": FLOOR,
        "reverseEvent": STORE | QUALITY,
    },
    "Subscription": {
        "ledgerAppended": STAFF,
        "equipmentStateChanged": EVERYONE,
        "lotStatusChanged": EVERYONE,
        "genealogyAppended": EVERYONE,
    },
    # the record
    "LedgerEvent": {"*": EVERYONE, "actor": STAFF},
    "LedgerEventConnection": {"*": EVERYONE},
    "LedgerEventEdge": {"*": EVERYONE},
    "LedgerEventMessage": {"*": EVERYONE},
    "Subject": {"*": EVERYONE},
    "PageInfo": {"*": EVERYONE},
    "SystemStatus": {"*": EVERYONE},
    # refusals
    "GenericUserError": {"*": EVERYONE},
    "InvalidTransitionError": {"*": EVERYONE},
    "QuantityError": {"*": EVERYONE},
    "VersionConflictError": {"*": EVERYONE},
    "LotOnHoldError": {"*": EVERYONE},
    # access
    "Principal": {"*": STAFF},
    "PrincipalConnection": {"*": SYSTEM_READERS},
    "PrincipalEdge": {"*": SYSTEM_READERS},
    "RoleGrant": {"*": STAFF},
    "ApiKey": {"*": SYSTEM_READERS},
    "CreatePrincipalPayload": {"*": EVERYONE},
    "GrantRolePayload": {"*": EVERYONE},
    "WithdrawRolePayload": {"*": EVERYONE},
    "IssueApiKeyPayload": {"*": EVERYONE},
    "RevokeApiKeyPayload": {"*": EVERYONE},
    # equipment
    "Site": {"*": EVERYONE},
    "EquipmentClass": {"*": EVERYONE},
    "Equipment": {"*": EVERYONE},
    "EquipmentConnection": {"*": EVERYONE},
    "EquipmentEdge": {"*": EVERYONE},
    "EquipmentStateRecord": {"*": EVERYONE},
    "EquipmentStateEvent": {"*": EVERYONE},
    "SubmitSitesPayload": {"*": EVERYONE},
    "SubmitEquipmentClassesPayload": {"*": EVERYONE},
    "SubmitEquipmentPayload": {"*": EVERYONE},
    "ReportEquipmentStatePayload": {"*": EVERYONE},
    # materials
    "Quantity": {"*": EVERYONE},
    "Supplier": {"*": EVERYONE},
    "SupplierConnection": {"*": EVERYONE},
    "SupplierEdge": {"*": EVERYONE},
    "UomFactor": {"*": EVERYONE},
    "MaterialDefinition": {"*": EVERYONE},
    "MaterialDefinitionConnection": {"*": EVERYONE},
    "MaterialDefinitionEdge": {"*": EVERYONE},
    "MaterialLot": {"*": EVERYONE},
    "MaterialLotConnection": {"*": EVERYONE},
    "MaterialLotEdge": {"*": EVERYONE},
    "MaterialSublot": {"*": EVERYONE},
    "SerialUnit": {"*": EVERYONE},
    "LogisticUnit": {"*": EVERYONE},
    "LotStatusEvent": {"*": EVERYONE},
    "SubmitSuppliersPayload": {"*": EVERYONE},
    "SubmitMaterialDefinitionsPayload": {"*": EVERYONE},
    "ReleaseLotPayload": {"*": EVERYONE},
    # holds
    "Hold": {"*": EVERYONE, "placedBy": STAFF, "releasedBy": STAFF},
    "HoldConnection": {"*": EVERYONE},
    "HoldEdge": {"*": EVERYONE},
    "PositionRange": {"*": EVERYONE},
    "PlaceHoldPayload": {"*": EVERYONE},
    "ReleaseHoldPayload": {"*": EVERYONE},
    # genealogy
    "GenealogyEvent": {"*": EVERYONE},
    "GenealogyEventConnection": {"*": EVERYONE},
    "GenealogyEventEdge": {"*": EVERYONE},
    "GenealogyLine": {"*": EVERYONE},
    "GenealogyEdge": {"*": EVERYONE},
    "ItemRange": {"*": EVERYONE},
    "TraceResult": {"*": EVERYONE},
    "TraceNode": {"*": EVERYONE},
    "TraceTotals": {"*": EVERYONE},
    "TraceCompleteness": {"*": EVERYONE},
    "MaterialExposure": {"*": EVERYONE},
    "GenealogyEventMessage": {"*": EVERYONE},
    "ReceiveItemsPayload": {"*": EVERYONE},
    "SplitLotPayload": {"*": EVERYONE},
    "MergeLotsPayload": {"*": EVERYONE},
    "MoveMaterialPayload": {"*": EVERYONE},
    "TakeSamplePayload": {"*": EVERYONE},
    "ScrapItemPayload": {"*": EVERYONE},
    "AdjustLotPayload": {"*": EVERYONE},
    "PackPayload": {"*": EVERYONE},
    "UnpackPayload": {"*": EVERYONE},
    "ShipItemsPayload": {"*": EVERYONE},
    # definitions
    "OperationsDefinition": {"*": EVERYONE, "author": STAFF, "approver": STAFF},
    "OperationsDefinitionConnection": {"*": EVERYONE},
    "OperationsDefinitionEdge": {"*": EVERYONE},
    "OperationsSegment": {"*": EVERYONE},
    "SegmentDependency": {"*": EVERYONE},
    "MaterialSpecification": {"*": EVERYONE},
    "DraftOperationsDefinitionPayload": {"*": EVERYONE},
    "SubmitOperationsDefinitionPayload": {"*": EVERYONE},
    "ReturnOperationsDefinitionPayload": {"*": EVERYONE},
    "ApproveOperationsDefinitionPayload": {"*": EVERYONE},
    "RetireOperationsDefinitionPayload": {"*": EVERYONE},
    # orders
    "OperationsRequest": {"*": EVERYONE},
    "SegmentRequirement": {"*": EVERYONE},
    "JobOrder": {"*": EVERYONE},
    "JobResponse": {"*": EVERYONE, "begunBy": STAFF},
    "MaterialActual": {"*": EVERYONE, "postedBy": STAFF},
    # execution
    "StartJobOrderPayload": {"*": EVERYONE},
    "PauseJobOrderPayload": {"*": EVERYONE},
    "ResumeJobOrderPayload": {"*": EVERYONE},
    "StopJobOrderPayload": {"*": EVERYONE},
    "ReportQuantityPayload": {"*": EVERYONE},
    "ConsumeMaterialPayload": {"*": EVERYONE},
    "ProduceMaterialPayload": {"*": EVERYONE},
    "AssembleUnitPayload": {"*": EVERYONE},
    "ReverseEventPayload": {"*": EVERYONE},
    "AsBuiltRecord": {"*": EVERYONE},
    "AsBuiltGap": {"*": EVERYONE},
}


def audience(type_name: str, field: str) -> frozenset[Role]:
    """The roles that may use a field. Raises ``LookupError`` when the policy does not say."""
    lines = POLICY.get(type_name, {})
    roles = lines.get(field, lines.get("*"))
    if roles is None:
        raise LookupError(f"{type_name}.{field} has no line in the policy; say who may use it")
    return roles
