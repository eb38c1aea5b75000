"""Drawings read back into nodes and edges, each by the rules of its own language."""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import pydot

_SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Drawing:
    """The texts of the nodes and the states they are drawn in, and the edges between them (in no order)."""

    nodes: tuple[tuple[str, str], ...]
    edges: int


def read_mermaid(text: str) -> Drawing:
    """Read a flowchart, and refuse every line that is not one of those that are to be written."""
    first, *lines = text.splitlines()
    assert first == "flowchart LR"
    labels: dict[str, str] = {}
    states: dict[str, str] = {}
    drawn: list[tuple[str, str]] = []
    for line in lines:
        if found := re.fullmatch(r'  (n\d+)\["([^"]*)"\]', line):
            labels[found[1]] = _without_entities(found[2])
        elif found := re.fullmatch(r"  (n\d+) --> (n\d+)", line):
            drawn.append((found[1], found[2]))
        elif found := re.fullmatch(r"  class (n\d+(?:,n\d+)*) ([a-z]+)", line):
            states |= dict.fromkeys(found[1].split(","), found[2])
            assert f"  classDef {found[2]} " in text
        else:
            assert re.fullmatch(r"  classDef [a-z]+ [-a-z]+:[^,;]+(,[-a-z]+:[^,;]+)*", line), line
    assert {end for edge in drawn for end in edge} <= labels.keys()
    assert states.keys() == labels.keys()
    return Drawing(tuple(sorted((label, states[name]) for name, label in labels.items())), len(drawn))


def read_dot(text: str) -> Drawing:
    """Read a digraph with a parser of DOT."""
    parsed = (pydot.graph_from_dot_data(text) or [])[0]
    nodes = [node for node in parsed.get_nodes() if node.get_name() not in ("node", "graph")]
    names = {node.get_name() for node in nodes}
    assert {
        end for edge in parsed.get_edges() for end in (edge.get_source(), edge.get_destination())
    } <= names
    found = sorted((_unquoted(node.get("label")), _unquoted(node.get("tooltip"))) for node in nodes)
    return Drawing(tuple(found), len(parsed.get_edges()))


def read_svg(text: str) -> Drawing:
    """Read an SVG with a parser of XML, and see that no box covers another or leaves the drawing."""
    root = ET.fromstring(text)  # noqa: S314
    assert root.tag == f"{_SVG}svg"
    width, height = (int(root.attrib[name]) for name in ("width", "height"))
    boxes: list[tuple[int, int, int, int]] = []
    nodes: list[tuple[str, str]] = []
    for group in root.iter(f"{_SVG}g"):
        kind, state = group.attrib["class"].split()
        assert kind == "node"
        lines = [str(line.text) for line in group.iter(f"{_SVG}text")]
        nodes.append(("\n".join(lines), state))
        (rect,) = group.iter(f"{_SVG}rect")
        boxes.append(tuple(int(rect.attrib[name]) for name in ("x", "y", "width", "height")))  # type: ignore[arg-type]
    for number, (x, y, wide, high) in enumerate(boxes):
        assert 0 < x < x + wide < width
        assert 0 < y < y + high < height
        for left, top, other_wide, other_high in boxes[:number]:
            apart = x + wide < left or left + other_wide < x or y + high < top or top + other_high < y
            assert apart
    paths = [path for path in root.iter(f"{_SVG}path") if path.attrib.get("class") == "edge"]
    return Drawing(tuple(sorted(nodes)), len(paths))


def _without_entities(label: str) -> str:
    lines = label.split("<br/>")
    plain = [re.sub(r"#(\d+);", lambda code: chr(int(code[1])), line) for line in lines]
    for line in lines:
        assert not re.search(r'["<>&`*_~\[\]{}|\\]', line), line
        assert not re.search(r"#(?!\d+;)", line), line
    return "\n".join(plain)


def _unquoted(text: object) -> str:
    """Return the text of a quoted string of DOT: of its escapes, those that are to be written."""
    quoted = str(text)
    assert quoted[0] == quoted[-1] == '"'
    meaning = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    return re.sub(r"\\.", lambda escape: meaning[escape[0]], quoted[1:-1])
