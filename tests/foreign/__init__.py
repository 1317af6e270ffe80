"""Somebody else's shop, and the journey that buys there: what docs/journeys.md teaches, tried."""
