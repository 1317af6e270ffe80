"""An alerts.yaml of three receivers, for tests that are about something else: whoever they name has an address."""

SMALL_TEAM = """
destinations:
  slack-emergency: {kind: slack, url_from: SLACK_EMERGENCY_WEBHOOK}
  slack-ops: {kind: slack, url_from: SLACK_OPS_WEBHOOK}
  webhook: {kind: webhook, url_from: ALERT_WEBHOOK}
routes: {critical: [slack-emergency, webhook], high: [slack-ops, webhook], medium: [slack-ops, webhook]}
"""
