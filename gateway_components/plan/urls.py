"""URLs: those of Services in the cluster, and what is wrong with those that others gave."""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

__all__ = ["UrlFault", "parts", "service_host", "service_url", "url_fault"]

_HTTP_PORT = 80
_LARGEST_PORT = 65535
_FORM = "write http://HOST:PORT/PATH"
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""A name, perhaps an international one, or an IPv4 or IPv6 address, as `urlsplit` gives it."""


@dataclass(frozen=True, slots=True)
class UrlFault:
    """What is wrong with a URL, as the end of a sentence about it, and what to do about it.

    Neither shows the URL or part of it: it may hold a password, at a place where nobody expects one.
    """

    message: str
    cure: str


def service_host(name: str, namespace: str) -> str:
    """Return the host name of a Service inside the cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def service_url(name: str, namespace: str, port: int = _HTTP_PORT) -> str:
    """Return where clients inside the cluster reach a Service; port 80 goes without saying."""
    host = service_host(name, namespace)
    return f"http://{host}" if port == _HTTP_PORT else f"http://{host}:{port}"


def url_fault(url: str) -> UrlFault | None:
    """Return why `url` cannot be called; None where it can: http or https, a host, no spaces, no credentials."""
    if any(character.isspace() or not character.isprintable() for character in url):
        return UrlFault("has a space or a control character", "write it as %20, or remove it")
    split = parts(url)
    if split is None:
        return UrlFault("has no host and port that make sense", _FORM)
    if split.scheme not in ("http", "https"):
        return UrlFault("is neither an http nor an https URL", "begin it with http:// or https://")
    if "@" in split.netloc:
        return UrlFault(
            "holds a user or password, which everyone could read",
            "remove it; give credentials by a config patch that names a variable",
        )
    if not _HOST.fullmatch(split.hostname or ""):
        return UrlFault("has a host that no server can have" if split.hostname else "has no host", _FORM)
    return None


def parts(url: str) -> SplitResult | None:
    """Return the parts of `url`; None where it has none that make sense."""
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    return split if port is None or 0 < port <= _LARGEST_PORT else None
