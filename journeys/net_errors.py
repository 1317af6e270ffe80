"""What a browser says when a connection fails: in words, and whether the way to the other side stood at all."""

from __future__ import annotations

import re

_WORDS = {
    "ERR_CONNECTION_REFUSED": "connection refused",
    "ERR_NAME_NOT_RESOLVED": "the name does not resolve",
    "ERR_CONNECTION_TIMED_OUT": "the connection timed out",
    "ERR_TIMED_OUT": "timed out",
    "ERR_CONNECTION_RESET": "the connection was reset",
    "ERR_CONNECTION_CLOSED": "the connection was closed",
    "ERR_EMPTY_RESPONSE": "the connection was closed without an answer",
    "ERR_CONTENT_LENGTH_MISMATCH": "the connection was cut in the middle of the answer",
    "ERR_INCOMPLETE_CHUNKED_ENCODING": "the connection was cut in the middle of the answer",
    "ERR_INVALID_HTTP_RESPONSE": "what came is not HTTP",
    "ERR_INVALID_CHUNKED_ENCODING": "what came is not HTTP",
    "ERR_RESPONSE_HEADERS_TRUNCATED": "the connection was cut in the middle of the headers",
    "ERR_TOO_MANY_REDIRECTS": "the site redirects in a circle",
    "ERR_INTERNET_DISCONNECTED": "no network",
    "ERR_NETWORK_CHANGED": "the network changed",
    "ERR_ADDRESS_UNREACHABLE": "the address is unreachable",
    "ERR_PROXY_CONNECTION_FAILED": "the proxy does not answer",
    "ERR_TUNNEL_CONNECTION_FAILED": "the proxy refuses the connection",
    "ERR_SSL_PROTOCOL_ERROR": "TLS failed",
    "ERR_SSL_VERSION_OR_CIPHER_MISMATCH": "TLS failed: no version or cipher in common",
    "ERR_CERT_AUTHORITY_INVALID": "the certificate's authority is not trusted",
    "ERR_CERT_COMMON_NAME_INVALID": "the certificate is for another name",
    "ERR_CERT_DATE_INVALID": "the certificate has expired or is not valid yet",
    "ERR_INSUFFICIENT_RESOURCES": "this machine has run out of resources",
    "ERR_OUT_OF_MEMORY": "this machine has run out of memory",
    "ERR_FILE_NO_SPACE": "this machine's disk is full",
    "ERR_CONTENT_DECODING_FAILED": "the answer could not be decompressed",
    "ERR_INVALID_RESPONSE": "the answer is not valid",
    "ERR_HTTP2_PROTOCOL_ERROR": "the server broke the HTTP/2 protocol",
    "ERR_QUIC_PROTOCOL_ERROR": "the server broke the QUIC protocol",
    "ERR_RESPONSE_HEADERS_TOO_BIG": "the answer's headers are too big",
    "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH": "the answer has two different lengths",
    "ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION": "the answer redirects to two places at once",
    "ERR_HTTP_RESPONSE_CODE_FAILURE": "the answer is an error without a page",
    "ERR_INVALID_REDIRECT": "the site redirects to an address that is none",
    "ERR_UNSAFE_REDIRECT": "the site redirects to an address that no page may open",
    "ERR_UNKNOWN_URL_SCHEME": "the address begins with a scheme that no browser opens",
    "ERR_UNSAFE_PORT": "the address has a port that browsers refuse",
    "ERR_BLOCKED_BY_CLIENT": "the browser itself blocked it",
    "ERR_BLOCKED_BY_CSP": "the page's own security policy keeps it away",
    "ERR_BLOCKED_BY_ORB": "the browser keeps the answer from a page of another site",
    "ERR_BLOCKED_BY_RESPONSE": "a header of the answer forbids its use here",
    "ERR_ABORTED": "it was broken off",
    "ERR_FAILED": "it failed, and the browser does not say why",
    "ERR_CONNECTION_ABORTED": "the connection was broken off",
    "ERR_CONNECTION_FAILED": "no connection could be made",
    "ERR_ADDRESS_INVALID": "the address is not valid",
    "ERR_DNS_TIMED_OUT": "the name servers do not answer",
    "ERR_CERT_REVOKED": "the certificate was revoked",
    "ERR_CERT_INVALID": "the certificate is not valid",
    "ERR_CERT_WEAK_SIGNATURE_ALGORITHM": "the certificate's signature is too weak",
    "ERR_CERTIFICATE_TRANSPARENCY_REQUIRED": "the certificate is in no public log",
    "ERR_SSL_UNRECOGNIZED_NAME_ALERT": "TLS failed: the server does not know this name",
    "ERR_SSL_CLIENT_AUTH_CERT_NEEDED": "the server asks for a certificate of the client",
    "ERR_BAD_SSL_CLIENT_AUTH_CERT": "the server refuses the client's certificate",
}
# Words that a browser's names of errors are made of, where their own letters are not what a person reads.
_SPELLED = {
    "ssl": "TLS",
    "cert": "certificate",
    "dns": "DNS",
    "http2": "HTTP/2",
    "quic": "QUIC",
    "csp": "CSP",
    "url": "URL",
    "http": "HTTP",
}
# The other side was never spoken to. In every error that is not here the connection stood, and what came over it was wrong.
# https://source.chromium.org/chromium/chromium/src/+/main:net/base/net_error_list.h
_NO_WAY = re.compile(
    r"ERR_(NAME_|DNS_|ICANN_|ADDRESS_|CONNECTION_(REFUSED|TIMED_OUT|RESET|FAILED|ABORTED)|TIMED_OUT|INTERNET_|NETWORK_|PROXY_"
    r"|TUNNEL_|SOCKS_|MANDATORY_PROXY|SOCKET_NOT_CONNECTED|HOST_RESOLVER|UNSAFE_PORT)"
    r"|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT"
)
_OURS = re.compile(r"ERR_(INSUFFICIENT_RESOURCES|OUT_OF_MEMORY|FILE_NO_SPACE)|ENOSPC|EMFILE|ENOMEM")
# Its own kind of in between: before any answer a box on the way may have done it, after one it was the server.
_RESET = re.compile(r"ERR_CONNECTION_RESET|ECONNRESET")


def name_of(message: str) -> str | None:
    """The browser's name of the error in a message (`ERR_CONNECTION_REFUSED`); None where there is none."""
    match = re.search(r"net::(ERR_\w+)", message)
    return match[1] if match else None


def in_words(message: str) -> str | None:
    """The error in words, with the browser's name of it; None where the message holds no such error."""
    name = name_of(message)
    if name is None:
        return None
    spelled = " ".join(_SPELLED.get(part, part) for part in name.removeprefix("ERR_").lower().split("_"))
    return f"{_WORDS.get(name, spelled)} (net::{name})"


PROXY_REFUSES = 407
"""What no site answers, only a proxy on the way to it (a browser that uses none takes it for an error)."""


def is_the_sites(status: int | None) -> bool:
    """Whether an HTTP status is an answer of the site."""
    return status is not None and status != PROXY_REFUSES


def never_connected(message: str, *, answered_before: bool) -> bool:
    """Whether the way to the other side failed. `answered_before`: it had answered in the same attempt."""
    if answered_before and _RESET.search(message):
        return False
    return bool(_NO_WAY.search(message))


def is_ours(message: str) -> bool:
    """Whether this machine is short of what a connection needs."""
    return bool(_OURS.search(message))
