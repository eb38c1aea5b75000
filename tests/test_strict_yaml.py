"""Strict YAML: what is read, and what is refused and where."""

from typing import Any

import pytest

from gateway_components import strict_yaml
from gateway_components.errors import YamlError

LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
LONG_LAUGHS = f"a: &a {'x' * 100_000}\nb: [{', '.join(['*a'] * 1000)}]\n"
MERGED_LAUGHS = "m0: &m0 {k: v}\n" + "".join(
    f"m{i}: &m{i}\n  <<: [{', '.join([f'*m{i - 1}'] * 9)}]\n" for i in range(1, 9)
)
LADDER = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [*a{i - 1}]\n" for i in range(1, 2000))

READ: tuple[tuple[str, Any, str], ...] = (
    ("", None, "nothing is no document"),
    ("# note\n", None, "a comment is no document"),
    ("a:\n", {"a": None}, "a key may have no value"),
    (
        "a: 2025-01-31\nb: 2025-01-31T12:00:00Z",
        {"a": "2025-01-31", "b": "2025-01-31T12:00:00Z"},
        "dates stay text",
    ),
    ("1: a\ntrue: b\nnull: c\n1.5: d", {"1": "a", "true": "b", "null": "c", "1.5": "d"}, "keys become text"),
    (
        "a: yes\nb: Off\nc: y\nd: N",
        {"a": True, "b": False, "c": True, "d": False},
        "booleans are as in kubectl",
    ),
    (
        "[1, -7, 0x1F, 0o17, 017, 0b11, 1_000]",
        [1, -7, 31, 15, 15, 3, 1000],
        "whole numbers are as in kubectl",
    ),
    ("[1.5, 1e3, .5, -2.5E-1, 08]", [1.5, 1000.0, 0.5, -0.25, 8.0], "other numbers are as in kubectl"),
    (
        "[12:30:45, 190:20.5, =, 1e400, 0.e]",
        ["12:30:45", "190:20.5", "=", "1e400", "0.e"],
        "the rest is text",
    ),
    ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}, "an alias stands for its value"),
    (
        "a: &x {k: 1, l: 2}\nb: {<<: *x, l: 3}",
        {"a": {"k": 1, "l": 2}, "b": {"k": 1, "l": 3}},
        "a merge gives way",
    ),
    (
        "a: &x {k: 1}\nb: &y {k: 2, l: 2}\nc: {<<: [*x, *y]}",
        {"a": {"k": 1}, "b": {"k": 2, "l": 2}, "c": {"k": 1, "l": 2}},
        "of several merged maps the first wins",
    ),
    (
        "w: &w {k: 1}\na: {b: &x {<<: *w, k: 2}}\ny: {<<: *x}",
        {"w": {"k": 1}, "a": {"b": {"k": 2}}, "y": {"k": 2}},
        "a merged map may itself override what it merges",
    ),
    (
        "w: &w {k: 1}\na:\n  <<: *w\n  <<: {l: 2}",
        {"w": {"k": 1}, "a": {"k": 1, "l": 2}},
        "two merges may stand",
    ),
    ("'<<': a", {"<<": "a"}, "in quotes it is a key like any other"),
    (
        "a: |\n  b\n   c\n\nd: >\n  e\n  f\n",
        {"a": "b\n c\n", "d": "e f\n"},
        "blocks are read as YAML has them",
    ),
    ('a: "\\u00e9\\U0001F642\\x01"', {"a": "é🙂\x01"}, "escapes may stand for what is forbidden"),
    ("\ufeffa: b", {"a": "b"}, "a byte order mark is no content"),
    ('{"a":\t[1, "x\\/y"],\n\t"b": null}', {"a": [1, "x/y"], "b": None}, "JSON is YAML"),
    ("!!str 1", "1", "a tag may say what JSON has"),
)

