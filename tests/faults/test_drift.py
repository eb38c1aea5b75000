"""What others change or delete of what is ours is put right, and what they add stays."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab import ControlPlane, wait_until
from lab.errors import ApiError
from tests.daemon.harness import Daemon, Namespace, fresh_namespace
from tests.daemon.manifests import gateway
from tests.faults.edits import Edit, content, edits
from tests.faults.owned import RESOURCES, corrections, live, object_name, path_of
from tests.faults.truth import assert_true

SECONDS = 120.0
GATEWAYS = 20
VOLUME = "/spec/template/spec/volumes/0/name"
MOUNT = "/spec/template/spec/containers/0/volumeMounts/0/name"
TOGETHER = Edit(
    "Deployment",
    "a volume and its mount",
    (tuple({"op": "replace", "path": path, "value": "edited"} for path in (VOLUME, MOUNT)),),
)
"""What the API server takes together only."""
_POD = "Deployment/spec/template/spec"
NOT_TAKEN = {
    "Deployment/spec/selector": "it cannot be changed",
    "Deployment/spec/template/metadata/labels/app": "the selector would not fit",
    f"{_POD}/containers/0/volumeMounts/0/name": "no such volume",
    f"{_POD}/volumes/0": "it is mounted",
    f"{_POD}/volumes/0/name": "it is mounted",
    f"{_POD}/volumes/2/emptyDir": "its absence means the same",
}
"""Fields that the API server lets nobody edit."""

Raw = dict[str, Any]


@pytest.fixture(scope="module")
def crowd(lab: ControlPlane, daemon: Daemon) -> Iterator[Namespace]:
    """Return a namespace of gateways."""
    with fresh_namespace(lab) as place:
        place.apply(*(gateway(f"gateway-{number}", port=4000) for number in range(GATEWAYS)))
        for number in range(GATEWAYS):
            place.wait_ready(f"gateway-{number}", seconds=SECONDS)
        yield place
        assert not daemon.events("internal error")


def make(place: Namespace, edit: Edit, gateway_name: str) -> bool:
    """Make an edit in the first way that the API server takes; False where it takes none."""
    for operations in edit.operations:
        try:
            before = live(place, edit.kind, gateway_name)
            after = place.lab.api.patch(path_of(place, edit.kind, gateway_name), operations, "kubectl-edit")
        except ApiError:
            continue
        if content(before) != content({"kind": edit.kind, **after}):
            return True
    return False


def test_each_owned_field_that_is_edited_is_restored(crowd: Namespace, daemon: Daemon) -> None:
    todo = [edit for kind in RESOURCES for edit in edits(live(crowd, kind, "gateway-0"))]
    todo.append(TOGETHER)
    assert len(todo) > 60
    refused = set()
    while todo:
        # Each on a gateway of its own, as many at once as there are gateways.
        made: dict[str, tuple[Edit, Raw, int]] = {}
        while todo and len(made) < GATEWAYS:
            edit, name = todo.pop(0), f"gateway-{len(made)}"
            before = live(crowd, edit.kind, name)
            reported = len(corrections(daemon, crowd, name))
            if make(crowd, edit, name):
                made[name] = edit, content(before), reported
            else:
                refused.add(str(edit))
        for name, (edit, before, reported) in made.items():

            def put_right(
                name: str = name, edit: Edit = edit, before: Raw = before, reported: int = reported
            ) -> bool:
                same = content(live(crowd, edit.kind, name)) == before
                return same and len(corrections(daemon, crowd, name)) > reported

            try:
                wait_until(put_right, timeout=SECONDS, what=f"{edit} put right")
            except TimeoutError as error:
                error.add_note(f"wanted: {before}\nfound: {content(live(crowd, edit.kind, name))}")
                raise
            last = corrections(daemon, crowd, name)[-1]["message"]
            assert f"of {edit.kind} {object_name(edit.kind, name)} w" in last
            crowd.wait_event(name, "DriftCorrected", last[:500])
    assert sorted(refused) == sorted(NOT_TAKEN)
    assert_true(crowd.lab, [crowd.name], seconds=SECONDS)


WAYS = {
    "kubectl delete a ConfigMap": ("ConfigMap", ["delete", "configmap", "{name}-config", "--wait=false"]),
    "kubectl delete a Deployment": ("Deployment", ["delete", "deployment", "{name}", "--wait=false"]),
    "kubectl delete a Service": ("Service", ["delete", "service", "{name}", "--wait=false"]),
    "kubectl delete all of them": (
        "Deployment",
        ["delete", "deployment/{name}", "service/{name}", "configmap/{name}-config", "--wait=false"],
    ),
    "kubectl set image": ("Deployment", ["set", "image", "deployment/{name}", "litellm=other:1"]),
    "kubectl label --overwrite": ("Service", ["label", "service", "{name}", "--overwrite", "app=other"]),
    "kubectl label, removing": ("ConfigMap", ["label", "configmap", "{name}-config", "app-"]),
    "kubectl annotate, removing": (
        "Deployment",
        ["annotate", "deployment", "{name}", "pulumi.com/patchFieldManager-", "pulumi.com/skipAwait-"],
    ),
    "kubectl patch of a map that is one value": (
        "Service",
        [
            "patch",
            "service",
            "{name}",
            "--type=merge",
            "-p",
            '{{"spec": {{"selector": {{"app": "other"}}}}}}',
        ],
    ),
    "who owns what is wiped out": (
        "Deployment",
        [
            *("patch", "deployment", "{name}", "--type=merge", "-p"),
            '{{"metadata": {{"managedFields": [{{}}]}}}}',
        ],
    ),
}
FILES = {
    "kubectl apply": ["apply"],
    "kubectl apply --server-side": ["apply", "--server-side", "--force-conflicts"],
    "kubectl replace": ["replace"],
}


def test_whatever_tool_is_used(crowd: Namespace, daemon: Daemon) -> None:
    before: dict[str, tuple[str, Raw, str]] = {}
    for number, (way, (kind, arguments)) in enumerate(WAYS.items()):
        name = f"gateway-{number}"
        before[name] = kind, content(live(crowd, kind, name)), way
        crowd.kubectl(*(argument.format(name=name) for argument in arguments))
    for number, (way, arguments) in enumerate(FILES.items(), start=len(WAYS)):
        name = f"gateway-{number}"
        raw = live(crowd, "Deployment", name)
        before[name] = "Deployment", content(raw), way
        spec = raw["spec"]["template"]["spec"]["containers"][0]
        spec["image"], spec["command"] = "other:1", ["sleep"]
        raw["metadata"] = {key: raw["metadata"][key] for key in ("name", "namespace")}
        raw = {"apiVersion": "apps/v1", **{key: raw[key] for key in ("kind", "metadata", "spec")}}
        crowd.lab.kubectl(*arguments, "-f", "-", input=json.dumps(raw))
    for name, (kind, wanted, way) in before.items():

        def put_right(name: str = name, kind: str = kind, wanted: Raw = wanted) -> bool:
            raw = crowd.get(kind, object_name(kind, name))
            found = content(raw) if raw else {}
            (found.get("metadata", {}).get("annotations") or {}).pop(
                "kubectl.kubernetes.io/last-applied-configuration", None
            )
            # The Service that is made anew gets an address of its own.
            for one in (found, wanted):
                for address in ("clusterIP", "clusterIPs"):
                    (one.get("spec") or {}).pop(address, None)
            return found == wanted and bool(corrections(daemon, crowd, name))

        wait_until(put_right, timeout=SECONDS, what=f"put right and told after {way}")
    assert_true(crowd.lab, [crowd.name], seconds=SECONDS)
