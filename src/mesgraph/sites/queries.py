"""Named reads of transfers."""

from collections.abc import Collection

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.sites.models import Transfer, TransferLine, TransferState


def transfer_by_key(session: Session, number: str) -> Transfer | None:
    """The transfer with this number, if one of its sites is in scope."""
    return session.scalar(select(Transfer).where(Transfer.number == number))


def lines_of(session: Session, transfer_id: int) -> list[TransferLine]:
    """The lines of a transfer, in order."""
    return list(
        session.scalars(select(TransferLine).where(TransferLine.transfer_id == transfer_id).order_by(TransferLine.line))
    )


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
