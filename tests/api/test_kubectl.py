"""What users of kubectl see: explanations, columns, short names, and statuses that the CRDs take."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.api.gateways import AiGatewayClass, ToolGatewayClass
from gateway_components.api.kinds import KINDS
from gateway_components.api.meta import GROUP
from gateway_components.api.parse import parse_as, problems
from lab.control_plane import ControlPlane
from lab.errors import KubectlError
from tests.api.case import Manifest, gateway, guard, manifest, presidio, route, server, tool_gateway
from tests.api.clusters import PREFIX, REFERENCE_GROUP

CLASS_FILE = Path(__file__).parents[2] / "deploy" / "classes" / "litellm.yaml"

CONDITION = {
    "type": "AiGatewayReady",
    "status": "False",
    "reason": "DeploymentRollingOut",
    "message": "1 of 2 replicas are available",
    "lastTransitionTime": "2025-01-31T12:00:00Z",
    "observedGeneration": 1,
}


def test_explain_describes_the_kind_and_its_fields(lab: ControlPlane) -> None:
    reported = " ".join(lab.kubectl("explain", "aigw.spec").split())
    assert "Desired state of the gateway." in reported
    assert "Models that the gateway serves." in reported
    assert "Port of the gateway container and of its Service." in reported
    assert "AiGateway is a LiteLLM proxy in front of language models." in lab.kubectl("explain", "aigateway")


def test_explain_goes_down_to_the_last_field(lab: ControlPlane) -> None:
    explained = " ".join(lab.kubectl("explain", "aigateway.spec.env.valueFrom.secretKeyRef.optional").split())
    assert "Whether the container starts even if the object or the key is missing." in explained


def test_kubectl_get_shows_models_readiness_and_reason(idle_lab: ControlPlane, lab_namespace: str) -> None:
    models = [{"name": name, "provider": "openai"} for name in ("gpt-4o", "o3")]
    sent = gateway(aiGatewayClassName="litellm", aiModels=models)
    idle_lab.kubectl("apply", f"--namespace={lab_namespace}", "--filename=-", input=json.dumps(sent))
    set_conditions(idle_lab, "aigw/example", lab_namespace, [CONDITION])
    heading, row = idle_lab.kubectl("get", "aigw", f"--namespace={lab_namespace}").splitlines()
    assert heading.split() == ["NAME", "CLASS", "MODEL", "READY", "AGE"]
    assert row.split()[:4] == ["example", "litellm", "gpt-4o", "False"]
    wide = idle_lab.kubectl("get", "aigw", "--output=wide", f"--namespace={lab_namespace}")
    assert "DeploymentRollingOut" in wide
    assert json.dumps(models, separators=(",", ":")) in wide


def test_shipped_classes_are_ours_and_not_the_default(lab: ControlPlane) -> None:
    manifests = list(yaml.safe_load_all(CLASS_FILE.read_text(encoding="utf-8")))
    assert [problem for entry in manifests for problem in problems(entry)] == []
    ai, tool = parse_as(AiGatewayClass, manifests[0]), parse_as(ToolGatewayClass, manifests[1])
    assert [entry["kind"] for entry in manifests] == [ai.kind, tool.kind]
    assert (ai.metadata.name, tool.metadata.name) == ("litellm", "litellm")
    assert (ai.metadata.annotations, tool.metadata.annotations) == ({}, {})
    assert ai.spec.controller == "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
    assert tool.spec.controller == "litellm.agentic-layer.ai/tool-gateway-litellm-controller"
    assert lab.kubectl("apply", "--dry-run=server", f"--filename={CLASS_FILE}").count("dry run") == len(
        manifests
    )


@pytest.mark.parametrize(("kind", "short"), [("AiGatewayClass", "aigwc"), ("ToolGatewayClass", "toolgwc")])
def test_get_shows_the_controller_of_a_class(lab: ControlPlane, kind: str, short: str) -> None:
    sent = manifest(kind, {"controller": "example.com/a"}) | {"metadata": {"name": "columns"}}
    lab.kubectl("apply", "--filename=-", input=json.dumps(sent))
    heading, row = lab.kubectl("get", short, "columns").splitlines()
    lab.kubectl("delete", short, "columns")
    assert heading.split() == ["NAME", "CONTROLLER", "AGE"]
    assert row.split()[:2] == ["columns", "example.com/a"]


READY = {"status": "True", "reason": "Fine", "message": "", "lastTransitionTime": "2025-01-31T12:00:00Z"}

ROWS: tuple[tuple[str, Manifest, dict[str, Any], str, str], ...] = (
    (
        "toolgw",
        tool_gateway(toolGatewayClassName="litellm"),
        {"url": "http://g", "conditions": [READY | {"type": "ToolGatewayReady"}]},
        "NAME CLASS READY REASON URL AGE",
        "example litellm True Fine http://g",
    ),
    (
        "trt",
        route(toolGatewayRef={"name": "g"}),
        {"url": "http://g/mcp/k", "conditions": [READY | {"type": "Ready"}]},
        "NAME GATEWAY READY REASON URL SERVER EXTERNAL AGE",
        "example g True Fine http://g/mcp/k s",
    ),
    (
        "trt",
        route({"external": {"url": "http://h"}}, toolGatewayRef={"name": "g"}),
        {"url": "http://g/mcp/k", "conditions": [READY | {"type": "Ready"}]},
        "NAME GATEWAY READY REASON URL SERVER EXTERNAL AGE",
        "example g True Fine http://g/mcp/k http://h",
    ),
    (
        "tsrv",
        server(port=8000, path="/mcp"),
        {"url": "http://s"},
        "NAME TRANSPORT PORT PATH IMAGE URL AGE",
        "example http 8000 /mcp i http://s",
    ),
    (
        "grd",
        guard(mode=["pre_call", "post_call"]),
        {},
        "NAME PROVIDER MODE AGE",
        'example p ["pre_call","post_call"]',
    ),
    ("grdp", presidio("http://h"), {}, "NAME TYPE AGE", "example presidio-api"),
)


@pytest.mark.parametrize(("short", "sent", "status", "heading", "row"), ROWS)
def test_get_wide_shows_what_the_object_says(
    idle_lab: ControlPlane,
    lab_namespace: str,
    short: str,
    sent: Manifest,
    status: dict[str, Any],
    heading: str,
    row: str,
) -> None:
    idle_lab.kubectl("apply", f"--namespace={lab_namespace}", "--filename=-", input=json.dumps(sent))
    if status:
        patch = ("--subresource=status", "--type=merge", f"--patch={json.dumps({'status': status})}")
        idle_lab.kubectl("patch", short, "example", f"--namespace={lab_namespace}", *patch)
    table = idle_lab.kubectl("get", short, "--output=wide", f"--namespace={lab_namespace}").splitlines()
    assert table[0].split() == heading.split()
    # A column without a value is left empty, so it does not show after the split; the age comes last.
    assert [cell for cell in table[1].split() if cell != "<none>"][:-1] == row.split()


def test_no_resource_of_kubernetes_has_one_of_our_names(lab: ControlPlane) -> None:
    rows = [
        line.split() for line in lab.kubectl("api-resources", "--no-headers", "--output=wide").splitlines()
    ]
    foreign = [row for row in rows if not any(cell.startswith(f"{GROUP}/") for cell in row)]
    theirs = {name for row in foreign for cell in row[:2] for name in cell.split(",")}
    assert "po" in theirs
    ours = {name for kind in KINDS.values() for name in (kind.short_name, kind.singular, kind.plural)}
    assert ours & theirs == set()


@pytest.mark.parametrize("kind", KINDS)
def test_explain_describes_every_kind(lab: ControlPlane, kind: str) -> None:
    summary = (KINDS[kind].model.__doc__ or "").splitlines()[0]
    for name in (KINDS[kind].short_name, KINDS[kind].singular):
        assert summary in " ".join(lab.kubectl("explain", name).split())


def set_conditions(lab: ControlPlane, name: str, namespace: str, conditions: Any, *flags: str) -> str:
    """Write the conditions of an object's status, as a controller does, and return the object as JSON."""
    patch = f"--patch={json.dumps({'status': {'conditions': conditions}})}"
    how = ("--subresource=status", "--type=merge", "--output=json", f"--namespace={namespace}")
    return lab.kubectl("patch", name, *how, patch, *flags)


