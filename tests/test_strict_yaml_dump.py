"""YAML that is written: what every reader takes for the same, and how it looks."""

from typing import Any

import pytest
import yaml
from hypothesis import given

from gateway_components import strict_yaml
from tests.plan.strategies import quick
from tests.plan.texts import TRICKY, json_maps

TEXTS = (
    *TRICKY,
    *("OFF", "N", "1_000", "-_1", "1e1_0", "190:20.5", "2025-01-31", ".nan", "+1", ".5", "1."),
    *("@a", "`a", "|", ">", "'", '"', "[", "?", "...", "---\na"),
    *("a\n\n", "\na", " a\n b", "\ta\nb", "\r", "\x00\n"),
    *("\x1b[0m", "🙂\né", "x" * 5_000, "x y " * 5_000, "line\n" * 500, "\x7f", "\uffff"),
)


@pytest.mark.parametrize("text", TEXTS, ids=[repr(text)[:20] for text in TEXTS])
def test_text_stays_text_for_litellm_and_for_us(text: str) -> None:
    value = {"value": text, "list": [text], text: "key"}
    written = strict_yaml.dump(value)
    assert yaml.safe_load(written) == value
    assert strict_yaml.parse(written) == value
    assert strict_yaml.dump(strict_yaml.parse(written)) == written


@pytest.mark.parametrize("text", ["y", "N", "1e3", "08", "0o17", "+.5"])
def test_text_that_only_kubectl_misreads_is_quoted(text: str) -> None:
    assert strict_yaml.dump([text]) == f"- '{text}'\n"


def test_dump_keeps_order_and_writes_blocks_without_anchors() -> None:
    shared = {"k": ["v"]}
    assert strict_yaml.dump({"b": shared, "a": shared, "text": "one\ntwo é\n"}) == (
        "b:\n  k:\n  - v\na:\n  k:\n  - v\ntext: |\n  one\n  two é\n"
    )


def test_dump_does_not_fold_long_lines() -> None:
    assert strict_yaml.dump({"a": "word " * 500 + "end"}).count("\n") == 1


@quick
@given(json_maps)
def test_what_is_written_reads_back_the_same(value: dict[str, Any]) -> None:
    written = strict_yaml.dump(value)
    assert strict_yaml.parse(written) == value
    assert yaml.safe_load(written) == value
    assert strict_yaml.dump(strict_yaml.parse(written)) == written
