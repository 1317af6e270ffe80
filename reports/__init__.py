"""Renders facts as HTML: templates, page contexts, charts. Generated files go to var/, never into this folder."""

from reports.round_page import render_round, write_round
from reports.run_page import render_run, write_run

__all__ = ["render_round", "render_run", "write_round", "write_run"]
