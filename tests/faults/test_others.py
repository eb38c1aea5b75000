"""What others add to what is ours stays, whichever tool wrote it; what they fight about with us costs little."""

import json
from datetime import datetime
from typing import Any

import pytest

from lab import KubectlError, wait_until
from tests.conftest import SharedDaemon
from tests.daemon.harness import Namespace
from tests.daemon.manifests import gateway
from tests.faults.owned import corrections, live, path_of
from tests.faults.truth import assert_true

SECONDS = 120.0

Raw = dict[str, Any]

SIDECAR = {"name": "proxy", "image": "proxy:1", "volumeMounts": [{"name": "certs", "mountPath": "/certs"}]}
AUTOSCALER = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "metadata": {"name": "meshed"},
    "spec": {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "meshed"},
        "minReplicas": 3,
        "maxReplicas": 5,
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            }
        ],
    },
}


def test_what_others_add_stays(shared_daemon: SharedDaemon, namespace: Namespace) -> None:
    place, daemon = namespace, shared_daemon.running()
    place.apply(gateway("meshed"), AUTOSCALER)
    place.wait_ready("meshed")
    template = "/spec/template/spec"
    place.lab.api.patch(
        path_of(place, "Deployment", "meshed"),
        [
            {"op": "add", "path": f"{template}/containers/-", "value": SIDECAR},
            {
                "op": "add",
                "path": f"{template}/initContainers",
                "value": [{"name": "init", "image": "init:1"}],
            },
            {"op": "add", "path": f"{template}/volumes/-", "value": {"name": "certs", "emptyDir": {}}},
            {
                "op": "add",
                "path": f"{template}/containers/0/env/-",
                "value": {"name": "ZONE", "value": "a"},
            },
        ],
        "mesh",
    )
    applied = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "meshed", "annotations": {"team": "a"}},
        "spec": {"template": {"spec": {"containers": [{"name": "second", "image": "second:1"}]}}},
    }
    place.lab.kubectl(
        "apply",
        "--server-side",
        "--field-manager=tool",
        "-n",
        place.name,
        "-f",
        "-",
        input=json.dumps(applied),
    )
    place.kubectl("label", "deployment,service,configmap", "-l", "app=meshed", "cost=low")
    place.kubectl("annotate", "service", "meshed", "note=kept")
    place.kubectl("patch", "service", "meshed", "-p", '{"spec": {"sessionAffinity": "ClientIP"}}')
    place.patch("ConfigMap", "meshed-config", {"data": {"extra.txt": "kept"}})
    place.kubectl("rollout", "restart", "deployment/meshed")
    wait_until(
        lambda: live(place, "Deployment", "meshed")["spec"]["replicas"] == 3, timeout=60, what="scaled"
    )
    foreign = added(place)
    assert foreign["containers"] == ["litellm", "proxy", "second"]

    place.apply(gateway("meshed", "edited"))
    place.wait_config("meshed", "openai/edited\n")
    place.wait_ready("meshed")
    assert added(place) == foreign, "an edit of the gateway leaves them"

    place.kubectl("set", "image", "deployment/meshed", "litellm=other:1")
    wait_until(lambda: corrections(daemon, place, "meshed", "Deployment"), timeout=SECONDS, what="corrected")
    place.kubectl("label", "service", "meshed", "--overwrite", "app=other")
    wait_until(lambda: corrections(daemon, place, "meshed", "Service"), timeout=SECONDS, what="corrected")
    assert added(place) == foreign, "a correction leaves them"

    shared_daemon.stop()
    place.kubectl("delete", "hpa", "meshed")
    place.kubectl("scale", "deployment", "meshed", "--replicas=2")
    shared_daemon.running()
    place.apply(gateway("meshed", "later"))
    place.wait_config("meshed", "openai/later\n")
    place.wait_ready("meshed")
    assert added(place) == {**foreign, "replicas": 2}, "a daemon that is started anew leaves them"
    place.apply(gateway("meshed", "later", env=[{"name": "MORE", "value": "1"}]))
    wait_until(lambda: "MORE" in added(place)["env"], timeout=SECONDS, what="another edit")
    assert {**added(place), "env": foreign["env"]} == {**foreign, "replicas": 2}


def added(place: Namespace) -> Raw:
    deployment, service = live(place, "Deployment", "meshed"), live(place, "Service", "meshed")
    template = deployment["spec"]["template"]
    pod = template["spec"]
    return {
        "containers": sorted(container["name"] for container in pod["containers"]),
        "init": [container["name"] for container in pod["initContainers"]],
        "volumes": sorted(volume["name"] for volume in pod["volumes"]),
        "env": sorted(one["name"] for one in pod["containers"][0]["env"]),
        "restarted": template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"],
        "replicas": deployment["spec"]["replicas"],
        "team": deployment["metadata"]["annotations"]["team"],
        "labels": [one["metadata"]["labels"]["cost"] for one in (deployment, service)],
        "note": service["metadata"]["annotations"]["note"],
        "affinity": service["spec"]["sessionAffinity"],
        "data": live(place, "ConfigMap", "meshed")["data"]["extra.txt"],
    }


def test_a_service_port_edited_while_no_daemon_ran_is_restored(
    shared_daemon: SharedDaemon, namespace: Namespace
) -> None:
    place = namespace
    place.apply(gateway("ported"))
    place.wait_ready("ported")
    shared_daemon.stop()
    edit = [{"op": "replace", "path": "/spec/ports/0/port", "value": 81}]
    place.lab.api.patch(path_of(place, "Service", "ported"), edit, "kubectl-edit")
    # The gateway is another one by the time anybody looks: what is on the cluster differs from it in any case.
    place.apply(gateway("ported", "other"))
    shared_daemon.running()
    place.wait_config("ported", "openai/other\n")
    wait_until(
        lambda: [port["port"] for port in live(place, "Service", "ported")["spec"]["ports"]] == [80],
        timeout=SECONDS,
        what="one port",
    )
    place.wait_ready("ported")
    assert_true(place.lab, [place.name], seconds=SECONDS)


@pytest.mark.soak
def test_a_competing_writer_costs_no_run_each_time(shared_daemon: SharedDaemon, namespace: Namespace) -> None:
    place, daemon = namespace, shared_daemon.running()
    place.apply(gateway("fought"))
    place.wait_ready("fought")

    def fight() -> bool:
        if live(place, "Service", "fought")["metadata"]["labels"]["app"] != "theirs":
            try:
                place.kubectl("label", "service", "fought", "--overwrite", "app=theirs")
            except KubectlError:
                return False
        return len(corrections(daemon, place, "fought")) >= 6

    wait_until(fight, timeout=SECONDS, what="some corrections")
    last, before = (
        datetime.fromisoformat(line["timestamp"])
        for line in reversed(corrections(daemon, place, "fought")[-2:])
    )
    assert (last - before).total_seconds() > 2.0, "it waits longer each time"
    # Whoever edits the gateway does not wait.
    place.apply(gateway("fought", "edited"))
    place.wait_config("fought", "openai/edited\n")