REFUSED = (
    ("a: 1\nb: 2\na: 3", 3, 1, 'duplicate key "a", first in line 1'),
    ("a:\n  - b: 1\n    'b': 2", 3, 5, 'duplicate key "b", first in line 2'),
    ("1: a\n'1': b", 2, 1, 'duplicate key "1"'),
    ("a: &x {k: 1, k: 2}\nb: {<<: *x}", 1, 14, 'duplicate key "k"'),
    ("? [a]\n: b", 1, 3, "a key must be text"),
    ("{a: b}: c", 1, 1, "a key must be text"),
    ("a: &x [*x]", 1, 4, "an alias is inside the value that it refers to"),
    ("&x {a: {b: *x}}", 1, 1, "an alias is inside the value that it refers to"),
    ("a: *nobody", 1, 4, "undefined alias"),
    ("a: !!binary aGk=", 1, 4, "a tag has no counterpart in JSON"),
    ("a: !!python/object:os.system {}", 1, 4, "a tag has no counterpart in JSON"),
    ("a: !!timestamp 2025-01-31", 1, 4, "a tag has no counterpart in JSON"),
    ("a: !mine b", 1, 4, "text that begins with '!' needs quotes"),
    ("a: !!int x", 1, 4, "not a whole number"),
    ("a: !!float x", 1, 4, "not a number"),
    ("a: !!bool x", 1, 4, "neither true nor false"),
    ("a: !!map x", 1, 4, "a map is expected"),
    ("a: !!seq {b: c}", 1, 4, "expected a sequence"),
    ("a: 1\nb: .inf", 2, 4, "has no counterpart in JSON"),
    ("a: .NaN", 1, 4, "has no counterpart in JSON"),
    ("a: 0x" + "f" * 50_000, 1, 4, "needs more than 64 bits"),
    ("a: " + "9" * 5_000, 1, 4, "not a whole number, or it is too long"),
    ("a: b\nc: \x00", 2, 1, "YAML does not allow this character"),
    ("a: b\nc: \x07d", 2, 1, "YAML does not allow this character"),
    ("a: b\nc: \ud800", 2, 1, "YAML does not allow this character"),
    ("a:\n\tb: c", 2, 1, "cannot start any token"),
    ("a: b: c", 1, 5, "mapping values are not allowed"),
    ("a: [1", 2, 1, "did not find expected ',' or ']'"),
    ("a: 1\n---\nb: 2", 3, 1, "a second document begins here"),
    ("<<: 1", 1, 5, "expected a mapping"),
)

MERGED_AGAIN = (
    "a: &a {"
    + ", ".join(f"k{i}: 1" for i in range(90))
    + "}\n"
    + "".join(f"b{i}: {{<<: [{', '.join(['*a'] * 30)}]}}\n" for i in range(10))
)
REPEATED = "list: [&x {" + ", ".join(f"k{i}: 1" for i in range(90)) + "}" + ",*x" * 300 + "]"
LONG_REPEATED = "list: [&x " + "y" * 2_000 + ",*x" * 100 + "]"

TOO_LARGE = (
    (REPEATED, "values appear once aliases are expanded; use fewer aliases", "one map stands often"),
    (LONG_REPEATED, "characters appear once aliases are expanded", "one text stands often"),
    (MERGED_AGAIN, "values appear once aliases are expanded", "merges multiply"),
    (LAUGHS, "more than 200000 values", "lists of aliases multiply"),
    (LONG_LAUGHS, "more than 10000000 characters", "aliases of a long text multiply"),
    (MERGED_LAUGHS, "more than 200000 values", "merged maps multiply"),
    (LADDER, "nested more than 100 deep", "aliases nest without any nesting in the text"),
    ("[" * 100_000, "nested more than 100 deep", "lists open without end"),
    ("[" * 5_000 + "]" * 5_000, "nested more than 100 deep", "lists stand in lists"),
    ("{a: " * 100_000, "nested more than 100 deep", "maps open without end"),
    ("- " * 100_000, "nested more than 100 deep", "lists open in one line"),
    ("? " * 100_000, "nested more than 100 deep", "keys open in one line"),
    (
        "".join(" " * i + "a:\n" for i in range(2_000)),
        "nested more than 100 deep",
        "lines indent further and further",
    ),
)


@pytest.mark.parametrize(("text", "value", "why"), READ, ids=[case[2] for case in READ])
def test_parse_reads(text: str, value: Any, why: str) -> None:
    read = strict_yaml.parse(text)
    assert repr(read) == repr(value), why


