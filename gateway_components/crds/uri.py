"""What the API server takes for a text of ``format: uri``, and what is wrong with any other.

It asks Go's ``net/url.ParseRequestURI``, which takes far more than a client can use (no host, spaces in the
path, any scheme) and refuses some things that Python's parsers take. So this follows net/url of Go 1.26, which
kube-apiserver 1.36 is built with, step by step; ``tests/crds/urls.py`` holds what was measured.
"""

import re
from ipaddress import AddressValueError, IPv6Address

from gateway_components.crds.syntax import Fault

__all__ = ["uri_fault"]

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
ESCAPED = r"%[0-9A-Fa-f]{2}"
PATH = re.compile(rf"(?:[^%]|{ESCAPED})*")
USER = re.compile(rf"(?:[A-Za-z0-9\-._:~!$&'()*+,;=@]|{ESCAPED})*")
HOST_ASCII = r"[A-Za-z0-9\-._~!$&'()*+,;=:\[\]<>\"]"
# Of ASCII, a host may hold nothing but the percent sign in escaped form.
HOST = re.compile(rf"(?:{HOST_ASCII}|[^\x00-\x7f]|%25|%[89A-Fa-f][0-9A-Fa-f])*")
ZONE = re.compile(rf"(?:{HOST_ASCII}|[^\x00-\x7f]|{ESCAPED})+")
ZONE_UNESCAPED = re.compile(rf"{HOST_ASCII}|[ %]")
PORT = re.compile(r"(?::[0-9]*)?")


def uri_fault(text: str) -> Fault | None:
    """Check a text as the API server checks ``format: uri``.

    Parameters
    ----------
    text : str
        What stands in the field.

    Returns
    -------
    Fault or None
        Nothing for a text that the API server takes, be it of use or not. No message shows the text: a URL may
        hold a password.
    """
    if not text:
        return Fault("is empty", "Give it a URL.")
    if CONTROL.search(text):
        return Fault("has a line break or another control character", "Write the URL on one line.")
    if text == "*":
        return None
    match = SCHEME.match(text)
    scheme = match[1].lower() if match else ""
    rest = (text[match.end() :] if match else text).partition("?")[0]
    if not rest.startswith("/"):
        return None if scheme else Fault("is no URL", "Begin it with http:// or https://.")
    if scheme and rest.startswith("//"):
        authority, slash, path = rest[2:].partition("/")
        return _authority_fault(scheme, authority) or _path_fault(slash + path)
    return _path_fault(rest)


def _path_fault(path: str) -> Fault | None:
    if PATH.fullmatch(path):
        return None
    return Fault("has a '%' in its path that stands for no character", "Write %25 for a percent sign.")


def _authority_fault(scheme: str, authority: str) -> Fault | None:
    """Check what stands between ``//`` and the path."""
    user, at, host = authority.rpartition("@")
    fault = _address_fault(host) if "[" in host else _host_fault(scheme, host)
    if fault is None and at and not USER.fullmatch(user):
        return Fault(
            "has characters in front of the '@' that no URL may have there", "Escape them, such as %20."
        )
    return fault


def _host_fault(scheme: str, host: str) -> Fault | None:
    """Check a host by name, or an IPv4 address."""
    # Other schemes may have colons in front of that of the port, as in lists of hosts of a database.
    colon = host.find(":") if scheme in {"http", "https"} else host.rfind(":")
    if colon >= 0 and not PORT.fullmatch(host[colon:]):
        return Fault("has a ':' after its host and no port there", "Write a port such as :8080.")
    if not HOST.fullmatch(host):
        return Fault("has characters in its host that no host may have", "Write the host's name or address.")
    return None


def _address_fault(host: str) -> Fault | None:
    """Check a host with brackets, which stand for an IPv6 address, perhaps with a zone."""
    inside, bracket, port = host[1:].rpartition("]")
    address, zoned, zone = inside.partition("%25")
    if (
        host.rfind("[") == 0
        and bracket
        and PORT.fullmatch(port)
        and _is_ipv6(address)
        and (not zoned or _is_zone(zone))
    ):
        return None
    return Fault("has brackets in its host and no IPv6 address in them", "Write it like [::1] or [::1]:8080.")


def _is_ipv6(text: str) -> bool:
    if "%" in text:
        return False
    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _is_zone(text: str) -> bool:
    """Return whether an IPv6 address may have this zone: what a host may hold, escaped or not, and spaces."""
    codes = re.findall("%([0-9A-Fa-f]{2})", text)
    return ZONE.fullmatch(text) is not None and all(
        ZONE_UNESCAPED.fullmatch(chr(int(code, 16))) for code in codes
    )
