"""What users of kubectl see: explanations, columns, short names, and statuses that the CRDs take."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway_components.crds.aigatewayclass import AiGatewayClass
from gateway_components.crds.parse import parse_as, problems
from lab.control_plane import ControlPlane
from lab.errors import KubectlError
from tests.crds.case import gateway
from tests.crds.clusters import PREFIX, REFERENCE_GROUP

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
    told = " ".join(lab.kubectl("explain", "aigw.spec").split())
    assert "What the gateway is to serve, and how." in told
    assert "The models that the gateway serves, at least one." in told
    assert "Port that the gateway and its Service listen on." in told
    assert "A LiteLLM gateway in front of language models." in lab.kubectl("explain", "aigateway")


def test_explain_goes_down_to_the_last_field(lab: ControlPlane) -> None:
    told = lab.kubectl("explain", "aigateway.spec.env.valueFrom.secretKeyRef.optional")
    assert "Whether the container starts without the object or the key." in told


def test_get_shows_class_model_ready_and_age_and_wide_all_models_and_the_reason(
    lab: ControlPlane, lab_namespace: str
) -> None:
    models = [{"name": name, "provider": "openai"} for name in ("gpt-4o", "o3")]
    manifest = gateway(aiGatewayClassName="litellm", aiModels=models)
    lab.kubectl("apply", f"--namespace={lab_namespace}", "--filename=-", input=json.dumps(manifest))
    set_conditions(lab, "aigw/example", lab_namespace, [CONDITION])
    heading, row = lab.kubectl("get", "aigw", f"--namespace={lab_namespace}").splitlines()
    assert heading.split() == ["NAME", "CLASS", "MODEL", "READY", "AGE"]
    assert row.split()[:4] == ["example", "litellm", "gpt-4o", "False"]
    wide = lab.kubectl("get", "aigw", "--output=wide", f"--namespace={lab_namespace}")
    assert "DeploymentRollingOut" in wide
    assert json.dumps(models, separators=(",", ":")) in wide


def test_shipped_class_is_ours_and_not_the_default(lab: ControlPlane) -> None:
    manifest = yaml.safe_load(CLASS_FILE.read_text(encoding="utf-8"))
    assert problems(manifest) == ()
    shipped = parse_as(AiGatewayClass, manifest)
    assert shipped.metadata.name == "litellm"
    assert shipped.metadata.annotations == {}
    assert shipped.spec.controller == "aigateway.agentic-layer.ai/ai-gateway-litellm-controller"
    assert "dry run" in lab.kubectl("apply", "--dry-run=server", f"--filename={CLASS_FILE}")


def test_get_shows_the_controller_of_a_class(lab: ControlPlane) -> None:
    manifest = yaml.safe_load(CLASS_FILE.read_text(encoding="utf-8")) | {"metadata": {"name": "columns"}}
    lab.kubectl("apply", "--filename=-", input=json.dumps(manifest))
    heading, row = lab.kubectl("get", "aigwc", "columns").splitlines()
    lab.kubectl("delete", "aigwc", "columns")
    assert heading.split() == ["NAME", "CONTROLLER", "AGE"]
    assert row.split()[1] == manifest["spec"]["controller"]


def set_conditions(lab: ControlPlane, name: str, namespace: str, conditions: Any, *flags: str) -> str:
    """Write the conditions of an object's status, as a controller does, and return the object as JSON."""
    patch = f"--patch={json.dumps({'status': {'conditions': conditions}})}"
    how = ("--subresource=status", "--type=merge", "--output=json", f"--namespace={namespace}")
    return lab.kubectl("patch", name, *how, patch, *flags)


@pytest.fixture
def pair(both: ControlPlane, lab_namespace: str) -> tuple[str, str]:
    """An AiGateway under our CRD and one under the reference's."""
    names = {"apiVersion": f"{REFERENCE_GROUP}/v1alpha1", "kind": f"{PREFIX}AiGateway"}
    for manifest in (gateway(), gateway() | names):
        both.kubectl("create", f"--namespace={lab_namespace}", "--filename=-", input=json.dumps(manifest))
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
