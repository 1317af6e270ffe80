"""Knows the hosts that only measure a page: a page sells as well without them, so their failure explains no missing control."""

from __future__ import annotations

import re

# Analytics, advertising pixels, and error and performance monitoring, by the domains that their scripts and beacons come from.
_DOMAINS = (
    *(
        "google-analytics.com",
        "analytics.google.com",
        "googletagmanager.com",
        "doubleclick.net",
        "googlesyndication.com",
    ),
    *(
        "googleadservices.com",
        "connect.facebook.net",
        "bat.bing.com",
        "clarity.ms",
        "snap.licdn.com",
        "px.ads.linkedin.com",
    ),
    *(
        "analytics.tiktok.com",
        "ads-twitter.com",
        "ct.pinterest.com",
        "criteo.com",
        "criteo.net",
        "taboola.com",
        "outbrain.com",
    ),
    *(
        "hotjar.com",
        "hotjar.io",
        "segment.com",
        "segment.io",
        "mixpanel.com",
        "mxpnl.com",
        "amplitude.com",
        "heapanalytics.com",
    ),
    *(
        "plausible.io",
        "matomo.cloud",
        "posthog.com",
        "umami.is",
        "usefathom.com",
        "mc.yandex.ru",
        "cloudflareinsights.com",
    ),
    *("vercel-insights.com", "va.vercel-scripts.com", "fullstory.com", "mouseflow.com", "logrocket.io", "lr-ingest.io"),
    *("sentry.io", "sentry-cdn.com", "bugsnag.com", "rollbar.com", "nr-data.net", "js-agent.newrelic.com"),
    *("datadoghq-browser-agent.com", "browser-intake-datadoghq.com", "browser-intake-datadoghq.eu"),
)
_MEASURES = re.compile(rf"^https?://(?:[^/:]+\.)?(?:{'|'.join(map(re.escape, _DOMAINS))})(?::\d+)?$", re.IGNORECASE)


def only_measures(origin: str) -> bool:
    """Return whether an origin (`https://www.google-analytics.com`) only measures the pages that load its scripts."""
    return _MEASURES.match(origin) is not None
