"""Reads configuration from YAML, the environment and secret files; complaints name the file, the key and a hint."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from config.complaints import Complaint, ConfigError
from config.locations import JourneyPlan, Location, Locations
from config.secrets import Secret, read_secret

if TYPE_CHECKING:
    from config.documents import Document, read_document, with_settings
    from config.validation import validate

__all__ = [
    "Complaint",
    "ConfigError",
    "Document",
    "JourneyPlan",
    "Location",
    "Locations",
    "Secret",
    "read_document",
    "read_secret",
    "validate",
    "with_settings",
]
# Imported on first use: YAML and pydantic take a third of a second, which a run's process must not spend, because it
# reads no file.
_LATER = {
    "Document": "config.documents",
    "read_document": "config.documents",
    "with_settings": "config.documents",
    "validate": "config.validation",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATER[name]), name)
