"""Reads YAML, environment and secret files, and complains with file, key and hint."""

from config.complaints import Complaint, ConfigError
from config.documents import Document, read_document, with_settings
from config.locations import JourneyPlan, Location, Locations
from config.secrets import Secret, read_secret
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
