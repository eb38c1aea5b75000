"""Whether somebody took a field of ours: judged by who owns it, and only from what is newer than what we did."""

import json
from typing import Any

import pytest

from gateway_components.identity import Identity
from gateway_components.plan.ownership import FIELD_MANAGER, Drift, Mark, _known_fields, drift, mark_of

SERVICE = Identity("Service", "ns", "chat")
PORT = 'k:{"port":80,"protocol":"TCP"}'
OURS = {
    "f:metadata": {"f:labels": {"f:app": {}}, "f:ownerReferences": {'k:{"uid":"1234"}': {}}},
    "f:spec": {"f:ports": {PORT: {".": {}, "f:name": {}}}, "f:selector": {}},
}
PATHS = {
    "metadata.labels.app",
    "metadata.ownerReferences[uid]",
    "spec.ports[port=80,protocol=TCP]",
    "spec.ports[port=80,protocol=TCP].name",
    "spec.selector",
}


def metadata(*entries: dict[str, Any], version: str = "10") -> dict[str, Any]:
    return {"uid": "object", "resourceVersion": version, "managedFields": list(entries)}


def entry(fields: dict[str, Any], manager: str = FIELD_MANAGER, operation: str = "Apply") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "time": "2026-01-01T00:00:00Z", "fieldsV1": fields}


def test_a_mark_names_the_fields_that_we_applied() -> None:
    foreign = entry({"f:spec": {"f:type": {}}}, "kubectl", "Update")
    ours_otherwise = entry({"f:status": {"f:conditions": {}}}, operation="Update")

    assert mark_of(metadata(entry(OURS), foreign, ours_otherwise)) == Mark(
        "object", 10, frozenset(PATHS), "2026-01-01T00:00:00Z"
    )
    assert mark_of(metadata()).fields == frozenset()


def test_items_are_named_by_the_value_or_place_they_go_by() -> None:
    fields: dict[str, Any] = {
        "f:metadata": {"f:finalizers": {'v:"a"': {}}},
        "f:spec": {"f:list": {"i:0": {}, "k:odd": {}}},
    }

    found = mark_of(metadata(entry(fields))).fields

    assert found == {"metadata.finalizers[a]", "spec.list[0]", "spec.list[odd]"}


def test_equal_fields_are_kept_once() -> None:
    marks = [mark_of(metadata(entry(json.loads(json.dumps(OURS))), version=str(number))) for number in (1, 2)]

    assert marks[0].fields is marks[1].fields


APPLIED = Mark("object", 10, frozenset(PATHS))
CASES: tuple[tuple[Mark | None, int, Drift | None, str], ...] = (
    (APPLIED, 10, None, "it is as it was applied"),
    (Mark("object", 12, frozenset(PATHS)), 12, None, "others changed what is theirs"),
    (Mark("object", 12, frozenset({*PATHS, "spec.type"})), 12, None, "we own more than before"),
    (
        Mark("object", 12, frozenset(PATHS - {"spec.selector", "metadata.labels.app"})),
        12,
        Drift(SERVICE, ("metadata.labels.app", "spec.selector")),
        "who changes a field of ours takes it",
    ),
    (Mark("object", 9, frozenset()), 9, None, "what was seen is older than what we did"),
    (
        Mark("object", 12, frozenset(PATHS), "2026-01-01T00:00:01Z"),
        12,
        Drift(SERVICE, rewritten=True),
        "a run that outlived its daemon applied what it had been told",
    ),
    (Mark("other", 12, frozenset(PATHS)), 12, Drift(SERVICE), "somebody deleted it and made another"),
    (Mark("other", 9, frozenset()), 9, None, "the one before ours"),
    (None, 10, Drift(SERVICE), "it was there, and is gone"),
    (None, 9, None, "it was made a moment ago, and is not seen yet"),
    (None, 0, None, "nothing is known of the cluster"),
)


@pytest.mark.parametrize(("live", "seen", "found", "why"), CASES, ids=[case[3] for case in CASES])
def test_drift(live: Mark | None, seen: int, found: Drift | None, why: str) -> None:
    assert drift(SERVICE, APPLIED, live, seen) == found, why


def test_a_drift_says_what_it_is() -> None:
    assert str(Drift(SERVICE)) == "Service chat was deleted"
    assert str(Drift(SERVICE, rewritten=True)) == "Service chat was written by another run"
    assert str(Drift(SERVICE, ("a", "b"))) == "a, b of Service chat were changed"


def test_of_very_many_fields_the_outermost_are_found_at_once() -> None:
    names = [f"spec.env[name=V{number}]" for number in range(20_000)]
    fields = frozenset(path for name in names for path in (name, f"{name}.name", f"{name}.value"))
    key = Identity("Deployment", "team", "chat")
    found = drift(key, Mark("u", 1, fields), Mark("u", 2, frozenset()), 2)

    assert found is not None
    assert found.fields == tuple(sorted(names))
    assert str(found).endswith("and 19990 more of Deployment chat were changed")


def test_what_somebody_wrote_in_our_name_is_not_kept_for_others() -> None:
    fields: dict[str, Any] = {f"f:key{number}": {} for number in range(5_000)}
    entry = {"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": {"f:data": fields}}
    metadata = {"uid": "u", "resourceVersion": "7", "managedFields": [entry]}
    before = _known_fields.cache_info().currsize

    assert len(mark_of(metadata).fields) == 5_000
    assert _known_fields.cache_info().currsize == before


def test_long_and_deep_paths_stay_within_their_memory() -> None:
    fields: dict[str, Any] = {f"f:leaf{number}": {} for number in range(500)}
    for _ in range(90):
        fields = {f"f:{'a' * 1000}": fields}
    text = json.dumps(fields)

    found = mark_of(metadata(entry(fields))).fields

    assert len(found) == 500
    assert sum(map(len, found)) < 4 * len(text)


def test_paths_that_are_cut_stay_apart() -> None:
    name = "a" * 5_000
    first, second = (mark_of(metadata(entry({f"f:{name}{end}": {}}))).fields for end in "xy")

    assert first != second
    assert len(next(iter(first))) < 512


def test_an_account_without_measure_is_compared_as_a_whole() -> None:
    fields: dict[str, Any] = {f"f:{number:x}": {} for number in range(60_000)}
    before, same = (mark_of(metadata(entry(dict(fields)))) for _ in range(2))
    other = mark_of(metadata(entry({**fields, "f:one-more": {}}), version="11"))

    assert len(before.fields) == 1
    assert drift(SERVICE, before, same, 10) is None
    assert drift(SERVICE, before, other, 11) is not None
