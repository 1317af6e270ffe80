"""One location: run each journey in a process of its own and keep what it saw."""
