"""Everything we measure beside the journeys: one file a service, each bringing numbers in on a schedule."""
