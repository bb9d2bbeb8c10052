"""Execution that ends when an answer has become too large, whatever its document promised."""

from typing import Any

from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from mesgraph.api import limits
from mesgraph.api.errors import refusal
from mesgraph.errors import Code


class BoundedExecutor(StrawberryGraphQLCoreExecutionContext):
    """Counts the objects that an answer, or a message of a subscription, is made of."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._objects = 0

    def build_per_event_executor(self, payload: Any) -> Any:
        """As the parent; each event has the whole budget."""
        executor: Any = super().build_per_event_executor(payload)
        executor._objects = 0
        return executor

    def execute_fields(self, *args: Any, **options: Any) -> Any:
        """As the parent, for one object more."""
        self._objects += 1
        if self._objects > limits.OBJECTS_MAX:
            raise too_many_objects()
        return super().execute_fields(*args, **options)


def too_many_objects() -> Exception:
    """The refusal of an answer that has become too large."""
    message = (
        f"the answer has over {limits.OBJECTS_MAX:,} objects, the most that is answered: "
        "lower `first`, or ask for columns or pages"
    )
    return refusal(message, Code.LIMIT_EXCEEDED)
