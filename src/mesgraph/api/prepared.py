"""Documents that were parsed, measured and validated once, kept for the next time that they are sent."""

import asyncio
import contextlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Location,
    OperationType,
    Source,
    Token,
    specified_rules,
    validate,
)
from graphql.language.parser import MAX_NESTING_DEPTH, Parser
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from mesgraph.access.policy import RECORDED
from mesgraph.api.budget import timed
from mesgraph.api.errors import refusal
from mesgraph.api.extent import Extent, measure
from mesgraph.api.inlined import as_variables, form_of, with_variables
from mesgraph.api.limits import COLUMNS, DEPTH_MAX, ERRORS_MAX, TOKENS_MAX, Excess
from mesgraph.api.literals import refused_literals
from mesgraph.errors import Code

DOCUMENTS_KEPT = 500
REFUSED_KEPT = 16
LONG = 300
"""Characters from which on a document may take long to be read: some thousandths of a second and more."""
TOKENS_KEPT = 50_000
"""Of all documents that are kept: a token takes some 400 bytes with what is known of it, so that is 20 MB."""
PERSONAL = frozenset(type_name for type_name, _ in RECORDED) - {"Query", "Subscription"}
"""Types of which those whom they are about see more than others do."""
RULES = (*specified_rules, MaybeNullValidationRule, OneOfInputValidationRule)


@dataclass(frozen=True)
class Prepared:
    """A document that may be executed."""

    document: DocumentNode
    extent: Extent
    tokens: int
    introspects: bool
    columns: bool
    personal: bool
    """Whether it depends on who asks, beyond roles and sites: what is recorded, or shown to whom it is about."""
    plans: dict[Any, Any] = field(default_factory=dict, compare=False)
    """What was compiled of it (:mod:`mesgraph.api.plan`), kept for as long as the document is."""

    def kind(self, name: str | None) -> OperationType | None:
        """What the operation of this name is; none when there is no such one, or no name and several."""
        operation = self.extent.operation(name)
        return operation.operation if operation else None


class Tokenless(Parser):
    """A parser whose documents do not hold their tokens, of which nothing is needed but where they stand.

    Tokens are half of a document's memory and two thirds of its objects, and because they are linked both ways it would
    take a collection to be rid of them, which stops everything.
    """

    def loc(self, start_token: Token) -> Location | None:
        """As the parent, with the place alone."""
        location = super().loc(start_token)
        if location is not None:
            location.start_token = location.end_token = None  # type: ignore[assignment]  # see above
        return location

    def let_go(self) -> None:
        """Unlink the tokens that were read."""
        token: Token | None = self._lexer.token
        while token is not None:
            token.prev, token = None, token.prev


class Documents:
    """The documents of one schema, the least recently sent forgotten first."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: OrderedDict[str, Prepared] = OrderedDict()
        self._tokens = 0
        self._forms: OrderedDict[str, str | None] = OrderedDict()
        self._refused: OrderedDict[tuple[str, bool], tuple[GraphQLError, ...]] = OrderedDict()

    def prepared(self, text: str, *, suggest: bool = False) -> Prepared | list[GraphQLError]:
        """The document of ``text``, or why it is refused; ``suggest`` lets the reasons name what may have been meant.

        What is refused is kept for its request alone, in which plans look at it and then graphql-core.
        """
        found = self._known(text, suggest)
        return self._noted(text, suggest, self._made(text, suggest)) if found is None else found

    async def read(self, text: str, *, suggest: bool) -> None:
        """Have a long document that is not known read in a thread, so that meanwhile others are answered."""
        if len(text) >= LONG and self._known(text, suggest) is None:
            self._noted(text, suggest, await asyncio.to_thread(timed(self._made), text, suggest))

    def _known(self, text: str, suggest: bool) -> Prepared | list[GraphQLError] | None:
        found = self._kept.get(text)
        if found is not None:
            self._kept.move_to_end(text)
            return found
        refused = self._refused.get((text, suggest))
        return None if refused is None else list(refused)

    def _noted(self, text: str, suggest: bool, made: Prepared | list[GraphQLError]) -> Prepared | list[GraphQLError]:
        if isinstance(made, Prepared):
            self._keep(text, made)
        else:
            self._refused[text, suggest] = tuple(made)
            if len(self._refused) > REFUSED_KEPT:
                self._refused.popitem(last=False)
        return made

    def _made(self, text: str, suggest: bool) -> Prepared | list[GraphQLError]:
        try:
            return self._prepare(text, suggest)
        except Excess as excess:
            return [refusal(str(excess), excess.code)]
        except GraphQLError as error:
            return [_within_tokens(error)]

    def formed(self, text: str) -> tuple[Prepared, dict[str, Any]] | None:
        """A document that differs from an earlier one in values inside alone, as one with variables, and their values;
        ``None`` for a text that was sent before, and for the first one of its form.
        """
        if text in self._kept or (found := form_of(text)) is None:
            return None
        form, values = found
        if form not in self._forms:
            self._forms[form] = None
            if len(self._forms) > DOCUMENTS_KEPT:
                self._forms.popitem(last=False)
            return None
        self._forms.move_to_end(form)
        shared = self._forms[form]
        if shared is None:
            shared = self._forms[form] = self._shared(text)
        prepared = self.prepared(shared) if shared else None
        return (prepared, as_variables(values)) if isinstance(prepared, Prepared) else None

    def _shared(self, text: str) -> str:
        """The text with variables for its values; an empty one where there can be none."""
        first = self.prepared(text)
        return (with_variables(self._schema, first.document) or "") if isinstance(first, Prepared) else ""

    def _prepare(self, text: str, suggest: bool) -> Prepared | list[GraphQLError]:
        parser = Tokenless(Source(text), max_tokens=TOKENS_MAX)
        document = None
        try:
            with contextlib.suppress(RecursionError):  # the parser's own limit
                document = parser.parse_document()
        finally:
            parser.let_go()
        if document is None:
            raise Excess(f"the document has over {MAX_NESTING_DEPTH} levels; at most {DEPTH_MAX} are taken: nest less")
        extent = measure(self._schema, document)
        errors = validate(self._schema, document, RULES, max_errors=ERRORS_MAX, hide_suggestions=not suggest)
        if not errors and "\\u" in text:
            errors = refused_literals(document)
        if errors:
            return errors
        return Prepared(
            document=document,
            extent=extent,
            tokens=parser.token_count,
            introspects=extent.introspects,
            columns=bool(extent.types & COLUMNS),
            personal=extent.recorded or bool(extent.types & PERSONAL),
        )

    def _keep(self, text: str, made: Prepared) -> None:
        if text in self._kept:  # somebody else has read it meanwhile
            return
        self._kept[text] = made
        self._tokens += made.tokens
        while self._tokens > TOKENS_KEPT or len(self._kept) > DOCUMENTS_KEPT:
            _, forgotten = self._kept.popitem(last=False)
            self._tokens -= forgotten.tokens


def _within_tokens(error: GraphQLError) -> GraphQLError:
    """A syntax error as it is; the end of the parser's patience as the limit that it is."""
    if "tokens. Parsing aborted" in error.message:
        message = (
            f"the document has over {TOKENS_MAX:,} tokens; at most {TOKENS_MAX:,} are taken: send several requests"
        )
        return refusal(message, Code.LIMIT_EXCEEDED)
    return error
