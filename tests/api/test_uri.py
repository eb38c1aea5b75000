"""What is told about a text for a field of ``format: uri``; `test_admission.py` asks the API server too."""

import pytest

from gateway_components.api.syntax import uri_fault
from tests.api.urls import REFUSED, TAKEN


@pytest.mark.parametrize("why", TAKEN)
def test_taken_url_has_no_fault(why: str) -> None:
    assert [url for url in TAKEN[why] if uri_fault(url) is not None] == []


@pytest.mark.parametrize("why", REFUSED)
def test_refused_url_has_a_fault_with_a_cure(why: str) -> None:
    faults = {url: uri_fault(url) for url in REFUSED[why]}
    assert [
        url for url, fault in faults.items() if fault is None or not fault.message or not fault.cure
    ] == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "is empty"),
        ("presidio", "is no URL"),
        ("http://h/\n", "has a line break or another control character"),
        ("http://h/100%", "has a '%' in its path that encodes no character"),
        ("http://a b/", "has invalid characters in its host"),
        ("http://h:http", "has a ':' after its host and no port there"),
        ("http://[h]", "has brackets in its host without an IPv6 address"),
        ("http://ü@h", "has invalid characters before the '@'"),
    ],
)
def test_fault_says_what_is_wrong(url: str, message: str) -> None:
    fault = uri_fault(url)
    assert fault is not None
    assert fault.message == message


@pytest.mark.parametrize(
    "url",
    [
        "http://user:s3cret@h:x",
        "http://user:s3cret @h",
        "http://user:s3cret@h/%",
        "user s3cret@h",
        "http://user:s3cret/@h",
    ],
)
def test_fault_does_not_show_a_password(url: str) -> None:
    fault = uri_fault(url)
    assert fault is not None
    assert "s3cret" not in f"{fault.message} {fault.cure}"
