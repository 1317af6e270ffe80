"""The `sixfb` command: one file a subcommand."""

from cli.app import main

__all__ = ["main"]
