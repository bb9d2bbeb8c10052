"""The states of orders and jobs as data: every permitted step, what triggers it, and who (I27).

Orders speak the words of B2MML's RequestState, jobs those of OPC 10031-4; CANCELLED is added to the latter because the
record stays. An empty ``who`` means that the plant itself takes the step when something else happens.
"""

from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from mesgraph.access.roles import Role
from mesgraph.errors import Code, Denied, Refused, TransitionViolation
from mesgraph.orders.models import JobOrder, JobState, JobSubState, OperationsRequest, RequestState
from mesgraph.work import Work

R, J, S = RequestState, JobState, JobSubState

Place: TypeAlias = tuple[JobState, JobSubState | None]
"""Where a job stands."""

AUTOMATIC: frozenset[Role] = frozenset()
PLANNING = frozenset({Role.ERP, Role.PLANNER})
FLOOR = frozenset({Role.OPERATOR, Role.DRIVER})
SUPERVISOR = frozenset({Role.SUPERVISOR})


@dataclass(frozen=True)
class RequestStep:
    """An order may go from each of ``sources`` to ``target``."""

    sources: frozenset[RequestState]
    target: RequestState
    trigger: str
    who: frozenset[Role]


@dataclass(frozen=True)
class JobStep:
    """A job may go from each of ``sources`` to ``target``."""

    sources: frozenset[Place]
    target: Place
    trigger: str
    who: frozenset[Role]


NOT_STARTED = frozenset({R.FORECAST, R.RELEASED, R.WAITING, R.READY})
"""States of an order in which nothing has run yet."""

STOPPED = frozenset({R.HELD, R.SUSPENDED})
"""States of an order that has started and stands still as a whole."""

UNDER_WAY = STOPPED | {R.RUNNING}
"""States of an order that has started and not come to its end."""

REQUEST_STEPS: tuple[RequestStep, ...] = (
    RequestStep(frozenset({R.FORECAST}), R.RELEASED, "release", PLANNING),
    RequestStep(frozenset({R.RELEASED, R.READY}), R.WAITING, "readiness", AUTOMATIC),
    RequestStep(frozenset({R.RELEASED, R.WAITING}), R.READY, "readiness", AUTOMATIC),
    # WAITING tells what was missing when last looked at; what a start needs is checked at the start itself.
    RequestStep(frozenset({R.WAITING, R.READY}), R.RUNNING, "first job starts", AUTOMATIC),
    RequestStep(frozenset({R.RUNNING}), R.HELD, "hold", frozenset({Role.QUALITY, Role.SUPERVISOR, Role.RULE})),
    RequestStep(frozenset({R.RUNNING}), R.HELD, "hold placed on the order", AUTOMATIC),
    RequestStep(frozenset({R.RUNNING}), R.SUSPENDED, "suspend", frozenset({Role.PLANNER, Role.SUPERVISOR})),
    RequestStep(frozenset({R.HELD}), R.RUNNING, "resume", frozenset({Role.SUPERVISOR, Role.QUALITY})),
    RequestStep(frozenset({R.SUSPENDED}), R.RUNNING, "resume", SUPERVISOR),
    RequestStep(frozenset({R.RUNNING}), R.COMPLETED, "last step ends", AUTOMATIC),
    RequestStep(frozenset({R.RUNNING}), R.COMPLETED, "complete", SUPERVISOR),
    RequestStep(NOT_STARTED, R.CANCELLED, "cancel", PLANNING),
    RequestStep(UNDER_WAY, R.ABORTED, "abort", SUPERVISOR),
    RequestStep(frozenset({R.COMPLETED, R.ABORTED}), R.CLOSED, "close", PLANNING),
)

WAITS = (S.WAITING, S.READY, S.LOADED)

SUB_STATES: dict[JobState, tuple[JobSubState | None, ...]] = {
    J.NOT_ALLOWED_TO_START: WAITS,
    J.ALLOWED_TO_START: WAITS,
    J.RUNNING: (None,),
    J.INTERRUPTED: (S.HELD, S.SUSPENDED),
    J.ENDED: (S.COMPLETED, S.CLOSED),
    J.ABORTED: (None,),
    J.CANCELLED: (None,),
}
"""The sub-states of each state of a job."""

BEFORE_START = frozenset({J.NOT_ALLOWED_TO_START, J.ALLOWED_TO_START})
"""States of a job that has not run yet."""

LIVE = BEFORE_START | {J.RUNNING, J.INTERRUPTED}
"""States of a job that is still to be done."""


def places(*states: JobState) -> frozenset[Place]:
    """Every place within ``states``."""
    return frozenset((state, sub) for state in states for sub in SUB_STATES[state])


def _permission(source: JobState, target: JobState, trigger: str) -> list[JobStep]:
    """A permission is given or taken without a change of the sub-state."""
    who = frozenset({Role.SUPERVISOR, Role.PLANNER})
    return [JobStep(frozenset({(source, sub)}), (target, sub), trigger, who) for sub in WAITS]


def _waiting(state: JobState) -> list[JobStep]:
    """Before the start the sub-state follows what is missing."""
    return [
        JobStep(frozenset({(state, S.WAITING)}), (state, S.READY), "readiness", AUTOMATIC),
        JobStep(frozenset({(state, S.READY)}), (state, S.LOADED), "recipe loaded", AUTOMATIC),
        JobStep(frozenset({(state, S.READY), (state, S.LOADED)}), (state, S.WAITING), "readiness", AUTOMATIC),
    ]


