"""Contains the sections of reports: pure functions from the numbers of two periods to tables, the worst row first."""
