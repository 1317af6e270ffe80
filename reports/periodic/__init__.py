"""Reports about a calendar period, for owners: what happened, what to do, and how it was the period before. One file each.

A report type is a file beside this one and a line in `registry.py`; its sections are in `sections/`.
"""
