"""Facts to HTML: templates, page contexts, charts. Generated files go to var/, never in here."""

from reports.run_page import render_run, write_run

__all__ = ["render_run", "write_run"]
