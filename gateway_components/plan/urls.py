"""URLs: those of Services in the cluster, and what is wrong with those that others gave."""

import re
import socket
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from gateway_components.api.syntax import SUBDOMAIN, SUBDOMAIN_LENGTH, Fault, shown

Address = IPv4Address | IPv6Address

HTTP_PORT = 80
_PORTS = {"http": HTTP_PORT, "https": 443}
_LARGEST_PORT = 65535
_FORM = "write http://HOST:PORT/PATH"
_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+")
"""A name, perhaps an international one, or an IPv4 or IPv6 address, as `urlsplit` gives it."""

_OWN_NAMES = (
    "localhost",
    "localhost.localdomain",
    "localhost4",
    "localhost6",
    "ip6-localhost",
    "ip6-loopback",
)
"""Names that resolve to the pod itself, from the kubelet's hosts file and from base images."""
_OWN = tuple(map(ip_network, ("127.0.0.0/8", "::1/128", "0.0.0.0/8", "::/128")))
_METADATA_NAMES = (
    "metadata",  # on GKE, the search domains complete it
    "metadata.google.internal",
    "metadata.goog",
    "metadata.azure.internal",
    "metadata.tencentyun.com",
    "metadata.platformequinix.com",
    "instance-data",
    "instance-data.ec2.internal",
)
_METADATA = tuple(
    map(
        ip_network,
        (
            "169.254.169.254/32",  # nearly everywhere
            "fd00:ec2::254/128",  # AWS
            "fd20:ce::254/128",  # Google
            "fd00:42::42/128",  # Scaleway
            "fd00:a9fe:a9fe::254/128",  # Oracle
            "100.100.100.200/32",  # Alibaba
            "168.63.129.16/32",  # Azure
            "192.0.0.192/32",  # Oracle, classic
        ),
    )
)
_LINK_LOCAL = tuple(map(ip_network, ("169.254.0.0/16", "fe80::/10")))
_NOBODY = tuple(map(ip_network, ("224.0.0.0/4", "ff00::/8", "255.255.255.255/32")))
_KINDS = (
    ("loopback", _OWN_NAMES, _OWN),
    ("metadata", _METADATA_NAMES, _METADATA),
    ("link-local", (), _LINK_LOCAL),
    ("multicast", (), _NOBODY),
)
_CARRIERS = ("::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")
"""IPv6 networks whose last 32 bits are an IPv4 address: compatible, mapped, translated, NAT64."""
_LAST_32_BITS = tuple(ip_network(network) for network in _CARRIERS)
_IPV4 = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Url:
    """A URL as its caller reads it: the scheme in lower case, the port that is given or else that of the scheme.

    The host is as a resolver reads it: in lower case and ASCII digits, without dots at its end.
    """

    scheme: str
    host: str
    port: int | None
    path: str


def service_host(name: str, namespace: str) -> str:
    """Return the host name of a Service inside the cluster."""
    return f"{name}.{namespace}.svc.cluster.local"


def service_url(name: str, namespace: str, port: int = HTTP_PORT) -> str:
    """Return where clients inside the cluster reach a Service; port 80 goes without saying."""
    host = service_host(name, namespace)
    return f"http://{host}" if port == HTTP_PORT else f"http://{host}:{port}"


def route_url(name: str, namespace: str, server: str) -> str:
    """Return where clients reach a route of a ToolGateway (operator-reference, "ToolRoute URL pattern")."""
    return f"{service_url(name, namespace)}/mcp/{server}"


def read_url(url: str) -> Url | None:
    """Return the parts of a URL; None if it has no valid host and port."""
    split = _split(url)
    if split is None:
        return None
    return Url(split.scheme, _host(split), split.port or _PORTS.get(split.scheme), split.path)


def url_fault(url: str) -> Fault | None:
    """Return why `url` cannot be called; None for http or https with a host, without spaces and credentials.

    The fault does not quote the URL, which may hold a password at any place.
    """
    if any(character.isspace() or not character.isprintable() for character in url):
        return Fault("has a space or a control character", "write it as %20, or remove it")
    split = _split(url)
    if split is None:
        return Fault("has no valid host and port", _FORM)
    if split.scheme not in ("http", "https"):
        return Fault("is neither an http nor an https URL", "begin it with http:// or https://")
    if "@" in split.netloc:
        return Fault(
            "holds a user or password, which everyone could read",
            "remove it; give credentials by a config patch that names a variable",
        )
    if not _HOST.fullmatch(split.hostname or ""):
        return Fault("has an invalid host" if split.hostname else "has no host", _FORM)
    return None


def _split(url: str) -> SplitResult | None:
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        return None
    return split if port is None or 0 < port <= _LARGEST_PORT else None


def _host(split: SplitResult) -> str:
    host = unicodedata.normalize("NFKC", split.hostname or "").lower()
    digits = (str(unicodedata.digit(one, one)) for one in host)
    return "".join(digits).rstrip(".")


def is_own_address(host: str) -> bool:
    """Return whether `host`, as of `Url`, leads a pod to itself whatever it is called."""
    return _kind(host, tuple(_addresses(host))) == "loopback"


def local_fault(url: str, allowed: Iterable[str]) -> Fault | None:
    """Return why no gateway may call `url`, a valid one: it leads to the pod itself, or to services of its node.

    `allowed` are hosts, addresses and networks that may be called all the same.
    """
    found = read_url(url)
    host = found.host if found else ""
    addresses = tuple(_addresses(host))
    kind = _kind(host, addresses)
    if kind is None or _is_allowed(host, addresses, allowed):
        return None
    return Fault(
        f"leads to a {kind} address, which is the gateway's own and not a server's"
        if kind == "loopback"
        else f"leads to a {kind} address, which serves nodes and not gateways",
        "name the Service of the MCP server; an installation can allow an address by its setting allowed_upstreams",
    )


def _kind(host: str, addresses: Iterable[Address]) -> str | None:
    if host.endswith(".localhost"):
        return "loopback"
    for kind, names, networks in _KINDS:
        if host in names or any(address in network for address in addresses for network in networks):
            return kind
    return None


def _is_allowed(host: str, addresses: Iterable[Address], allowed: Iterable[str]) -> bool:
    for entry in allowed:
        try:
            network: IPv4Network | IPv6Network = ip_network(entry)
        except ValueError:
            if host == entry.lower():
                return True
        else:
            if any(address in network for address in addresses):
                return True
    return False


def _addresses(host: str) -> Iterator[Address]:
    """Yield the address that `host` is in any spelling, and the IPv4 addresses that it carries; none for a name."""
    try:
        # As the C library reads them: 127.1, 0x7f.1, 0177.0.0.1, 2130706433.
        address: Address = IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        try:
            address = ip_address(host)
        except ValueError:
            return
    yield address
    if isinstance(address, IPv6Address):
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo
        # The unspecified and the loopback address of IPv6 are no carriers.
        if int(address) > 1 and any(address in network for network in _LAST_32_BITS):
            yield IPv4Address(int(address) & _IPV4)


def allowed_upstream_fault(text: str) -> Fault | None:
    """Check an entry of `Policy.allowed_upstreams`."""
    try:
        ip_network(text)
    except ValueError:
        host = text.lower()
        is_number = re.fullmatch(r"[0-9.]+", host) or "/" in host
        if is_number or not re.fullmatch(SUBDOMAIN, host) or len(host) > SUBDOMAIN_LENGTH:
            cure = "Name a host such as localhost, an address such as 127.0.0.1, or a network such as 127.0.0.0/8."
            return Fault(f"is {shown(text)}, which is not a host, address or network", cure)
    return None