PAUSES = FLOOR | {Role.RULE}
REROUTES = frozenset({Role.SUPERVISOR, Role.PLANNER, Role.RULE})

JOB_STEPS: tuple[JobStep, ...] = (
    *_permission(J.NOT_ALLOWED_TO_START, J.ALLOWED_TO_START, "permit"),
    *_permission(J.ALLOWED_TO_START, J.NOT_ALLOWED_TO_START, "revoke start"),
    *_waiting(J.NOT_ALLOWED_TO_START),
    *_waiting(J.ALLOWED_TO_START),
    JobStep(places(J.ALLOWED_TO_START), (J.RUNNING, None), "start", FLOOR),
    JobStep(places(J.RUNNING) | {(J.INTERRUPTED, S.SUSPENDED)}, (J.INTERRUPTED, S.HELD), "pause", PAUSES),
    JobStep(places(J.RUNNING) | {(J.INTERRUPTED, S.HELD)}, (J.INTERRUPTED, S.SUSPENDED), "pause", PAUSES),
    JobStep(places(J.RUNNING), (J.INTERRUPTED, S.HELD), "order held", AUTOMATIC),
    JobStep(places(J.RUNNING), (J.INTERRUPTED, S.SUSPENDED), "order suspended", AUTOMATIC),
    JobStep(places(J.INTERRUPTED), (J.RUNNING, None), "resume", frozenset({Role.OPERATOR, Role.SUPERVISOR})),
    JobStep(places(J.RUNNING, J.INTERRUPTED), (J.ENDED, S.COMPLETED), "stop", FLOOR),
    JobStep(frozenset({(J.ENDED, S.COMPLETED)}), (J.ENDED, S.CLOSED), "order closed", AUTOMATIC),
    JobStep(places(*LIVE), (J.ABORTED, None), "abort", frozenset({Role.SUPERVISOR, Role.RULE})),
    JobStep(places(*LIVE), (J.ABORTED, None), "order aborted", AUTOMATIC),
    JobStep(places(*BEFORE_START), (J.CANCELLED, None), "cancel", frozenset({Role.PLANNER})),
    JobStep(places(*BEFORE_START), (J.CANCELLED, None), "reroute", REROUTES),
    JobStep(places(J.RUNNING, J.INTERRUPTED), (J.ENDED, S.COMPLETED), "reroute", REROUTES),
    JobStep(places(*BEFORE_START), (J.CANCELLED, None), "order cancelled or completed", AUTOMATIC),
)


def request_targets(state: RequestState) -> tuple[RequestState, ...]:
    """Where an order in ``state`` may go, in the order of the table."""
    return tuple(dict.fromkeys(step.target for step in REQUEST_STEPS if state in step.sources))


def job_targets(place: Place) -> tuple[Place, ...]:
    """Where a job at ``place`` may go, in the order of the table."""
    return tuple(dict.fromkeys(step.target for step in JOB_STEPS if place in step.sources))


def shown_place(place: Place) -> str:
    """A place in words: ``INTERRUPTED/HELD``, or the state alone where it has no sub-states."""
    state, sub = place
    return f"{state}/{sub}" if sub else str(state)


def check_request_step(request: OperationsRequest, to: RequestState, *path: str | int) -> None:
    """Refuse INVALID_TRANSITION when the order may not go to ``to``."""
    if to not in request_targets(request.state):
        refuse_request_step(request, f"cannot become {to}", *path)


def refuse_request_step(request: OperationsRequest, why: str, *path: str | int) -> NoReturn:
    """Refuse INVALID_TRANSITION: the order stands where it stands, and ``why`` completes the sentence."""
    raise Refused(
        TransitionViolation(
            message=f"{request.code} is {request.state} and {why}",
            path=path or ("operations_request",),
            from_state=request.state,
            allowed=tuple(map(str, request_targets(request.state))),
        )
    )


def check_job_step(job: JobOrder, to: JobState, sub: JobSubState | None, *path: str | int) -> None:
    """Refuse INVALID_TRANSITION when the job may not go to ``to`` with sub-state ``sub``."""
    if (to, sub) not in job_targets((job.state, job.sub_state)):
        raise Refused(job_step_violation(job, f"cannot become {shown_place((to, sub))}", *path))


def job_step_violation(job: JobOrder, why: str, *path: str | int) -> TransitionViolation:
    """INVALID_TRANSITION: the job stands where it stands, and ``why`` completes the sentence."""
    place = (job.state, job.sub_state)
    return TransitionViolation(
        message=f"{job.code} is {shown_place(place)} and {why}",
        path=path or ("job_order",),
        from_state=shown_place(place),
        allowed=tuple(map(shown_place, job_targets(place))),
    )


def check_request_role(work: Work, request: OperationsRequest, to: RequestState) -> None:
    """Deny (FORBIDDEN) when the actor holds none of the roles that the table names for this step at the order's site.

    For steps whose roles depend on where the order stands; the others are the line of the policy.
    """
    steps = [step for step in REQUEST_STEPS if request.state in step.sources and step.target is to]
    roles = frozenset[Role]().union(*(step.who for step in steps))
    sites = work.actor.whole_sites_with(roles)
    if sites is not None and request.site_id not in sites:
        wanted = ", ".join(sorted(roles))
        raise Denied(Code.FORBIDDEN, f"{request.code} is {request.state}: {to} needs one of the roles {wanted}")
