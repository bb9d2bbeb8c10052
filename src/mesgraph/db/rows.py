"""The base of all rows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, MetaData
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from mesgraph.db.types import Instant, Key


class Row(DeclarativeBase):
    """A row. What a domain does with it stands in the domain's ``actions`` and ``queries``."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Entity(Row):
    """A thing with an identity, a version for optimistic locking, and a history in the ledger.

    ``kind`` is its public type name, which also names it as a subject in the ledger; ``lock_rank`` its place in the
    one order in which rows are locked (see :meth:`mesgraph.work.Work.lock`).
    """

    __abstract__ = True
    kind: ClassVar[str]
    lock_rank: ClassVar[int] = 90
    kinds: ClassVar["tuple[str, Mapping[Any, str]] | None"] = None
    """Where one table holds several public types: the column that tells them apart, and the type of each word in it."""

    id: Mapped[int] = mapped_column(Key, primary_key=True, sort_order=-3)
    version: Mapped[int] = mapped_column(default=1, sort_order=-2)
    created_at: Mapped[datetime] = mapped_column(Instant, sort_order=-1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, object]:
        return {"version_id_col": cls.version}

    @property
    def human_key(self) -> str:
        """What people call it: the code, number or serial that stands in messages and in the ledger."""
        raise NotImplementedError(type(self).__name__)

    @property
    def place_id(self) -> int | None:
        """Id of the equipment where it is, for roles that count at equipment; ``None`` for its site as a whole."""
        return None

    @property
    def subject_kind(self) -> str:
        """The public type name of this very row."""
        if self.kinds is None:
            return self.kind
        column, names = self.kinds
        return names[getattr(self, column)]


class Sited:
    """Belongs to one site. Sessions with a site scope see only rows of their sites (see :mod:`mesgraph.db.scope`)."""

    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)


class BetweenSites:
    """Belongs to two sites: whoever sees one of them sees it (see :mod:`mesgraph.db.scope`)."""

    from_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
    to_site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), index=True)
