"""Telemetry in the API."""

from mesgraph.telemetry.graphql.commands import TelemetryCommands
from mesgraph.telemetry.graphql.lists import TelemetryQueries

__all__ = ["TelemetryCommands", "TelemetryQueries"]
