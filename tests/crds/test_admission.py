"""Our CRDs, the reference CRDs and our models give one answer, on the real API server."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from gateway_components.crds.parse import admission_problems, parse
from lab.control_plane import ControlPlane
from tests.crds.bad_cases import BAD
from tests.crds.case import MODEL, Case, Manifest, gateway
from tests.crds.clusters import admitted
from tests.crds.good_cases import GOOD

EVERYTHING = gateway(
    aiGatewayClassName="litellm",
    commonMetadata={"labels": {"a": "b"}, "annotations": {"c": "d"}},
    podMetadata={"labels": {"a": "b"}, "annotations": {"c": "d"}},
    env=[
        {"name": "A", "value": "b"},
        {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k", "optional": True}}},
        {"name": "C", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
        {
            "name": "D",
            "valueFrom": {"fileKeyRef": {"key": "k", "optional": True, "path": "p", "volumeName": "v"}},
        },
        {
            "name": "E",
            "valueFrom": {
                "resourceFieldRef": {"containerName": "c", "divisor": "1", "resource": "limits.cpu"}
            },
        },
        {"name": "F", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
    ],
    envFrom=[
        {"prefix": "P_", "configMapRef": {"name": "c", "optional": True}},
        {"secretRef": {"name": "s", "optional": True}},
    ],
    guardrails=[
        {
            "apiVersion": "a",
            "fieldPath": "b",
            "kind": "c",
            "name": "d",
            "namespace": "e",
            "resourceVersion": "f",
            "uid": "g",
        }
    ],
    port=4000,
)
"""An AiGateway with every field of its spec."""

ODD_VALUES: tuple[Any, ...] = (
    None,
    "",
    "text",
    "1Gi",
    0,
    7,
    7.0,
    1.5,
    -1,
    2**40,
    True,
    [],
    [None],
    {},
    {"a": "b"},
)
ABSENT = object()

Path = tuple[str | int, ...]


def paths(value: Any, path: Path) -> Iterator[Path]:
    """Yield the way to a value and to everything in it."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inside:
        yield from paths(item, (*path, step))


def replaced(manifest: Manifest, path: Path, value: Any) -> Manifest:
    """Return the manifest with another value at a path, or with none there for `ABSENT`."""
    changed = deepcopy(manifest)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    if value is ABSENT:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def check_agreement(both: ControlPlane, manifest: Manifest) -> Manifest | None:
    """Return what our CRD makes of a manifest, having checked that the reference and our models agree."""
    ours = admitted(both, manifest, reference=False)
    assert ours == admitted(both, manifest, reference=True)
    told = admission_problems(manifest)
    assert (ours is None) == bool(told), told
    if ours is not None:
        named = manifest | {"metadata": ours["metadata"]}
        assert parse(named) == parse(ours)
    return ours


@pytest.mark.parametrize("case", GOOD, ids=str)
def test_reference_ours_and_the_models_admit(both: ControlPlane, case: Case) -> None:
    assert check_agreement(both, case.manifest) is not None, case.why


@pytest.mark.parametrize("case", BAD, ids=str)
def test_reference_ours_and_the_models_refuse(both: ControlPlane, case: Case) -> None:
    assert check_agreement(both, case.manifest) is None, case.why


@pytest.mark.parametrize(
    "path", list(paths(EVERYTHING["spec"], ("spec",))), ids=lambda path: ".".join(str(step) for step in path)
)
def test_all_agree_on_an_odd_value_in_any_field(both: ControlPlane, path: Path) -> None:
    for value in (ABSENT, *ODD_VALUES):
        check_agreement(both, replaced(EVERYTHING, path, value))


def test_defaults_are_filled_in_everywhere_they_belong(both: ControlPlane) -> None:
    sources = ({"secretKeyRef": {"key": "k"}}, {"fileKeyRef": {"key": "k", "path": "p", "volumeName": "v"}})
    manifest = gateway(
        env=[{"name": "A", "valueFrom": source} for source in sources], envFrom=[{"configMapRef": {}}]
    )
    answer = check_agreement(both, manifest)
    assert answer is not None
    assert answer["spec"] == {
        "aiModels": [MODEL],
        "port": 80,
        "env": [
            {"name": "A", "valueFrom": {"secretKeyRef": {"key": "k", "name": ""}}},
            {
                "name": "A",
                "valueFrom": {"fileKeyRef": {"key": "k", "path": "p", "volumeName": "v", "optional": False}},
            },
        ],
        "envFrom": [{"configMapRef": {"name": ""}}],
    }
