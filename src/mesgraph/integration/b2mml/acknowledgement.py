"""The answer to a message as a document that its sender can file.

Process is answered by Acknowledge, Change by Respond, and everything else by ConfirmBOD. Each request has a
ResponseCriteria: Accepted, Modified (accepted, but not quite as it was written) or Rejected, with our codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mesgraph.errors import Violation
from mesgraph.integration.b2mml import writing
from mesgraph.integration.b2mml.schedule import SEGMENTS, Order, ScheduleMessage, Verb
from mesgraph.integration.b2mml.writing import add, moment

OURSELVES = "mesgraph"
SEGMENT_IDS = {
    "ID": ("ID",),
    "ProcessSegmentID": ("ProcessSegmentID",),
    "OperationsDefinitionID": ("OperationsDefinitionID", "ProductProductionRuleID"),
    "OperationsSegmentID": ("OperationsSegmentID", "ProductSegmentID"),
}


@dataclass(frozen=True)
class Answer:
    """What became of one request."""

    order: Order
    outcome: str
    accepted: bool
    state: str | None
    violations: Sequence[Violation]

    @property
    def action_code(self) -> str:
        """In the words of B2MML."""
        if not self.accepted:
            return "Rejected"
        return "Modified" if self.order.derived_id else "Accepted"


def acknowledge(message: ScheduleMessage, source: str, message_id: str, answers: list[Answer], at: datetime) -> str:
    """The document that answers ``message``."""
    if message.verb is Verb.PROCESS:
        return _with_nouns("Acknowledge", message, source, message_id, answers, at)
    if message.verb is Verb.CHANGE:
        return _with_nouns("Respond", message, source, message_id, answers, at)
    root = writing.root("ConfirmBOD")
    writing.add_application_area(root, sender=OURSELVES, receiver=source, message_id=f"{message_id}-ack", at=at)
    area = add(root, "DataArea")
    _criteria(add(area, "Confirm"), message, source, message_id, answers, at)
    bod = add(area, "BOD")
    accepted = sum(answer.accepted for answer in answers)
    add(bod, "Description", f"{accepted} of {len(answers)} requests accepted")
    return writing.text_of(root)


def refuse(source: str, message_id: str, reason: Violation, at: datetime) -> str:
    """The document that answers what could not be read."""
    root = writing.root("ConfirmBOD")
    writing.add_application_area(root, sender=OURSELVES, receiver=source, message_id=f"{message_id}-ack", at=at)
    area = add(root, "DataArea")
    confirm = add(area, "Confirm")
    criteria = add(confirm, "ResponseCriteria")
    add(criteria, "ResponseExpression", "/", actionCode="Rejected")
    _status(criteria, "DEAD_LETTER", [], [reason], at)
    add(add(area, "BOD"), "Description", "the document could not be read and was kept as a dead letter")
    return writing.text_of(root)


def _with_nouns(
    verb: str, message: ScheduleMessage, source: str, message_id: str, answers: list[Answer], at: datetime
) -> str:
    root = writing.root(f"{verb}OperationsSchedule")
    root.set("releaseID", writing.RELEASE)
    writing.add_application_area(root, sender=OURSELVES, receiver=source, message_id=f"{message_id}-ack", at=at)
    area = add(root, "DataArea")
    _criteria(add(area, verb), message, source, message_id, answers, at)
    schedule = add(area, "OperationsSchedule")
    writing.add_all(schedule, "ID", filter(None, [message.schedule_id]))
    for answer in answers:
        _noun(schedule, answer)
    return writing.text_of(root)


def _noun(schedule: Any, answer: Answer) -> None:
    request = add(schedule, "OperationsRequest")
    add(request, "ID", answer.order.external_id)
    if answer.state is not None:
        add(request, "RequestState", answer.state.capitalize())
    for segment in answer.order.element.all(*SEGMENTS):
        named = {name: there.text for name, written in SEGMENT_IDS.items() if (there := segment.first(*written))}
        if any(named.values()):
            shown = add(request, "SegmentRequirement")
            for name, text in named.items():
                writing.add_all(shown, name, filter(None, [text]))


def _criteria(
    parent: Any, message: ScheduleMessage, source: str, message_id: str, answers: list[Answer], at: datetime
) -> None:
    original = add(parent, "OriginalApplicationArea")
    add(add(original, "Sender"), "LogicalID", source)
    add(original, "CreationDateTime", message.created_text or moment(at))
    add(original, "BODID", message_id)
    for answer in answers:
        criteria = add(parent, "ResponseCriteria")
        add(criteria, "ResponseExpression", answer.order.element.path, actionCode=answer.action_code)
        _status(criteria, answer.outcome, answer.order.warnings, answer.violations, at, answer.order.external_id)


def _status(
    criteria: Any,
    code: str,
    warnings: Sequence[str],
    violations: Sequence[Violation],
    at: datetime,
    subject: str | None = None,
) -> None:
    status = add(criteria, "ChangeStatus")
    add(status, "Code", code)
    writing.add_all(status, "Description", [*([subject] if subject else []), *warnings])
    add(status, "EffectiveDateTime", moment(at))
    if violations:
        add(status, "ReasonCode", violations[0].code)
    for violation in violations:
        where = f" at {violation.path[-1]}" if violation.path else ""
        add(status, "Reason", f"{violation.code}{where}: {violation.message}")
