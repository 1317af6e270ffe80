"""What processes are called. One that ends while it is looked at is called nothing."""

from __future__ import annotations

import psutil


def name_of(process: psutil.Process) -> str:
    """Its short name."""
    try:
        return str(process.name())
    except psutil.Error:
        return ""


def command_of(process: psutil.Process) -> str:
    """Its command line."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
