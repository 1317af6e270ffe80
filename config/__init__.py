"""Reads YAML, environment and secret files, and complains with file, key and hint."""
