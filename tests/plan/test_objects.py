"""Digests that roll Deployments, computed a second time here."""

import hashlib

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.objects import EMPTY_DIGEST, config_hash, env_hash, object_digest
from gateway_components.plan.snapshot import content_digest


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def test_config_hash_is_the_shortened_sha_256_of_the_text() -> None:
    assert config_hash("model_list: é\n") == _sha("model_list: é\n".encode())


def test_content_digest_goes_over_sorted_keys_and_values() -> None:
    assert content_digest({"B": b"\xff2", "A": "é"}) == _sha(b"A\xc3\xa9B\xff2")


def test_text_and_bytes_of_equal_content_have_equal_digests() -> None:
    assert content_digest({"a": "b"}) == content_digest({"a": b"b"})


def test_missing_secret_hashes_as_an_empty_one() -> None:
    assert content_digest({}) == EMPTY_DIGEST == _sha(b"")


CHANGES: tuple[tuple[dict[str, str], str], ...] = (
    ({"a": "2"}, "a value changed"),
    ({"b": "1"}, "a key changed"),
    ({"a": "1", "b": "1"}, "a key came"),
    ({}, "all keys went"),
)


@pytest.mark.parametrize(("data", "why"), CHANGES, ids=[case[1] for case in CHANGES])
def test_content_digest_changes(data: dict[str, str], why: str) -> None:
    assert content_digest(data) != content_digest({"a": "1"}), why


def test_env_hash_does_not_depend_on_the_order_of_references() -> None:
    digests = [(Identity("Secret", "team", "a"), "1"), (Identity("ConfigMap", "team", "b"), "2")]
    assert env_hash(digests) == env_hash(reversed(digests)) == _sha(b"ConfigMap/b=2\nSecret/a=1\n")


def test_env_hash_tells_a_secret_from_a_config_map_of_its_name() -> None:
    secret = env_hash([(Identity("Secret", "team", "a"), "1")])
    assert secret != env_hash([(Identity("ConfigMap", "team", "a"), "1")])


def test_object_digest_ignores_key_order_but_not_list_order() -> None:
    assert object_digest({"a": 1, "b": 2}) == object_digest({"b": 2, "a": 1})
    assert object_digest({"a": [1, 2]}) != object_digest({"a": [2, 1]})
    assert object_digest({"a": 1}, {}) != object_digest({}, {"a": 1})
