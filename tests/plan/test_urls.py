"""URLs of Services, and those that others gave."""

import pytest

from gateway_components.plan.urls import read_url, service_url, url_fault

GOOD = (
    ("http://a", "a host is enough"),
    ("https://mcp.example.com:8443/v1/mcp?key=value#part", "everything that a URL may have"),
    ("http://files.team.svc.cluster.local.:8080/mcp", "a host may end in a dot"),
    ("http://127.0.0.1:3000", "an address of IPv4"),
    ("http://[fd00::1]:3000/mcp", "an address of IPv6"),
    ("http://bücher.example/süß", "letters of any language"),
    ("HTTP://EXAMPLE.COM/", "capitals"),
    ("http://a_b/mcp", "an underscore, which some hosts have"),
    ("http://a:/mcp", "a colon without a port"),
    ("http://a/b%20c", "a space in its escaped form"),
    ("http://a/b@c", "an at sign that parts no user from a host"),
)

BAD = (
    ("http://a/b c", "has a space", "a space in the path"),
    ("http://a b/", "has a space", "a space in the host"),
    ("http://a/\n", "has a space or a control character", "a line break"),
    ("http://a/\t", "has a space or a control character", "a tab, which urlsplit would drop"),
    ("http://a/\x7f", "control character", "a control character"),
    ("http://a/\u00a0", "has a space", "a space that looks like any other"),
    ("http://a/\u200b", "control character", "a character that nobody sees"),
    ("ftp://a/mcp", "is neither an http nor an https URL", "another scheme"),
    ("//a/mcp", "is neither an http nor an https URL", "no scheme"),
    ("a/mcp", "is neither an http nor an https URL", "no scheme and no slashes"),
    ("presidio:3000", "is neither an http nor an https URL", "a host that looks like a scheme"),
    ("", "is neither an http nor an https URL", "nothing at all"),
    ("http://", "has no host", "nothing behind the scheme"),
    ("http:///mcp", "has no host", "no host before the path"),
    ("http:mcp", "has no host", "no slashes"),
    ("http://:80/mcp", "has no host", "a port alone"),
    ("http://a:0/", "has no valid host and port", "port 0"),
    ("http://a:65536/", "has no valid host and port", "a port too large"),
    ("http://a:b/", "has no valid host and port", "a port that is no number"),
    ("http://[::1/", "has no valid host and port", "a bracket that is not closed"),
    ("http://a<b>/", "has an invalid host", "a character that no host has"),
    ("http://a%41/", "has an invalid host", "an escaped character in the host"),
    ("http://me@a/", "holds a user or password", "a user"),
    ("http://me:hunter2@a/", "holds a user or password", "a password"),
    ("http://@a/", "holds a user or password", "an empty user"),
    ("http://me:hunter2@/", "holds a user or password", "a password and no host"),
)

LEAKS = (
    ("http://me:hunter2@a/b c", "a space beside the password"),
    ("http://me:hun ter2@a/", "a space in the password"),
    ("http://me:hunter2/x@a/", "a slash in the password, which makes it a port"),
    ("me:hunter2@a", "the scheme is forgotten"),
    ("hunter2:@a", "the password is where a scheme would be"),
    ("ftp://me:hunter2@a/", "another scheme"),
    ("http://me:hunter2@a<b/", "an odd host"),
    ("http://hunter2<:x/", "a host that is none"),
)


@pytest.mark.parametrize(("url", "why"), GOOD, ids=[case[1] for case in GOOD])
def test_a_url_that_can_be_called(url: str, why: str) -> None:
    assert url_fault(url) is None, why


@pytest.mark.parametrize(("url", "reported", "why"), BAD, ids=[case[2] for case in BAD])
def test_a_url_that_nobody_can_call(url: str, reported: str, why: str) -> None:
    fault = url_fault(url)
    assert fault is not None, why
    assert reported in fault.message, why
    assert fault.cure, why


@pytest.mark.parametrize(("url", "why"), LEAKS, ids=[case[1] for case in LEAKS])
def test_no_part_of_a_url_is_ever_shown(url: str, why: str) -> None:
    fault = url_fault(url)
    assert fault is not None, why
    assert "hunter2" not in f"{fault.message} {fault.cure}", why


def test_parts_of_what_makes_no_sense_are_none() -> None:
    assert [read_url(url) for url in ("http://[", "http://a:x", "http://a:70000", "http://a:0")] == [None] * 4


@pytest.mark.parametrize(
    ("port", "url"),
    [(80, "http://tools.team.svc.cluster.local"), (8080, "http://tools.team.svc.cluster.local:8080")],
)
def test_a_service_url_names_any_port_but_that_of_http(port: int, url: str) -> None:
    assert service_url("tools", "team", port) == url


READ = (
    (
        "HTTP://EXAMPLE.COM./Path",
        ("http", "example.com", 80, "/Path"),
        "a resolver knows no capitals and no final dot",
    ),
    ("https://a:8443", ("https", "a", 8443, ""), "a port of its own"),
    ("https://a", ("https", "a", 443, ""), "the port of the scheme"),
    ("http://\uff11\uff12\uff17.0.0.1/", ("http", "127.0.0.1", 80, "/"), "digits of another script"),
    ("ftp://a/", ("ftp", "a", None, "/"), "a scheme without a port here"),
)


@pytest.mark.parametrize(("url", "expected", "why"), READ, ids=[case[2] for case in READ])
def test_a_url_is_read_as_its_caller_reads_it(url: str, expected: tuple[object, ...], why: str) -> None:
    found = read_url(url)
    assert found is not None
    assert (found.scheme, found.host, found.port, found.path) == expected, why
