"""Defines what a buyer does: one file a journey, page objects in journeys/pages/, the step DSL in journeys/visit.py."""
