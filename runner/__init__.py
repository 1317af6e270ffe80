"""Runs the journeys of one location, each in a process of its own, and keeps every result until the hub has it."""
