"""Each command acts at equipment or at a site, and this says which: a new one has to be put in one of the two."""

from graphql import GraphQLObjectType

from mesgraph.access.places import PLACES
from mesgraph.schema import build_schema

AT_EQUIPMENT = {
    *("reportEquipmentState", "commandEquipment"),
    *("permitJobOrder", "revokeStart", "assignJobOrder", "rescheduleJobOrder", "storeJobOrder"),
    *("cancelJobOrder", "abortJobOrder", "rerouteJobOrder", "reserveMaterial", "releaseReservation"),
    *("startJobOrder", "pauseJobOrder", "resumeJobOrder", "stopJobOrder"),
    *("reportQuantity", "consumeMaterial", "produceMaterial", "assembleUnit", "reverseEvent"),
    *("recordParameter", "recordStep", "openDeviation", "decideDeviation"),
    *("placeHold", "releaseHold", "releaseLot", "rejectLot", "challengeSignature"),
    *("receiveItems", "commissionItems", "returnItems", "shipItems", "moveMaterial", "pack", "unpack"),
    *("splitLot", "mergeLots", "takeSample", "scrapItem", "adjustLot", "dispositionItem", "disassembleUnit"),
}
"""A role at the equipment is enough."""

AT_A_SITE = {
    *("createPrincipal", "deactivatePrincipal", "reactivatePrincipal", "grantRole", "withdrawRole"),
    *("openAccount", "registerBadge", "withdrawBadge", "unlockAccount", "endSessions", "sealBreakGlass"),
    *("linkIdentity", "unlinkIdentity", "issueApiKey", "revokeApiKey", "sign"),
    *("submitSites", "submitEquipmentClasses", "submitEquipment", "submitSuppliers", "submitMaterialDefinitions"),
    *("submitLots", "submitMastersCsv"),
    *("submitDriverInstances", "submitTags", "reportDriverHealth", "ingestSamples"),
    *("createTransfer", "cancelTransfer", "shipTransfer", "confirmTransferReceipt", "adjustTransfer"),
    *("draftOperationsDefinition", "submitOperationsDefinition", "returnOperationsDefinition"),
    *("approveOperationsDefinition", "retireOperationsDefinition"),
    *("submitOperationsSchedule", "submitB2mml", "registerDestination", "acknowledgeOutbound", "retryOutbound"),
    *("registerDocuments", "retireDocument", "acknowledgeSecurityEvent"),
    *("releaseOperationsRequest", "cancelOperationsRequest", "holdOperationsRequest", "suspendOperationsRequest"),
    *("resumeOperationsRequest", "completeOperationsRequest", "abortOperationsRequest", "closeOperationsRequest"),
}
"""It takes a role for the whole site."""


def test_each_command_is_in_one_of_the_two() -> None:
    mutation = build_schema()._schema.mutation_type
    assert isinstance(mutation, GraphQLObjectType)
    assert not AT_EQUIPMENT & AT_A_SITE
    assert set(mutation.fields) == AT_EQUIPMENT | AT_A_SITE


def test_those_at_equipment_say_where_they_act() -> None:
    build_schema()
    assert set(PLACES) == AT_EQUIPMENT
