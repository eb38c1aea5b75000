"""Whatever comes as an answer is read, or is an answer that no API server gives; nothing else can come of it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway_components.kube.decoding import (
    EVENT_TYPES,
    read_document,
    read_event,
    read_object,
    read_page,
)
from gateway_components.kube.errors import ApiError, MalformedAnswerError
from gateway_components.kube.transport import refused

READERS = (read_document, read_object, read_page, read_event)

NAMES = "metadata name uid resourceVersion items kind object type code continue data spec status conditions labels"
FIELDS = st.sampled_from(NAMES.split())
TEXTS = (
    st.sampled_from(("ConfigMapList", "Status", "1", "", "..", "\ud800", *sorted(EVENT_TYPES))) | st.text()
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(FIELDS | st.text(), below, max_size=6),
    max_leaves=30,
)
OBJECTS = st.fixed_dictionaries(
    {"metadata": st.fixed_dictionaries({"name": TEXTS, "uid": TEXTS, "resourceVersion": TEXTS}) | ANYTHING},
    optional={"data": ANYTHING, "status": ANYTHING, "spec": ANYTHING},
)
ANSWERS = (
    ANYTHING
    | OBJECTS
    | st.fixed_dictionaries(
        {
            "kind": TEXTS,
            "metadata": st.fixed_dictionaries({"resourceVersion": TEXTS}, optional={"continue": ANYTHING}),
            "items": st.lists(OBJECTS, max_size=3) | ANYTHING,
        }
    )
    | st.fixed_dictionaries({"type": TEXTS, "object": OBJECTS})
)


def read(reader: Callable[[bytes], Any], text: bytes) -> Any:
    try:
        return reader(text)
    except MalformedAnswerError as error:
        return error


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(answer=ANSWERS)
def test_any_document_is_read_or_malformed(reader: Callable[[bytes], Any], answer: Any) -> None:
    found = read(reader, json.dumps(answer).encode())

    if reader is read_page and not isinstance(found, MalformedAnswerError):
        for item in found.items:
            metadata = item["metadata"]
            assert all(isinstance(metadata[key], str) and metadata[key] for key in ("name", "uid"))
            assert metadata["resourceVersion"].isdecimal()


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@given(
    text=st.binary(max_size=200), level=st.integers(0, 3000), opening=st.sampled_from((b"[", b'{"a":', b'"'))
)
def test_any_bytes_are_read_or_malformed(
    reader: Callable[[bytes], Any], text: bytes, level: int, opening: bytes
) -> None:
    for content in (text, opening * level + text, b'{"metadata":{"managedFields":' + opening * level + text):
        read(reader, content)


@given(status=st.integers(300, 599), answer=ANSWERS, header=st.text(max_size=10))
def test_any_refusal_is_an_error_with_a_status(status: int, answer: Any, header: str) -> None:
    found = refused(status, json.dumps(answer).encode(), header)

    assert isinstance(found, ApiError)
    assert found.status == status
    assert str(found)
    assert found.retry_after >= 0
