"""Raw objects as an API server may store them, and worse: whatever is in one, the others are seen and planned."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway_components.api.gateways import AiGateway
from gateway_components.daemon.watch.dependents import Callbacks, Dependents
from gateway_components.daemon.watch.projections import OUTLINES, GatewayState, RouteState
from gateway_components.daemon.watch.reflectors import _METADATA, _WHOLE
from gateway_components.identity import Identity
from gateway_components.kube.decoding import read_event, read_page
from gateway_components.kube.errors import MalformedAnswerError
from gateway_components.kube.projector import Projector
from gateway_components.kube.reflector import Change
from gateway_components.kube.resources import Resource
from gateway_components.plan.ownership import FIELD_MANAGER
from gateway_components.plan.plan import plan
from gateway_components.plan.references import PATCH_ANNOTATION
from gateway_components.plan.snapshot import Content, Snapshot

KINDS = [(resource, project) for resource, project in (*_WHOLE, *_METADATA)]
SPECIAL = st.sampled_from(
    ["", "litellm", "*", "os.environ/X", "..", "a/b", "\ud7ff", "é" * 300, "$(X)", "-1", "0"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | SPECIAL
)
JSON = st.recursive(
    LEAVES,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text() | SPECIAL, below, max_size=4),
    max_leaves=15,
)
NAMES = (
    *(
        "aiGatewayClassName",
        "toolGatewayClassName",
        "aiModels",
        "env",
        "envFrom",
        "guardrails",
        "commonMetadata",
    ),
    *("podMetadata", "port", "toolGatewayRef", "upstream", "toolFilter", "controller", "mode", "providerRef"),
    *("type", "presidio", "replicas", "template", "selector"),
)
FIELDS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6)
METADATA = st.fixed_dictionaries(
    {},
    optional={
        "generation": st.integers() | JSON,
        "annotations": st.dictionaries(SPECIAL | st.just(PATCH_ANNOTATION), JSON) | JSON,
        "labels": JSON,
        "ownerReferences": st.lists(st.dictionaries(SPECIAL, JSON) | JSON, max_size=3) | JSON,
        "managedFields": st.lists(
            st.fixed_dictionaries(
                {"manager": st.just(FIELD_MANAGER) | JSON, "operation": st.just("Apply") | JSON},
                optional={
                    "fieldsV1": st.dictionaries(st.sampled_from(["f:status", "f:data", "k:{", "v:["]), JSON)
                    | JSON
                },
            )
            | JSON,
            max_size=3,
        ),
        "deletionTimestamp": JSON,
        "creationTimestamp": JSON,
    },
)
STATUS = (
    st.fixed_dictionaries({}, optional={"conditions": st.lists(st.dictionaries(SPECIAL, JSON) | JSON) | JSON})
    | JSON
)
OBJECT = st.fixed_dictionaries(
    {}, optional={"spec": FIELDS | JSON, "status": STATUS, "data": JSON, "metadata": METADATA}
)
DEPTHS = st.sampled_from([0, 1, 99, 101, 1_100, 9_900])

WIDE = {
    "spec": {
        "aiGatewayClassName": "litellm",
        "aiModels": [],
        "env": [{"name": f"V{n}"} for n in range(20_000)],
    }
}
WRONG = {"spec": {"env": [{"name": n, "value": [n]} for n in range(2_000)]}}


def raw_text(resource: Resource, content: dict[str, Any], depth: int) -> bytes:
    """Return an object with name, UID and version, in which something nests `depth` levels deep."""
    identity = {
        "name": "a",
        "uid": "u",
        "resourceVersion": "7",
        **({"namespace": "ns"} if resource.namespaced else {}),
    }
    metadata = content.get("metadata")
    whole = {
        **content,
        "kind": resource.kind,
        "metadata": {**metadata, **identity} if isinstance(metadata, dict) else identity,
    }
    text = json.dumps({**whole, "deep": "DEEP"})
    return text.replace('"DEEP"', "[" * depth + "]" * depth).encode()


class Followed:
    """All that hears of changes."""

    def __init__(self) -> None:
        self.states: dict[Identity, Any] = {}
        self.dirty: list[str] = []
        ignore: Callable[..., None] = lambda *_: None  # noqa: E731
        self.triggers = Dependents(
            lambda _: None, self.states.get, Callbacks(self.dirty.append, ignore, ignore, ignore), ignore
        )

    def see(self, resource: Resource, old: Any, new: Any) -> None:
        if old != new:
            name = ("ns" if resource.namespaced else "", "a")
            self.triggers.changed(Change(resource, name, old, new))


@pytest.mark.parametrize(("resource", "project"), KINDS, ids=[resource.kind for resource, _ in KINDS])
@settings(max_examples=settings().max_examples // 12, suppress_health_check=[HealthCheck.data_too_large])
@given(content=OBJECT, other=OBJECT, depth=DEPTHS)
@example(content=WIDE, other=WRONG, depth=0)
@example(content=WRONG, other={}, depth=9_900)
def test_any_object_is_read_or_reported_and_nothing_else_suffers(
    resource: Resource,
    project: Callable[[Any], Any],
    content: dict[str, Any],
    other: dict[str, Any],
    depth: int,
) -> None:
    followed, projector = Followed(), Projector(resource, None, project, OUTLINES.get(resource.kind))
    before = None
    for fields, levels in ((content, depth), (other, 0), (content, 0)):
        text = raw_text(resource, fields, levels)
        try:
            item = read_event(b'{"type":"MODIFIED","object":' + text + b"}")["object"]
        except MalformedAnswerError:
            # No API server stores that: it is refused as a whole, and listed again.
            with pytest.raises(MalformedAnswerError):
                read_page(_page(resource, text))
            continue
        assert len(read_page(_page(resource, text)).items) == 1
        with capture_logs() as logged:
            kept = projector.keep(projector.name(item), item, before)
        assert "unreadable object not kept" not in [line["event"] for line in logged]
        followed.see(resource, before, kept)
        if isinstance(kept, GatewayState | RouteState):
            assert kept.raw["metadata"]["uid"] == "u"
            assert kept.meaning
            _plan(kept)
        before = kept
    followed.see(resource, before, None)


def _page(resource: Resource, item: bytes) -> bytes:
    head = json.dumps({"kind": f"{resource.kind}List", "metadata": {"resourceVersion": "9"}})[:-1]
    return f'{head}, "items": ['.encode() + item + b"]}"


def _plan(state: GatewayState | RouteState) -> None:
    if state.model is None:
        return
    reference = Identity("ConfigMap", "ns", str(state.model.metadata.annotations.get(PATCH_ANNOTATION)))
    contents = {reference: Content("digest", {"patch.yaml": "a: 1"})}
    if isinstance(state, RouteState):
        plan(Snapshot(routes=(state.model,), contents=contents))
    elif isinstance(state.model, AiGateway):
        plan(Snapshot(gateways=(state.model,), contents=contents))


@given(
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.tuples(st.sampled_from(["ADDED", "BOOKMARK", "ERROR", "?"]), OBJECT).map(
        lambda event: json.dumps({"type": event[0], "object": event[1]}).encode()
    )
    | st.integers(0, 20_000).map(lambda depth: b'{"type":' + b"[" * depth)
)
def test_any_line_of_a_watch_is_an_event_or_malformed(line: bytes) -> None:
    for read in (read_event, read_page):
        try:
            read(line)
        except MalformedAnswerError:
            continue
