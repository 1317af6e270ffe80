"""Contains the sections of a run's page, one file each: a frozen context and the function that fills it from facts."""
