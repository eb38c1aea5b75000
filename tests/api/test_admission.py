"""Our CRDs, the reference CRDs and our models give one answer, on the real API server."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest

from gateway_components.api.parse import admission_problems, parse
from gateway_components.errors import dotted
from lab.control_plane import ControlPlane
from tests.api.bad_cases import BAD
from tests.api.case import MODEL, Case, Manifest, gateway, presidio, provider, route_to, server
from tests.api.clusters import admitted
from tests.api.everything import EVERYTHING
from tests.api.good_cases import GOOD
from tests.api.guard_cases import BAD_GUARDS, GOOD_GUARDS
from tests.api.tool_cases import BAD_TOOLS, GOOD_TOOLS
from tests.api.urls import REFUSED, TAKEN

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
    ours = check_models(both, manifest)
    assert ours == admitted(both, manifest, reference=True)
    return ours


def check_models(lab: ControlPlane, manifest: Manifest) -> Manifest | None:
    """Return what our CRD makes of a manifest, having checked that our models agree."""
    ours = admitted(lab, manifest, reference=False)
    reported = admission_problems(manifest)
    assert (ours is None) == bool(reported), reported
    if ours is not None:
        named = manifest | {"metadata": ours["metadata"]}
        assert parse(named) == parse(ours)
    return ours


@pytest.mark.parametrize("case", [*GOOD, *GOOD_TOOLS, *GOOD_GUARDS], ids=str)
def test_reference_ours_and_the_models_admit(both: ControlPlane, case: Case) -> None:
    assert check_agreement(both, case.manifest) is not None, case.why


@pytest.mark.parametrize("case", [*BAD, *BAD_TOOLS, *BAD_GUARDS], ids=str)
def test_reference_ours_and_the_models_refuse(both: ControlPlane, case: Case) -> None:
    assert check_agreement(both, case.manifest) is None, case.why


@pytest.mark.parametrize(
    ("manifest", "path"),
    [
        pytest.param(manifest, path, id=f"{manifest['kind']}.{dotted(path)}")
        for manifest in EVERYTHING
        for path in paths(manifest["spec"], ("spec",))
    ],
)
def test_all_agree_on_an_odd_value_in_any_field(lab: ControlPlane, manifest: Manifest, path: Path) -> None:
    # The reference as well: its schema is ours, which test_schema holds as data.
    for value in (ABSENT, *ODD_VALUES):
        check_models(lab, replaced(manifest, path, value))


@pytest.mark.parametrize("manifest", EVERYTHING, ids=lambda manifest: str(manifest["kind"]))
def test_manifest_with_every_field_is_admitted_as_it_is(both: ControlPlane, manifest: Manifest) -> None:
    answer = check_agreement(both, manifest)
    assert answer is not None
    assert answer["spec"] == manifest["spec"]


@pytest.mark.parametrize("why", TAKEN)
def test_all_take_a_url(both: ControlPlane, why: str) -> None:
    for url in TAKEN[why]:
        assert check_agreement(both, presidio(url)) is not None, url
        wanted = url.startswith(("http://", "https://")) and url != "http://"
        assert (check_agreement(both, route_to(url)) is not None) == wanted, url


@pytest.mark.parametrize("why", REFUSED)
def test_all_refuse_a_url(both: ControlPlane, why: str) -> None:
    for url in REFUSED[why]:
        for manifest in (presidio(url), route_to(url)):
            assert check_agreement(both, manifest) is None, url


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


def test_server_gets_its_protocol_transport_and_names(both: ControlPlane) -> None:
    answer = check_agreement(both, server(imagePullSecrets=[{}]))
    assert answer is not None
    assert answer["spec"] == {
        "image": "i",
        "imagePullSecrets": [{"name": ""}],
        "protocol": "mcp",
        "transportType": "http",
    }


def test_the_secret_of_a_provider_may_have_an_empty_name(both: ControlPlane) -> None:
    manifest = provider(
        bedrock={"region": "r", "credentialsSecretRef": {}},
        openaiModeration={"apiKeySecretRef": {"key": "k"}},
    )
    answer = check_agreement(both, manifest)
    assert answer is not None
    assert answer["spec"] == {
        "type": "presidio-api",
        "bedrock": {"region": "r", "credentialsSecretRef": {}},
        "openaiModeration": {"apiKeySecretRef": {"key": "k", "name": ""}},
    }
