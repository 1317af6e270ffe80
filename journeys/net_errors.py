"""Explains the browser's connection errors in words, and says whether a connection was ever established."""

from __future__ import annotations

import re

# Every error that a page or one of its requests may end with, of Chromium's list (see _NO_WAY). Those of a browser's inside (its cache,
# imports of certificates) and new ones are spelled out from their names.
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
    "ERR_UNEXPECTED": "the browser met something unexpected",
    "ERR_ACCESS_DENIED": "access was denied",
    "ERR_NOT_IMPLEMENTED": "the browser does not support it",
    "ERR_INVALID_ARGUMENT": "the browser was asked for something impossible",
    "ERR_FILE_NOT_FOUND": "the file is not there",
    "ERR_FILE_TOO_BIG": "the file is too big",
    "ERR_UPLOAD_FILE_CHANGED": "the file changed while it was uploaded",
    "ERR_UPLOAD_STREAM_REWIND_NOT_SUPPORTED": "what was uploaded would have to be sent again, and it cannot",
    "ERR_SOCKET_NOT_CONNECTED": "the connection is gone",
    "ERR_CONTEXT_SHUT_DOWN": "the browser is closing",
    "ERR_BLOCKED_BY_ADMINISTRATOR": "a policy of this machine blocks the address",
    "ERR_CLEARTEXT_NOT_PERMITTED": "a policy of this machine allows https alone",
    "ERR_H2_OR_QUIC_REQUIRED": "the server does not speak HTTP/2 or QUIC, which this request needs",
    "ERR_NO_SSL_VERSIONS_ENABLED": "TLS is off in this browser",
    "ERR_SSL_RENEGOTIATION_REQUESTED": "TLS failed: the server wants to negotiate anew",
    "ERR_SSL_NO_RENEGOTIATION": "TLS failed: the server does not negotiate anew",
    "ERR_PROXY_AUTH_UNSUPPORTED": "the proxy asks for a login in a way that the browser does not know",
    "ERR_PROXY_AUTH_REQUESTED": "the proxy asks for a login",
    "ERR_PROXY_AUTH_REQUESTED_WITH_NO_CONNECTION": "the proxy asks for a login",
    "ERR_PROXY_CERTIFICATE_INVALID": "the proxy's certificate is not valid",
    "ERR_PROXY_HTTP_1_1_REQUIRED": "the proxy takes HTTP/1.1 alone",
    "ERR_HTTPS_PROXY_TUNNEL_RESPONSE_REDIRECT": "the proxy redirects instead of connecting",
    "ERR_UNEXPECTED_PROXY_AUTH": "a proxy that nobody asked answers, and wants a login",
    "ERR_NO_SUPPORTED_PROXIES": "there is no proxy of a kind that the browser knows",
    "ERR_MANDATORY_PROXY_CONFIGURATION_FAILED": "the settings of the proxy could not be read",
    "ERR_PAC_SCRIPT_FAILED": "the script that chooses the proxy failed",
    "ERR_PAC_SCRIPT_TERMINATED": "the script that chooses the proxy was ended",
    "ERR_PAC_NOT_IN_DHCP": "the network names no script that chooses the proxy",
    "ERR_SOCKS_CONNECTION_FAILED": "the SOCKS proxy does not answer",
    "ERR_SOCKS_CONNECTION_HOST_UNREACHABLE": "the SOCKS proxy does not reach the server",
    "ERR_HOST_RESOLVER_QUEUE_TOO_LARGE": "too many names wait to be resolved",
    "ERR_ALPN_NEGOTIATION_FAILED": "browser and server found no protocol in common",
    "ERR_SSL_DECOMPRESSION_FAILURE_ALERT": "TLS failed: the server could not decompress what was sent",
    "ERR_SSL_BAD_RECORD_MAC_ALERT": "TLS failed: the server says that what was sent arrived damaged",
    "ERR_SSL_DECRYPT_ERROR_ALERT": "TLS failed: the server could not check a signature",
    "ERR_SSL_CLIENT_AUTH_PRIVATE_KEY_ACCESS_DENIED": "the key of the client's certificate may not be used",
    "ERR_SSL_CLIENT_AUTH_CERT_NO_PRIVATE_KEY": "the client's certificate has no key",
    "ERR_SSL_CLIENT_AUTH_SIGNATURE_FAILED": "the client's certificate could not sign",
    "ERR_SSL_CLIENT_AUTH_CERT_BAD_FORMAT": "the client's certificate cannot be read",
    "ERR_SSL_CLIENT_AUTH_NO_COMMON_ALGORITHMS": "the server takes no signature that the client's certificate can make",
    "ERR_CLIENT_AUTH_CERT_TYPE_UNSUPPORTED": "the server asks for a certificate of a kind that the browser does not know",
    "ERR_SSL_HANDSHAKE_NOT_COMPLETED": "TLS failed: the handshake came to no end",
    "ERR_SSL_BAD_PEER_PUBLIC_KEY": "TLS failed: the server's key is not valid",
    "ERR_SSL_PINNED_KEY_NOT_IN_CERT_CHAIN": "the certificate is not one of those that are pinned for this name",
    "ERR_SSL_SERVER_CERT_CHANGED": "the server's certificate changed while it was spoken to",
    "ERR_SSL_SERVER_CERT_BAD_FORMAT": "the server's certificate cannot be read",
    "ERR_SSL_OBSOLETE_CIPHER": "TLS failed: the server wants a cipher that is out of use",
    "ERR_SSL_KEY_USAGE_INCOMPATIBLE": "TLS failed: the server's certificate forbids this use of its key",
    "ERR_TLS13_DOWNGRADE_DETECTED": "TLS failed: something on the way lowers its version",
    "ERR_EARLY_DATA_REJECTED": "TLS failed: the server refused what was sent early",
    "ERR_WRONG_VERSION_ON_EARLY_DATA": "TLS failed: the server answered early data with another version",
    "ERR_INVALID_ECH_CONFIG_LIST": "TLS failed: the name servers tell an encryption key (ECH) that cannot be read",
    "ERR_ECH_NOT_NEGOTIATED": "TLS failed: the server cannot decrypt the hello (ECH)",
    "ERR_ECH_FALLBACK_CERTIFICATE_INVALID": "TLS failed: the server cannot decrypt the hello (ECH), and its certificate is not valid",
    "ERR_CERT_CONTAINS_ERRORS": "the certificate has errors",
    "ERR_CERT_NO_REVOCATION_MECHANISM": "the certificate does not tell how it could be revoked",
    "ERR_CERT_UNABLE_TO_CHECK_REVOCATION": "whether the certificate was revoked cannot be checked",
    "ERR_CERT_NON_UNIQUE_NAME": "the certificate is for a name that is not unique",
    "ERR_CERT_WEAK_KEY": "the certificate's key is too weak",
    "ERR_CERT_NAME_CONSTRAINT_VIOLATION": "the certificate is for a name that its authority may not certify",
    "ERR_CERT_VALIDITY_TOO_LONG": "the certificate is valid for too long",
    "ERR_CERT_SYMANTEC_LEGACY": "the certificate's authority is no longer trusted",
    "ERR_CERT_KNOWN_INTERCEPTION_BLOCKED": "the certificate is known for listening in",
    "ERR_NETWORK_ACCESS_DENIED": "something on this machine, such as a firewall, denies access to the network",
    "ERR_NETWORK_IO_SUSPENDED": "the network is suspended on this machine",
    "ERR_NAME_RESOLUTION_FAILED": "the name does not resolve",
    "ERR_ICANN_NAME_COLLISION": "the name collides with one of the public internet",
    "ERR_TEMPORARILY_THROTTLED": "the browser holds back, after many failures",
    "ERR_MSG_TOO_BIG": "what was sent is too big for the connection",
    "ERR_WS_PROTOCOL_ERROR": "the server broke the WebSocket protocol",
    "ERR_ADDRESS_IN_USE": "the address is in use on this machine",
    "ERR_NO_BUFFER_SPACE": "this machine has run out of room for connections",
    "ERR_PRECONNECT_MAX_SOCKET_LIMIT": "this browser has as many connections as it may",
    "ERR_INVALID_URL": "the address is not valid",
    "ERR_DISALLOWED_URL_SCHEME": "the address begins with a scheme that may not be opened",
    "ERR_METHOD_NOT_SUPPORTED": "the server does not take this method",
    "ERR_REQUEST_RANGE_NOT_SATISFIABLE": "the server has not got the part that was asked for",
    "ERR_MALFORMED_IDENTITY": "the login is not valid",
    "ERR_INVALID_AUTH_CREDENTIALS": "the login is not accepted",
    "ERR_MISSING_AUTH_CREDENTIALS": "there is no login for this server",
    "ERR_UNSUPPORTED_AUTH_SCHEME": "the server asks for a login in a way that the browser does not know",
    "ERR_MISCONFIGURED_AUTH_ENVIRONMENT": "this machine is not set up for the login that the server asks for",
    "ERR_UNEXPECTED_SECURITY_LIBRARY_STATUS": "the login failed inside this machine's security library",
    "ERR_UNDOCUMENTED_SECURITY_LIBRARY_STATUS": "the login failed inside this machine's security library",
    "ERR_ENCODING_CONVERSION_FAILED": "the answer's characters could not be read",
    "ERR_ENCODING_DETECTION_FAILED": "the answer's characters could not be read",
    "ERR_RESPONSE_BODY_TOO_BIG_TO_DRAIN": "the answer is too big",
    "ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION": "the answer says twice how it is to be kept",
    "ERR_INCOMPLETE_HTTP2_HEADERS": "the connection was cut in the middle of the headers",
    "ERR_SYN_REPLY_NOT_RECEIVED": "the server sent data before its headers",
    "ERR_HTTP2_SERVER_REFUSED_STREAM": "the server refused the request over HTTP/2",
    "ERR_HTTP2_CLIENT_REFUSED_STREAM": "the browser refused what the server sent over HTTP/2",
    "ERR_HTTP2_PING_FAILED": "the server stopped answering on its HTTP/2 connection",
    "ERR_HTTP2_INADEQUATE_TRANSPORT_SECURITY": "the server's TLS is too weak for HTTP/2",
    "ERR_HTTP2_FLOW_CONTROL_ERROR": "the server broke the HTTP/2 protocol: it sent more than it may",
    "ERR_HTTP2_FRAME_SIZE_ERROR": "the server broke the HTTP/2 protocol: a frame has the wrong size",
    "ERR_HTTP2_COMPRESSION_ERROR": "the server broke the HTTP/2 protocol: its headers could not be decompressed",
    "ERR_HTTP2_STREAM_CLOSED": "the server broke the HTTP/2 protocol: it went on after the end",
    "ERR_HTTP2_RST_STREAM_NO_ERROR_RECEIVED": "the server broke off the answer over HTTP/2",
    "ERR_HTTP_1_1_REQUIRED": "the server takes HTTP/1.1 alone",
    "ERR_QUIC_HANDSHAKE_FAILED": "no connection over QUIC could be made",
    "ERR_QUIC_CERT_ROOT_NOT_KNOWN": "the certificate's authority is not trusted over QUIC",
    "ERR_QUIC_GOAWAY_REQUEST_CAN_BE_RETRIED": "the server closed its QUIC connection before it answered",
    "ERR_CONTENT_DECODING_INIT_FAILED": "the answer is compressed in a way that cannot be read",
    "ERR_TOO_MANY_RETRIES": "the browser tried too many times",
    "ERR_TOO_MANY_ACCEPT_CH_RESTARTS": "the server asks anew for client hints (ACCEPT_CH) too many times",
    "ERR_INCONSISTENT_IP_ADDRESS_SPACE": "the server moved between a public and a private network during the request",
    "ERR_CACHED_IP_ADDRESS_SPACE_BLOCKED_BY_LOCAL_NETWORK_ACCESS_POLICY": "a public page may not reach into a private network",
    "ERR_BLOCKED_BY_PRIVATE_NETWORK_ACCESS_CHECKS": "a public page may not reach into a private network",
    "ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS": "a public page may not reach into a private network",
    "ERR_CACHE_MISS": "the page is not in the browser's cache, and may not be asked for again",
    "ERR_CACHE_READ_FAILURE": "the browser's cache cannot be read",
    "ERR_CACHE_WRITE_FAILURE": "the browser's cache cannot be written",
    "ERR_INSECURE_RESPONSE": "the answer is not secure",
    "ERR_INVALID_SIGNED_EXCHANGE": "the signed page that came is not valid",
    "ERR_INVALID_WEB_BUNDLE": "the bundle that came is not valid",
    "ERR_TRUST_TOKEN_OPERATION_FAILED": "a private-state token could not be had or used",
    "ERR_DNS_MALFORMED_RESPONSE": "the name servers answer what cannot be read",
    "ERR_DNS_SERVER_REQUIRES_TCP": "the name server answers over TCP alone",
    "ERR_DNS_SERVER_FAILED": "the name servers fail",
    "ERR_DNS_SECURE_RESOLVER_HOSTNAME_RESOLUTION_FAILED": "the name server's own name does not resolve",
    "ERR_DNS_NAME_HTTPS_ONLY": "the name servers say that this site is for https alone",
    "ERR_DNS_REQUEST_CANCELLED": "the question to the name servers was given up",
    "ERR_DNS_NO_MATCHING_SUPPORTED_ALPN": "the name servers tell no protocol of the site that the browser speaks",
    "ERR_DNS_CACHE_MISS": "the name is not known on this machine",
    "ERR_DNS_SEARCH_EMPTY": "the name does not resolve",
    "ERR_DNS_SORT_ERROR": "the name's addresses could not be put in order",
}
# Words that a browser's names of errors are made of, where their own letters are not what a person reads.
_SPELLED = {
    "ssl": "TLS",
    "cert": "certificate",
    "ech": "ECH",
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
    r"|TUNNEL_|SOCKS_|MANDATORY_PROXY|HTTPS_PROXY_|NO_SUPPORTED_PROXIES|PAC_|UNEXPECTED_PROXY_AUTH|SOCKET_NOT_CONNECTED"
    r"|HOST_RESOLVER|UNSAFE_PORT)"
    r"|ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT"
)
_OURS = re.compile(
    r"ERR_(INSUFFICIENT_RESOURCES|OUT_OF_MEMORY|FILE_NO_SPACE|NO_BUFFER_SPACE|PRECONNECT_MAX_SOCKET_LIMIT)|ENOSPC|EMFILE|ENOMEM"
)
# Its own kind of in between: before any answer a box on the way may have done it, after one it was the server.
_RESET = re.compile(r"ERR_CONNECTION_RESET|ECONNRESET")


def name_of(message: str) -> str | None:
    """Return the browser's name of the error in a message (`ERR_CONNECTION_REFUSED`); None if it contains none."""
    match = re.search(r"net::(ERR_\w+)", message)
    return match[1] if match else None


def in_words(message: str) -> str | None:
    """Return the error in words, with the browser's name of it; None if the message contains no such error."""
    name = name_of(message)
    if name is None:
        return None
    spelled = " ".join(_SPELLED.get(part, part) for part in name.removeprefix("ERR_").lower().split("_"))
    return f"{_WORDS.get(name, spelled)} (net::{name})"


PROXY_REFUSES = 407
"""What no site answers, only a proxy on the way to it (a browser that uses none takes it for an error)."""


def is_the_sites(status: int | None) -> bool:
    """Return whether an HTTP status comes from the site itself, not from a proxy."""
    return status is not None and status != PROXY_REFUSES


def never_connected(message: str, *, answered_before: bool) -> bool:
    """Return whether no connection was established. `answered_before`: the host had responded in the same attempt."""
    if answered_before and _RESET.search(message):
        return False
    return bool(_NO_WAY.search(message))


def is_ours(message: str) -> bool:
    """Return whether this machine lacks a resource that a connection needs."""
    return bool(_OURS.search(message))
