"""Named reads of transfers."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.sites.models import Transfer, TransferLine, TransferState


def transfer_by_key(session: Session, number: str) -> Transfer | None:
    """The transfer with this number, if one of its sites is in scope."""
    return session.scalar(select(Transfer).where(Transfer.number == number))


def lines_of(session: Session, transfer_id: int) -> list[TransferLine]:
    """The lines of a transfer, in order."""
    return list(
        session.scalars(select(TransferLine).where(TransferLine.transfer_id == transfer_id).order_by(TransferLine.line))
    )


def loss_at_receipt(session: Session, transfer: Transfer, item_id: int) -> GenealogyEvent | None:
    """The count by which the receipt of a transfer took off what had not come of a lot, if it stands."""
    reversal = aliased(GenealogyEvent)
    statement = (
        select(GenealogyEvent)
        .join(GenealogyLine, GenealogyLine.event_id == GenealogyEvent.id)
        .outerjoin(reversal, reversal.reverses_id == GenealogyEvent.id)
        .where(
            GenealogyLine.item_id == item_id,
            GenealogyLine.role == LineRole.INPUT,
            GenealogyEvent.event_kind == GenealogyKind.ADJUST,
            GenealogyEvent.occurred_at == transfer.received_at,
            reversal.id.is_(None),
        )
        .order_by(GenealogyEvent.id.desc())
    )
    return session.scalars(statement).first()


def drafts_with(session: Session, item_ids: Collection[int], from_site_id: int) -> dict[int, str]:
    """The number of the draft of the site on which each of these items stands, for those that stand on one."""
    statement = (
        select(TransferLine.item_id, Transfer.number)
        .join(Transfer, Transfer.id == TransferLine.transfer_id)
        .where(
            TransferLine.item_id.in_(sorted(set(item_ids))),
            Transfer.from_site_id == from_site_id,
            Transfer.state == TransferState.DRAFT,
        )
        .order_by(Transfer.id)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def last_number(session: Session, from_site_id: int) -> str | None:
    """The number of the last transfer that a site has made."""
    return session.scalar(select(func.max(Transfer.number)).where(Transfer.from_site_id == from_site_id))
