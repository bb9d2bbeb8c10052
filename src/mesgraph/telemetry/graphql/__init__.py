"""Telemetry in the API."""

from mesgraph.telemetry.graphql.commands import TelemetryCommands
from mesgraph.telemetry.graphql.history import HistoryQueries
from mesgraph.telemetry.graphql.intake import IntakeCommands
from mesgraph.telemetry.graphql.lists import TelemetryQueries

__all__ = ["HistoryQueries", "IntakeCommands", "TelemetryCommands", "TelemetryQueries"]
