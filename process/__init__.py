"""Provides what every program needs to run: logs, signals, the network, HTTP with limits, and the group commit."""
