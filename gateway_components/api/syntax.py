"""The rules of Kubernetes for names, labels, keys and variables: what is wrong with a text, and the cure.

Each function returns ``None`` for a text that is right. The rules are those that kube-apiserver 1.36 applies
(k8s.io/apimachinery/pkg/api/validation and util/validation), measured there.
"""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"
LABEL_LENGTH = 63
SUBDOMAIN_LENGTH = 253
SHOWN_LENGTH = 60

NAME_CURE = "Use lower-case letters, digits and '-', with a letter or digit at both ends."
QUALIFIED_CURE = "Use letters, digits, '-', '_' and '.', with a letter or digit at both ends, at most 63."


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a text (``message``) and what to do about it (``cure``)."""

    message: str
    cure: str


def shown(value: object) -> str:
    """Return `value` as a message shows it: text in quotes, and shortened where it is long."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_LENGTH else f"{text[: SHOWN_LENGTH - 1]}…"


def object_name_fault(name: str) -> Fault | None:
    """Check the name of an object against RFC 1123 for subdomains, as nearly every kind has to keep it."""
    if not name:
        return Fault("is missing or empty", "Give it a name.")
    if len(name) > SUBDOMAIN_LENGTH:
        return Fault(f"has {len(name)} characters", f"Use at most {SUBDOMAIN_LENGTH}.")
    if not re.fullmatch(SUBDOMAIN, name):
        return Fault(
            f"is {shown(name)}, which is not a valid object name", f"{NAME_CURE} Dots may join such parts."
        )
    return None


def namespace_fault(name: str) -> Fault | None:
    """Check the name of a namespace against RFC 1123 for labels."""
    if len(name) > LABEL_LENGTH:
        return Fault(f"has {len(name)} characters", f"Use at most {LABEL_LENGTH}.")
    if not re.fullmatch(LABEL, name):
        return Fault(f"is {shown(name)}, which is not a valid namespace name", NAME_CURE)
    return None


def label_key_fault(key: str) -> Fault | None:
    """Check the key of a label: a name of 63 characters, perhaps with a domain and ``/`` in front."""
    prefix, slash, name = key.rpartition("/")
    if slash and (not re.fullmatch(SUBDOMAIN, prefix) or len(prefix) > SUBDOMAIN_LENGTH):
        return Fault(
            f"has {shown(prefix)} in front of the '/', which is not a domain",
            "Put a lower-case domain such as example.com there, or leave it and the '/' out.",
        )
    if not re.fullmatch(QUALIFIED, name) or len(name) > LABEL_LENGTH:
        return Fault(f"has the name {shown(name)}, which is not valid in a key", QUALIFIED_CURE)
    return None


def annotation_key_fault(key: str) -> Fault | None:
    """Check the key of an annotation: like that of a label, but its domain may have capitals."""
    return label_key_fault(key.lower())


def label_value_fault(value: str) -> Fault | None:
    """Check the value of a label: empty, or like the name of a key."""
    if value and (not re.fullmatch(QUALIFIED, value) or len(value) > LABEL_LENGTH):
        return Fault(
            f"is {shown(value)}, which is not a valid label value",
            f"{QUALIFIED_CURE} Or use an annotation.",
        )
    return None


def env_name_fault(name: str) -> Fault | None:
    """Check the name of an environment variable: printable ASCII without ``=``, at least one character."""
    if not name:
        return Fault("is empty", "Give the variable a name.")
    if not re.fullmatch(r"[ -<>-~]+", name):
        return Fault(
            f"is {shown(name)}, which is not a valid variable name",
            "Use printable ASCII characters other than '='.",
        )
    return None


def key_fault(key: str) -> Fault | None:
    """Check a key of a ConfigMap or Secret."""
    if not key:
        return Fault("is empty", "Name the key.")
    if (
        key == "."
        or key.startswith("..")
        or not re.fullmatch(r"[-._a-zA-Z0-9]+", key)
        or len(key) > SUBDOMAIN_LENGTH
    ):
        return Fault(
            f"is {shown(key)}, which is not a valid key of a ConfigMap or Secret",
            "Use letters, digits, '-', '_' and '.', and not '.' or '..' in front.",
        )
    return None


# format: uri, which the API server checks with net/url.ParseRequestURI of Go 1.26: it takes far more than a client
# can use and refuses some of what Python takes. tests/api/urls.py holds what was measured.
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
    """Check a text as the API server checks ``format: uri``; a text that passes need not be of use.

    No message shows the text: a URL may hold a password.
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
    return Fault("has a '%' in its path that encodes no character", "Write %25 for a percent sign.")


def _authority_fault(scheme: str, authority: str) -> Fault | None:
    user, at, host = authority.rpartition("@")
    fault = _address_fault(host) if "[" in host else _host_fault(scheme, host)
    if fault is None and at and not USER.fullmatch(user):
        return Fault("has invalid characters before the '@'", "Escape them, such as %20.")
    return fault


def _host_fault(scheme: str, host: str) -> Fault | None:
    # Other schemes may have colons in front of that of the port, as in lists of hosts of a database.
    colon = host.find(":") if scheme in {"http", "https"} else host.rfind(":")
    if colon >= 0 and not PORT.fullmatch(host[colon:]):
        return Fault("has a ':' after its host and no port there", "Write a port such as :8080.")
    if not HOST.fullmatch(host):
        return Fault("has invalid characters in its host", "Write the host's name or address.")
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
    return Fault("has brackets in its host without an IPv6 address", "Write it like [::1] or [::1]:8080.")


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
