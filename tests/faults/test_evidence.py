"""Whatever becomes of a run, a status claims no more than what is on the cluster."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import ControlPlane, KubectlError, wait_until
from tests.daemon.harness import Daemon, Namespace
from tests.daemon.manifests import gateway
from tests.faults.fatal_engine import PROGRAM, REFUSED, STAGES
from tests.faults.truth import untruths

SECONDS = 120.0
HEALTHY = tuple(f"gateway-{number}" for number in range(3))
GATEWAYS = (*HEALTHY, REFUSED)

POLICY = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "no-such-service"},
    "spec": {
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["services"],
                }
            ]
        },
        "validations": [{"expression": f"object.metadata.name != '{REFUSED}'", "message": "not this one"}],
    },
}
BINDING = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "no-such-service"},
    "spec": {"policyName": "no-such-service", "validationActions": ["Deny"]},
}


@pytest.fixture(scope="module", autouse=True)
def policy(idle_lab: ControlPlane) -> Iterator[None]:
    """Have the API server refuse one Service, by its name."""
    objects = json.dumps({"apiVersion": "v1", "kind": "List", "items": [POLICY, BINDING]})
    idle_lab.kubectl("apply", "-f", "-", input=objects)

    def holds() -> bool:
        try:
            idle_lab.kubectl("create", "service", "clusterip", REFUSED, "--tcp=80", "--dry-run=server")
        except KubectlError:
            return True
        return False

    wait_until(holds, timeout=SECONDS, what="the policy holds")
    yield
    idle_lab.kubectl("delete", "-f", "-", input=objects)


@pytest.fixture(scope="module")
def moment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that says where the next engine dies."""
    return tmp_path_factory.mktemp("moment") / "moment"


@pytest.fixture(scope="module")
def mortal(
    idle_lab: ControlPlane, moment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Daemon]:
    """Return a daemon whose engines die when they are told to; it must survive every test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOMENT", str(moment))
        daemon = Daemon(idle_lab, tmp_path_factory.mktemp("daemon"), "--no-leader-election", program=PROGRAM)
    with daemon:
        yield daemon
        assert daemon.process.poll() is None
        assert not daemon.events("internal error")


@pytest.mark.parametrize("stage", STAGES)
def test_an_engine_killed_beside_a_refused_neighbour(
    stage: str, idle_lab: ControlPlane, mortal: Daemon, place: Namespace, moment: Path
) -> None:
    for model in ("first", "second"):
        moment.write_text(stage)
        place.apply(*(gateway(name, model) for name in GATEWAYS))

        def settled(model: str = model) -> bool:
            assert not lies(place, model)
            return not moment.exists() and not untruths(idle_lab, [place.name], refused=[REFUSED])

        wait_until(settled, timeout=SECONDS, what=f"everything true after an engine was killed {stage}")
    reported = [str(raw) for kind in ("AiGateway", "Event") for raw in place.list(kind)]
    reported += [str(line) for line in mortal.log() if place.name in str(line)]
    assert not [line for line in reported if "Updating" in line or "stdout:" in line], (
        "no output of the engine"
    )


def lies(place: Namespace, model: str) -> list[str]:
    """Return the gateways that say to be configured with `model`, and lack an object or have another model."""
    claims = [
        raw["metadata"]["name"]
        for raw in place.list("AiGateway")
        if raw["spec"]["aiModels"][0]["name"] == model
        for condition in (raw.get("status") or {}).get("conditions") or ()
        if (condition["type"], condition["status"]) == ("AiGatewayConfigured", "True")
        and condition["observedGeneration"] == raw["metadata"]["generation"]
    ]
    return [name for name in claims if not applied(place, name, model)]


def applied(place: Namespace, name: str, model: str) -> bool:
    existing = [place.get(kind, name) for kind in ("Deployment", "Service")]
    return all(existing) and f"openai/{model}\n" in place.config(name)
