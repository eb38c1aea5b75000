"""The three drawings: what is in them, whatever the texts, and the same bytes for the same graph."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway_components.graph.drawing import MARKS, dot, label, mermaid, svg
from gateway_components.graph.model import EXTERNAL, RANKS, Edge, Graph, Node
from gateway_components.graph.verdicts import State
from gateway_components.identity import Identity
from tests.graph.drawings import Drawing, read_dot, read_mermaid, read_svg
from tests.graph.make import graph

GOLDEN = Path(__file__).with_name("golden")
CASES = sorted(folder.name for folder in GOLDEN.iterdir())

LANGUAGES = {
    "mermaid": (mermaid, read_mermaid),
    "dot": (dot, read_dot),
    "svg": (svg, read_svg),
}

every_language = pytest.mark.parametrize(("draw", "read"), LANGUAGES.values(), ids=LANGUAGES)
every_case = pytest.mark.parametrize("case", CASES)

Draw = Callable[[Graph], str]
Read = Callable[[str], Drawing]


def read_case(case: str) -> Graph:
    raws: list[dict[str, Any]] = yaml.safe_load((GOLDEN / case / "in.yaml").read_text(encoding="utf-8")) or []
    return graph(*raws)


def expected(found: Graph) -> Drawing:
    nodes = sorted(("\n".join(label(node)), str(node.state)) for node in found.nodes)
    return Drawing(tuple(nodes), len(found.edges))


@every_case
@pytest.mark.parametrize("language", LANGUAGES)
def test_drawing_is_the_expected_one(case: str, language: str, pytestconfig: pytest.Config) -> None:
    """`pytest tests/graph --regenerate` writes the drawings anew."""
    text = LANGUAGES[language][0](read_case(case))
    out = GOLDEN / case / f"out.{language}"
    if pytestconfig.getoption("--regenerate"):
        out.write_text(text, encoding="utf-8")
    assert out.read_text(encoding="utf-8") == text


@every_case
@every_language
def test_a_drawing_reads_back_as_its_graph(case: str, draw: Draw, read: Read) -> None:
    found = read_case(case)
    assert read(draw(found)) == expected(found)


def test_the_cases_have_every_kind_and_every_state() -> None:
    nodes = [node for case in CASES for node in read_case(case).nodes]
    assert {node.state for node in nodes} == set(State)
    assert {node.key.kind for node in nodes} == RANKS.keys()


@every_language
def test_a_fault_has_a_mark_and_a_reason_beside_the_colour(draw: Draw, read: Read) -> None:
    for text, state in read(draw(read_case("all-states"))).nodes:
        marks = {mark for mark in MARKS.values() if mark and f"\n{mark} " in text}
        assert marks == ({MARKS[State(state)]} if state != "ok" else set())


@every_language
def test_no_control_character_reaches_a_drawing(draw: Draw, read: Read) -> None:
    drawn = draw(read_case("odd-texts"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\ufffe]", drawn)
    assert "\N{REPLACEMENT CHARACTER}" in "".join(text for text, _ in read(drawn).nodes)


@pytest.mark.parametrize("draw", [mermaid, svg])
def test_no_markup_of_a_text_reaches_a_page(draw: Draw) -> None:
    assert not re.search("<script|<b>", draw(read_case("odd-texts")))


_texts = st.text(st.characters(), max_size=80)
_keys = st.builds(Identity, st.sampled_from(sorted(RANKS)), st.sampled_from(["", "team"]), _texts)
_nodes = st.builds(Node, _keys, st.sampled_from(State), _texts, _texts)


@st.composite
def _graphs(draw: st.DrawFn) -> Graph:
    nodes = draw(st.lists(_nodes, max_size=8, unique_by=lambda node: node.key))
    pairs = [
        Edge(source.key, target.key)
        for source in nodes
        for target in nodes
        if RANKS[source.key.kind] + 1 == RANKS[target.key.kind]
    ]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return Graph(tuple(sorted(nodes)), tuple(sorted(edges)))


@every_language
@settings(max_examples=settings().max_examples // 6)
@given(found=_graphs())
def test_any_text_can_be_drawn(draw: Draw, read: Read, found: Graph) -> None:
    assert read(draw(found)) == expected(found)
    assert draw(found).encode()


def test_a_large_graph_is_drawn_without_boxes_that_overlap() -> None:
    keys = {
        rank: [Identity(kind, "team", f"{number:03}") for number in range(200)]
        for kind, rank in RANKS.items()
    }
    edges = [Edge(keys[rank][n], keys[rank + 1][n * 7 % 200]) for rank in range(3) for n in range(200)]
    nodes = [Node(key) for rank in keys.values() for key in rank]
    drawn = read_svg(svg(Graph(tuple(sorted(nodes)), tuple(sorted(edges)))))
    assert (len(drawn.nodes), drawn.edges) == (800, 600)


def test_edges_cross_less_than_in_the_order_of_names() -> None:
    """Of the gateways a, b and c, each serves the route that stands opposite by name."""
    pairs = [("a", "z"), ("b", "y"), ("c", "x")]
    gateways = [Identity("ToolGateway", "team", name) for name, _ in pairs]
    routes = [Identity("ToolRoute", "team", name) for _, name in pairs]
    found = Graph(
        tuple(sorted(Node(key) for key in (*gateways, *routes))),
        tuple(sorted(Edge(*pair) for pair in zip(gateways, routes, strict=True))),
    )
    curves = re.findall(r'd="M(\d+) (\d+) C\d+ \d+ \d+ \d+ \d+ (\d+)"', svg(found))
    assert len(curves) == 3
    assert all(start == end for _, start, end in curves)


def test_external_urls_are_drawn_without_a_kind_of_ours() -> None:
    assert label(Node(Identity(EXTERNAL, "", "http://x/mcp"))) == ("external URL", "http://x/mcp")
