"""The judge of the fault tests finds what is untrue, and nothing else."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from gateway_components.api.kinds import AI_GATEWAY
from gateway_components.identity import Identity
from gateway_components.plan.status import Rollout, gateway_status, merge_status
from tests.daemon.manifests import gateway
from tests.faults.cluster_objects import ClusterObjects
from tests.faults.truth import untruths_of

NAME = Identity("AiGateway", "ns", "chat")
OWNED = [
    Identity(kind, "ns", name)
    for kind, name in (("ConfigMap", "chat-config"), ("Deployment", "chat"), ("Service", "chat"))
]

Objects = dict[Identity, dict[str, Any]]


def true_objects() -> Objects:
    """Return a gateway, its class, its three objects and its status, as they are once all is done."""
    chat = gateway("chat", "gpt-4o")
    chat["metadata"] |= {
        "namespace": "ns",
        "uid": "u-1",
        "generation": 3,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    class_ = {"metadata": {"name": "litellm"}, "spec": {"controller": AI_GATEWAY.controller}}
    objects: Objects = {NAME: chat, Identity("AiGatewayClass", "", "litellm"): class_}
    planned = ClusterObjects(objects).plan.gateways[Identity("AiGateway", "ns", "chat")]
    assert planned.objects
    for key, manifest in zip(OWNED, planned.objects.manifests, strict=True):
        objects[key] = copy.deepcopy(dict(manifest))
        objects[key]["metadata"] |= {"uid": f"u-{key.kind}", "resourceVersion": "7"}
    objects[OWNED[1]]["metadata"]["generation"] = 1
    objects[OWNED[1]]["status"] = {
        "observedGeneration": 1,
        "replicas": 1,
        "updatedReplicas": 1,
        "availableReplicas": 1,
    }
    rollout = Rollout(True, 1, 1, 1, 1)
    status = gateway_status(AI_GATEWAY, None, rollout, 3, planned.objects.url, planned.warnings)
    chat["status"] = merge_status({}, status, "2026-01-01T00:00:00Z")
    return objects


def test_what_is_true_is_found_to_be() -> None:
    assert untruths_of(ClusterObjects(true_objects()), ["ns"]) == []


def test_what_others_added_is_theirs() -> None:
    objects = true_objects()
    objects[OWNED[1]]["metadata"]["labels"]["team"] = "red"
    objects[OWNED[1]]["spec"]["replicas"] = 1

    assert untruths_of(ClusterObjects(objects), ["ns"]) == []


def lose_an_object(objects: Objects) -> None:
    del objects[OWNED[2]]


def change_a_field(objects: Objects) -> None:
    objects[OWNED[0]]["data"]["config.yaml"] += "# by hand\n"


def add_a_variable(objects: Objects) -> None:
    objects[OWNED[1]]["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": "OLD", "value": "1"}
    )


def belong_to_an_earlier_gateway(objects: Objects) -> None:
    objects[OWNED[0]]["metadata"]["ownerReferences"][0]["uid"] = "u-0"


def have_two_owners(objects: Objects) -> None:
    owners = objects[OWNED[0]]["metadata"]["ownerReferences"]
    owners.append({**owners[0], "uid": "u-0", "controller": False})


def leave_an_orphan(objects: Objects) -> None:
    orphan = copy.deepcopy(objects[OWNED[2]])
    orphan["metadata"]["name"] = "gone"
    orphan["metadata"]["ownerReferences"][0] |= {"name": "gone", "uid": "u-9"}
    objects[Identity("Service", "ns", "gone")] = orphan


def make_one_too_many(objects: Objects) -> None:
    objects[Identity("Service", "ns", "chat-2")] = copy.deepcopy(objects[OWNED[2]])


def say_nothing(objects: Objects) -> None:
    del objects[NAME]["status"]


def speak_of_an_older_generation(objects: Objects) -> None:
    objects[NAME]["status"]["conditions"][0]["observedGeneration"] = 2


def claim_to_be_ready(objects: Objects) -> None:
    objects[OWNED[1]]["status"]["availableReplicas"] = 0


def leave_a_status_on_what_is_not_ours(objects: Objects) -> None:
    objects[NAME]["spec"]["aiGatewayClassName"] = "somebody-elses"


BREAKAGES = [
    (lose_an_object, "does not exist"),
    (change_a_field, "config.yaml"),
    (add_a_variable, "env"),
    (belong_to_an_earlier_gateway, "which does not exist"),
    (have_two_owners, "not exactly one owner"),
    (leave_an_orphan, "which does not exist"),
    (make_one_too_many, "has no use for it"),
    (say_nothing, "its status ought to be"),
    (speak_of_an_older_generation, "its status ought to be"),
    (claim_to_be_ready, "its status ought to be"),
    (leave_a_status_on_what_is_not_ours, "bears a status of ours"),
]


@pytest.mark.parametrize(("breaks", "said"), BREAKAGES, ids=[case[0].__name__ for case in BREAKAGES])
def test_what_is_untrue_is_reported(breaks: Callable[[Objects], None], said: str) -> None:
    objects = true_objects()
    breaks(objects)

    found = untruths_of(ClusterObjects(objects), ["ns"])

    assert [line for line in found if said in line], found
