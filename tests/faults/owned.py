"""The objects of a gateway as the tests read and edit them, and what the daemon says of them."""

from typing import Any

from gateway_components.kube.resources import CONFIG_MAPS, DEPLOYMENTS, SERVICES
from tests.daemon.harness import Daemon, Namespace

Raw = dict[str, Any]
RESOURCES = {resource.kind: resource for resource in (CONFIG_MAPS, DEPLOYMENTS, SERVICES)}


def object_name(kind: str, gateway_name: str) -> str:
    return f"{gateway_name}-config" if kind == "ConfigMap" else gateway_name


def path_of(place: Namespace, kind: str, gateway_name: str) -> str:
    return RESOURCES[kind].item(place.name, object_name(kind, gateway_name))


def live(place: Namespace, kind: str, gateway_name: str) -> Raw:
    return {"kind": kind, **place.existing(kind, object_name(kind, gateway_name))}


def corrections(daemon: Daemon, place: Namespace, gateway_name: str, text: str = "") -> list[Raw]:
    found = daemon.events("DriftCorrected", gateway=f"AiGateway {place.name}/{gateway_name}")
    return [line for line in found if text in line["message"]]
