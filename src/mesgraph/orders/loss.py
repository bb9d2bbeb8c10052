"""What a run took and will not become anything: scrapped with the run that is given up."""

from mesgraph.genealogy.activity import record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.orders.production import Portion, pending_of, settle
from mesgraph.orders.run import Run
from mesgraph.work import Work


def scrap_pending(work: Work, run: Run) -> GenealogyEvent | None:
    """Scrap all that is pending in the run, as one activity of it; ``None`` when nothing is.

    The caller has locked the items. Reversing the activity gives the material back to its items.
    """
    portions = [Portion(actual=actual, item=item, quantity=actual.pending) for actual, item in pending_of(work, run)]
    if not portions:
        return None
    activity = record_activity(
        work,
        kind=GenealogyKind.SCRAP,
        site_id=run.response.site_id,
        inputs=[portion.line for portion in portions],
        outputs=[],
        job_response=run.response,
        location=run.equipment,
    )
    settle(portions, activity)
    return activity
