"""Everything we measure beside the journeys: one file a service, each bringing numbers in on a schedule."""

from sources.inventory import read_inventory
from sources.source import SourceError

__all__ = ["SourceError", "read_inventory"]
