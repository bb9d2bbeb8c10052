"""Stored documents in the API."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, cast

import strawberry
from graphql import GraphQLError
from sqlalchemy import select

from mesgraph.access.graphql import PrincipalNode
from mesgraph.access.models import Principal
from mesgraph.api.command import CommandInput, CommandPayload, command, run, shown
from mesgraph.api.context import Info
from mesgraph.api.errors import refusal
from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.nodes import Node, find, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.prepared import Documents, Prepared
from mesgraph.api.relations import to_one
from mesgraph.documents import actions
from mesgraph.documents.actions import DOCUMENTS_MAX, DocumentDraft
from mesgraph.documents.models import StoredDocument
from mesgraph.documents.queries import by_id
from mesgraph.errors import Code, Violation, invalid
from mesgraph.words import NAME_MAX
from mesgraph.work import Work


@node(StoredDocument, find=by_id)
class StoredDocumentNode(Node):
    """A GraphQL document that is asked for by its id."""

    document_id: str = strawberry.field(description="SHA-256 of the text's UTF-8, in lower-case hexadecimal.")
    text: str = strawberry.field(description="The document, character by character.")
    name: str = strawberry.field(description="What its operations are called; empty for one without a name.")
    cost_max: int | None = strawberry.field(
        description="What an answer may cost when it is asked for by whoever; null for the usual limit."
    )
    registered_by: PrincipalNode = to_one(StoredDocument.registered_by_id, Principal, "Who registered it last.")
    registered_at: datetime = strawberry.field(description="When that was.")
    retired_at: datetime | None = strawberry.field(description="When it was retired; null while it stands.")


class StoredDocumentOrder(StrEnum):
    """The orders in which stored documents are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    NAME = "NAME"


STORED_DOCUMENT_ORDERS = orders(
    StoredDocumentOrder,
    "The order of a list of stored documents.",
    {
        StoredDocumentOrder.OLDEST: (Order((StoredDocument.id,)), "In the order in which they were first registered."),
        StoredDocumentOrder.NEWEST: (Order((StoredDocument.id,), descending=True), "Those registered last, first."),
        StoredDocumentOrder.NAME: (Order((StoredDocument.name, StoredDocument.id)), "By the names of operations."),
    },
)


@strawberry.input(description="Which stored documents. All conditions that are given must hold.")
class StoredDocumentFilter:
    """Conditions on stored documents."""

    key_prefix: str | None = prefix_field("name")
    retired: bool | None = strawberry.field(
        default=None, description="Only those that were retired, or only those that stand."
    )


def _conditions(wanted: StoredDocumentFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(StoredDocument.name, wanted.key_prefix)
    if wanted.retired is not None:
        yield StoredDocument.retired_at.is_not(None) if wanted.retired else StoredDocument.retired_at.is_(None)


@strawberry.type
class DocumentQueries:
    """Reads."""

    stored_documents: Connection[StoredDocumentNode] = listing(
        "The documents that may be asked for by their ids, and those that were retired.",
        StoredDocumentFilter,
        STORED_DOCUMENT_ORDERS,
        StoredDocumentOrder.OLDEST,
        select(StoredDocument),
        lambda _, __, wanted: _conditions(wanted),
    )

    @strawberry.field(description="One stored document, retired or not.")
    async def stored_document(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Hash of the text, or opaque id.")],
    ) -> StoredDocumentNode:
        """By its id."""
        return shown(await info.context.read(lambda session: find(session, StoredDocument, id, "id")))


@strawberry.input(description="A document to be stored.")
class DocumentInput:
    """One text."""

    text: str = strawberry.field(description="The document, exactly as clients hash it.")
    document_id: str | None = strawberry.field(
        default=None, description="What you take for its id. Refused when it is not: then clients would ask in vain."
    )
    cost_max: int | None = strawberry.field(
        default=None,
        description="What an answer may cost, 1 to 100,000, for whoever asks for the stored document; the usual limit "
        "of 10,000 when left out.",
    )


@strawberry.input(description="Documents to be stored.")
class RegisterDocumentsInput(CommandInput):
    """Several texts."""

    documents: list[DocumentInput] = strawberry.field(description="1 to 50 documents.")


@strawberry.type(description="The stored documents.")
class RegisterDocumentsPayload(CommandPayload):
    """Answer."""

    stored_documents: list[StoredDocumentNode] | None = strawberry.field(
        default=None, description="They, in the order of the input."
    )


@strawberry.input(description="A document that is to be retired.")
class RetireDocumentInput(CommandInput):
    """One document."""

    stored_document: strawberry.ID = strawberry.field(description="Which, by hash or opaque id.")


@strawberry.type(description="The retired document.")
class RetireDocumentPayload(CommandPayload):
    """Answer."""

    stored_document: StoredDocumentNode | None = strawberry.field(default=None, description="The document.")


@strawberry.type
class DocumentCommands:
    """Writes."""

    @strawberry.mutation(
        description="Store documents, all or none: clients ask for them by their ids from now on. What is stored "
        "already stays as it is; a retired one stands again; another `costMax` replaces the one before. A text that "
        "does not fit the schema is refused with the place in it."
    )
    async def register_documents(
        self,
        info: Info,
        input: Annotated[RegisterDocumentsInput, strawberry.argument(description="The command.")],
    ) -> RegisterDocumentsPayload:
        """What the texts are is found out before the transaction begins: it takes milliseconds for each."""
        documents: Documents = cast(Any, info.schema).guard.documents
        drafts = []
        for place, given in enumerate(input.documents):
            drafts.append(_draft(documents, place, given))
            await asyncio.sleep(0)  # others have their turn

        def register(work: Work, _input: RegisterDocumentsInput) -> RegisterDocumentsPayload:
            return RegisterDocumentsPayload(stored_documents=shown(actions.register(work, drafts)))

        payload: RegisterDocumentsPayload = await run(
            info.context, info.field_name, register, input, RegisterDocumentsPayload
        )
        return payload

    @command
    def retire_document(work: Work, input: RetireDocumentInput) -> RetireDocumentPayload:
        """Store a document no more: within seconds, whoever asks for it by its id gets DOCUMENT_NOT_FOUND."""
        document = find(work.session, StoredDocument, input.stored_document, "stored_document")
        return RetireDocumentPayload(stored_document=shown(actions.retire(work, document)))


def _draft(documents: Documents, place: int, given: DocumentInput) -> DocumentDraft:
    prepared = documents.prepared(given.text) if place < DOCUMENTS_MAX else []
    name, wrong = "", []
    if not isinstance(prepared, Prepared):
        wrong = [_violation(error, place) for error in prepared]
    elif not prepared.extent.operations:
        wrong = [_violation(refusal("the document has no operation"), place)]
    else:
        name = ", ".join(prepared.extent.operations)[:NAME_MAX]
    return DocumentDraft(given.text, name, given.document_id, given.cost_max, wrong)


def _violation(error: GraphQLError, place: int) -> Violation:
    code = Code((error.extensions or {}).get("code", Code.DOCUMENT_INVALID))
    where = "".join(f"line {at.line}, column {at.column}: " for at in (error.locations or ())[:1])
    return invalid(f"{where}{error.message}", "documents", place, "text", code=code)
