"""What every program needs to run: logs, signals, the network, HTTP with bounds, and the group commit."""
