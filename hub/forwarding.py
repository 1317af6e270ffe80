"""The headers by which a request shows that a reverse proxy, a tunnel or a content network passed it on."""

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
# However a server spells it, it says whose address it passes on (Ali-CDN-Real-IP, EO-Connecting-IP, Forwarded-For).
_PARTS = ("client-ip", "clientip", "connecting-ip", "forwarded", "real-ip", "src-ip")


def is_forwarding(header: str) -> bool:
    """Whether a header is one that browsers and runners never send, and those in between do."""
    # Some servers take an underscore for a hyphen, and so may who tries to slip through.
    name = header.lower().replace("_", "-")
    return name in _NAMES or name.startswith(_PREFIXES) or any(part in name for part in _PARTS)
