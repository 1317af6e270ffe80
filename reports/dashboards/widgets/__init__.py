"""Contains the widgets, one file each; `reports.dashboards.registry` lists them."""
