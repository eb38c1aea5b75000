"""States as the engine writes them for gateways of the daemon, and what others may write in their place."""

from typing import Any

from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.programs import PROVIDER_VERSION
from gateway_components.engine.registration import ANNOTATIONS, PROVIDER_INPUTS, object_type
from gateway_components.plan.ownership import FIELD_MANAGER
from tests.engine.test_stacks import wanted

State = dict[str, Any]

_TIME = "2026-03-01T12:00:00.123456789Z"
_STACK = "pulumi:pulumi:Stack"
_PROVIDER = "pulumi:providers:kubernetes"
_ID = "8f0b6b9a-5a4e-4c4e-9f8e-2f6f3c0e7d11"
_OWNED = [
    {
        "manager": FIELD_MANAGER,
        "operation": "Apply",
        "time": _TIME,
        "fieldsV1": {"f:metadata": {"f:labels": {}}},
    }
]


def urn_of(namespace: str, type_: str, name: str) -> str:
    return f"urn:pulumi:{namespace}::{PROJECT}::{type_}::{name}"


def deployment(namespace: str, *gateways: str, kind: str = "AiGateway") -> State:
    """Return the deployment of a namespace with these gateways."""
    stack = urn_of(namespace, _STACK, f"{PROJECT}-{namespace}")
    provider = urn_of(namespace, _PROVIDER, "kubernetes")
    inputs = {**PROVIDER_INPUTS, "version": PROVIDER_VERSION}
    resources: list[State] = [
        {"urn": stack, "custom": False, "type": _STACK, "created": _TIME, "modified": _TIME},
        {
            "urn": provider,
            "custom": True,
            "id": _ID,
            "type": _PROVIDER,
            "inputs": {"__internal": {}, **inputs},
            "outputs": inputs,
            "parent": stack,
            "propertyDependencies": {name: [] for name in PROVIDER_INPUTS},
            "created": _TIME,
            "modified": _TIME,
        },
    ]
    for name in gateways:
        resources += _gateway(
            namespace, name, f"gateway-components:index:{kind}", stack, f"{provider}::{_ID}"
        )
    return {
        "manifest": {"time": _TIME, "magic": "0" * 64, "version": "v3.250.0"},
        "secrets_providers": {"type": "passphrase", "state": {"salt": "v1:eA==:v1:eA==:eA=="}},
        "resources": resources,
        "metadata": {},
    }


def _gateway(namespace: str, name: str, type_: str, stack: str, provider: str) -> list[State]:
    component = urn_of(namespace, type_, f"{namespace}/{name}")
    resources: list[State] = [
        {
            "urn": component,
            "custom": False,
            "type": type_,
            "outputs": {"url": f"http://{name}.{namespace}.svc.cluster.local"},
            "parent": stack,
            "created": _TIME,
            "modified": _TIME,
        }
    ]
    _, objects = wanted(namespace, name)
    for manifest in (objects.config_map, objects.service, objects.deployment):
        part = object_type(manifest["apiVersion"], manifest["kind"])
        metadata = {**manifest["metadata"], "annotations": ANNOTATIONS}
        live = {**metadata, "uid": "u", "resourceVersion": "7", "managedFields": _OWNED}
        resources.append(
            {
                "urn": urn_of(namespace, f"{type_}${part}", f"{namespace}/{name}"),
                "custom": True,
                "id": f"{namespace}/{metadata['name']}",
                "type": part,
                "inputs": {**manifest, "metadata": metadata},
                "outputs": {
                    "__fieldManager": FIELD_MANAGER,
                    "__initialApiVersion": manifest["apiVersion"],
                    "__inputs": {**manifest, "metadata": metadata},
                    **manifest,
                    "metadata": live,
                },
                "parent": component,
                "dependencies": [],
                "provider": provider,
                "propertyDependencies": {},
                "retainOnDelete": True,
                "created": _TIME,
                "modified": _TIME,
            }
        )
    return resources