@pytest.fixture
def pair(both: ControlPlane, lab_namespace: str) -> tuple[str, str]:
    """An AiGateway under our CRD and one under the reference's."""
    names = {"apiVersion": f"{REFERENCE_GROUP}/v1alpha1", "kind": f"{PREFIX}AiGateway"}
    for sent in (gateway(), gateway() | names):
        both.kubectl("create", f"--namespace={lab_namespace}", "--filename=-", input=json.dumps(sent))
    return "aigateways/example", f"{PREFIX.lower()}aigateways/example"


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        (CONDITION, True),
        ({key: value for key, value in CONDITION.items() if key != "observedGeneration"}, True),
        (CONDITION | {"type": "example.com/Ready", "message": ""}, True),
        ({key: value for key, value in CONDITION.items() if key != "message"}, False),
        (CONDITION | {"status": "Maybe"}, False),
        (CONDITION | {"reason": ""}, False),
        (CONDITION | {"reason": "not a word"}, False),
        (CONDITION | {"type": "a b"}, False),
        (CONDITION | {"message": "x" * 32769}, False),
        (CONDITION | {"lastTransitionTime": "yesterday"}, False),
        (CONDITION | {"observedGeneration": -1}, False),
    ],
)
def test_both_crds_take_or_refuse_the_same_condition(
    both: ControlPlane, lab_namespace: str, pair: tuple[str, str], condition: dict[str, Any], taken: bool
) -> None:
    for name in pair:
        if taken:
            answer = json.loads(set_conditions(both, name, lab_namespace, [condition]))
            assert answer["status"] == {"conditions": [condition]}
        else:
            with pytest.raises(KubectlError, match=r"status\.conditions"):
                set_conditions(both, name, lab_namespace, [condition])
