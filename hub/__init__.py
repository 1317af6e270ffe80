"""The centre: takes runs in, collects, judges, tells and shows."""
