"""Everything we measure beside the journeys: one file a service, each bringing numbers in on a schedule."""

from sources.inventory import LARGEST_ANSWER, read_inventory
from sources.source import SourceError

__all__ = ["LARGEST_ANSWER", "SourceError", "read_inventory"]
