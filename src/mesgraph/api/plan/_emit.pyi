from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

TEXT: int
INTEGER: int
BOOLEAN: int
EXACT: int
INSTANT: int
WORD: int
IDENTITY: int
MASK: int
ONE: int
MANY: int

Piece: TypeAlias = tuple[bytes, int]

class Unusual(Exception): ...

class Slot:
    kind: int
    column: int
    nullable: bool
    of: Any
    def __init__(self, kind: int, column: int, nullable: bool, of: Any = None) -> None: ...

class Template:
    fixed: tuple[bytes, ...]
    slots: tuple[Slot, ...]
    objects: int
    def __init__(self, fixed: Sequence[bytes], slots: Sequence[Slot], objects: int) -> None: ...

class Objects:
    template: Template | None
    templates: dict[str, Template]
    column: int
    def __init__(self, templates: Mapping[str, Template], column: int = -1) -> None: ...
    def each(self, rows: Iterable[Any], relations: list[dict[Any, Piece]], limit: int) -> list[Piece]: ...
    def array(self, rows: Iterable[Any], relations: list[dict[Any, Piece]], limit: int) -> Piece: ...
