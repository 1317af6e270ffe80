"""Recognizes the headers of requests that a reverse proxy, a tunnel or a CDN has forwarded."""

from __future__ import annotations

_NAMES = frozenset(
    {
        "cdn-loop",
        "client-ip",
        "forwarded",
        "front-end-https",
        "surrogate-capability",
        "via",
        "x-host",
        "x-rewrite-url",
        "x-scheme",
        "x-script-name",
        "x-url-scheme",
        "x-varnish",
    }
)
_PREFIXES = (
    "akamai-",
    "cf-",
    "cloudfront-",
    "fastly-",
    "fly-",
    "incap-",
    "ngrok-",
    "proxy-client",
    "remote-",
    "tailscale-",
    "true-client-",
    "wl-proxy-",
    "x-amz-cf-",
    "x-amzn-",
    "x-appengine-",
    "x-arr-",
    "x-auth-request-",
    "x-authentik-",
    "x-azure-",
    "x-cluster-client",
    "x-envoy-",
    "x-goog-",
    "x-nf-",
    "x-ms-client-principal",
    "x-original-",
    "x-pomerium-",
    "x-proxy",
    "x-real-",
    "x-remote-",
    "x-vercel-",
    "x-webauth-",
)
# Parts of the many names for the header with the client's address (Ali-CDN-Real-IP, EO-Connecting-IP, Forwarded-For).
_PARTS = ("client-ip", "clientip", "connecting-ip", "forwarded", "real-ip", "src-ip")


def is_forwarding(header: str) -> bool:
    """Return whether a header is one that intermediaries send, but browsers and runners never do."""
    # Some servers treat an underscore like a hyphen, which an attacker could use to bypass this check.
    name = header.lower().replace("_", "-")
    return name in _NAMES or name.startswith(_PREFIXES) or any(part in name for part in _PARTS)