@pytest.mark.parametrize(
    ("text", "line", "column", "reported"), REFUSED, ids=[case[0][:30] for case in REFUSED]
)
def test_parse_refuses_with_line_and_column(text: str, line: int, column: int, reported: str) -> None:
    with pytest.raises(YamlError) as caught:
        strict_yaml.parse(text)
    assert reported in caught.value.message
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value) == f"line {line}, column {column}: {caught.value.message}"


@pytest.mark.timeout(20)
@pytest.mark.parametrize(("text", "reported", "why"), TOO_LARGE, ids=[case[2] for case in TOO_LARGE])
def test_a_text_that_would_exhaust_memory_is_refused_quickly(text: str, reported: str, why: str) -> None:
    with pytest.raises(YamlError, match=reported):
        strict_yaml.parse(text)


@pytest.mark.parametrize(
    "text", ["a: !hunter2", "a: *hunter2", "a: !!float hunter2", "a: !!bool hunter2", "a: %hunter2"]
)
def test_no_value_is_shown_in_an_error(text: str) -> None:
    with pytest.raises(YamlError) as caught:
        strict_yaml.parse(text)
    assert "hunter2" not in str(caught.value)


def test_nesting_up_to_the_limit_is_read_and_written() -> None:
    text = "[" * 100 + "]" * 100
    assert strict_yaml.parse(strict_yaml.dump(strict_yaml.parse(text))) == strict_yaml.parse(text)


def test_a_document_of_ordinary_size_is_read() -> None:
    text = "".join(f"key-{number}: {{a: [1, 2], b: text}}\n" for number in range(5_000))
    assert len(strict_yaml.parse(text)) == 5_000


def test_documents_know_their_lines_and_empty_ones_are_left_out() -> None:
    found = strict_yaml.parse_all("# first\na: 1\n---\n---\n# note\n---\n- b\n...\n")
    assert [(document.value, document.line) for document in found] == [({"a": 1}, 2), (["b"], 7)]


LINES = "a: 1\nb:\n  c:\n    - x\n    - d: 2\n      e: 3\nf: &f {g: 4}\nh:\n  <<: *f\n  g: 5\n  1: one\n"
PLACES: tuple[tuple[tuple[str | int, ...], int, str], ...] = (
    ((), 1, "the document itself"),
    (("a",), 1, "a key"),
    (("b", "c", 0), 4, "an entry of a list"),
    (("b", "c", 1, "e"), 6, "a key of a map in a list"),
    (("b", "missing", "further"), 2, "the nearest part that is there"),
    (("b", "c", 9), 3, "a position beyond the list"),
    (("a", 0), 1, "a step into a scalar"),
    (("h", "g"), 10, "a key that overrides a merged one"),
    (("h", "1"), 11, "a key that YAML reads as a number"),
)


@pytest.mark.parametrize(("path", "line", "why"), PLACES, ids=[case[2] for case in PLACES])
def test_line_of(path: tuple[str | int, ...], line: int, why: str) -> None:
    (document,) = strict_yaml.parse_all(LINES)
    assert document.line_of(path) == line, why


INNER = "a: |  # note\n  one\n  two\nb: >-\n  one\n  two\nc: 'one\n\n  two'\nd:\n- |-\n\n  x: 1\n- 5\n"
INNER_PLACES: tuple[tuple[tuple[str | int, ...], int, int, str], ...] = (
    (("a",), 2, 3, "a block, line by line"),
    (("d", 0), 2, 13, "a block in a list, which begins with an empty line"),
    (("b",), 2, 4, "a folded block, whose lines are not those of the text"),
    (("c",), 2, 7, "a quoted text"),
    (("d", 1), 1, 14, "no text at all"),
    (("e",), 1, 1, "a field that is not there"),
)


@pytest.mark.parametrize(
    ("path", "inner", "line", "why"), INNER_PLACES, ids=[case[3] for case in INNER_PLACES]
)
def test_line_in_a_text(path: tuple[str | int, ...], inner: int, line: int, why: str) -> None:
    (document,) = strict_yaml.parse_all(INNER)
    assert document.line_in(path, inner) == line, why
