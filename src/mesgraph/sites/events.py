"""What happens to transfers. Each site is told what concerns it in its own stream."""

from dataclasses import dataclass

from mesgraph.equipment.models import Equipment
from mesgraph.ledger import Event
from mesgraph.materials.models import Item
from mesgraph.sites.models import Resolution, Transfer, TransferState


@dataclass(frozen=True, kw_only=True)
class TransferCreated(Event):
    """A transfer was drafted; its items are still where they were."""

    subjects = ("transfer",)
    transfer: Transfer
    items: list[str]
    from_site: str
    to_site: str


@dataclass(frozen=True, kw_only=True)
class TransferCancelled(Event):
    """A draft was given up; its items are where they were, and free for another transfer."""

    subjects = ("transfer",)
    transfer: Transfer


@dataclass(frozen=True, kw_only=True)
class TransferShipped(Event):
    """The items of a transfer left the sending site."""

    subjects = ("transfer",)
    transfer: Transfer
    item_count: int


@dataclass(frozen=True, kw_only=True)
class TransferAnnounced(Event):
    """The receiving site was told what is on its way: the transfer is IN_TRANSIT."""

    subjects = ("transfer",)
    transfer: Transfer
    item_count: int


@dataclass(frozen=True, kw_only=True)
class TransferReceived(Event):
    """The receiving site confirmed what has come. ``missing`` are keys of items of which something is missing."""

    subjects = ("transfer",)
    transfer: Transfer
    location: Equipment
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class TransferSettled(Event):
    """What became of the receipt, told to both sites: RECONCILED, or DISPUTED as long as there are differences."""

    subjects = ("transfer",)
    transfer: Transfer
    state: TransferState
    missing: list[str]


@dataclass(frozen=True, kw_only=True)
class TransferAdjusted(Event):
    """Somebody said what became of items that were missing."""

    subjects = ("transfer", "items")
    transfer: Transfer
    items: list[Item]
    resolution: Resolution
