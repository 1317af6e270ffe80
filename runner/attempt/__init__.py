"""Runs one attempt under a supervisor: processes, deadlines, evidence, and the record."""
