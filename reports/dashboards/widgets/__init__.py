"""The widgets, one file each; `reports.dashboards.registry` names them."""
