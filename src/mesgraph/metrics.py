"""What monitoring reads at /metrics. One registry per process: with several workers each tells its own."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

COMMAND_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)


class Metrics:
    """The numbers of one plant."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.commands = Counter(
            "mesgraph_commands", "Commands by outcome.", ["command", "outcome"], registry=self._registry
        )
        self.command_seconds = Histogram(
            "mesgraph_command_seconds",
            "From the call of a command to its commit.",
            buckets=COMMAND_SECONDS,
            registry=self._registry,
        )
        self.refusals = Counter(
            "mesgraph_refusals",
            "Requests that were refused before anything was done.",
            ["code"],
            registry=self._registry,
        )
        self.operations = Counter(
            "mesgraph_queries",
            "Queries by what answered them: a plan or graphql-core.",
            ["by"],
            registry=self._registry,
        )
        self.subscriptions = Gauge(
            "mesgraph_subscriptions", "Subscriptions that follow the record now.", registry=self._registry
        )
        self.passed_over = Counter(
            "mesgraph_reader_passed_over",
            "Events whose effect failed again and again, so that the reader went on without it.",
            ["reader"],
            registry=self._registry,
        )

    def watch(self, name: str, meaning: str, number: Callable[[], float]) -> None:
        """Ask ``number`` whenever the numbers are read."""
        Gauge(f"mesgraph_{name}", meaning, registry=self._registry).set_function(number)

    def text(self) -> bytes:
        """All numbers in the text format of Prometheus."""
        return generate_latest(self._registry)
