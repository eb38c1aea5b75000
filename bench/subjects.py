"""The objects that are measured on, and what is waited for about them."""

from collections.abc import Callable

from bench.client import Client, Raw
from gateway_components.kube.resources import AI_GATEWAYS

__all__ = [
    "FOREIGN_CLASS",
    "OUR_CLASS",
    "config_hash",
    "create_namespace",
    "gateway",
    "gateway_path",
    "holds_model",
    "models",
    "observed",
    "ready",
    "rolled_out",
]

OUR_CLASS = "litellm"
FOREIGN_CLASS = "nobody"
"""No daemon claims a gateway of this class."""

_CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"


def create_namespace(client: Client, name: str) -> None:
    """Create a namespace."""
    client.create("/api/v1/namespaces", {"metadata": {"name": name}})


def gateway_path(namespace: str, name: str = "") -> str:
    """Return the path of a gateway, or of all in a namespace."""
    return AI_GATEWAYS.item(namespace, name) if name else AI_GATEWAYS.collection(namespace)


def gateway(namespace: str, name: str, model: str, class_name: str = OUR_CLASS) -> Raw:
    """Return the manifest of a gateway."""
    return {
        "apiVersion": "runtime.agentic-layer.ai/v1alpha1",
        "kind": "AiGateway",
        "metadata": {"namespace": namespace, "name": name},
        "spec": {"aiGatewayClassName": class_name, **models(model)},
    }


def models(model: str) -> Raw:
    """Return the part of a gateway's spec that the edits change."""
    return {"aiModels": [{"name": model, "provider": "openai"}]}


def holds_model(model: str) -> Callable[[Raw], bool]:
    """Return a test whether a ConfigMap configures `model`."""
    wanted = f"model_name: {model}\n"
    return lambda config_map: wanted in (config_map.get("data") or {}).get("config.yaml", "")


def observed(generation: int) -> Callable[[Raw], bool]:
    """Return a test whether both conditions of a gateway speak of `generation`."""

    def test(raw: Raw) -> bool:
        seen = [condition.get("observedGeneration") for condition in _conditions(raw)]
        return len(seen) > 1 and all(number == generation for number in seen)

    return test


def ready(kind: str, generation: int) -> Callable[[Raw], bool]:
    """Return a test whether the condition `kind` of a gateway is true of `generation`."""
    return lambda raw: any(
        condition["type"] == f"AiGateway{kind}"
        and condition["status"] == "True"
        and condition.get("observedGeneration") == generation
        for condition in _conditions(raw)
    )


def rolled_out(config_hash: str) -> Callable[[Raw], bool]:
    """Return a test whether a Deployment runs nothing but pods of the configuration with `config_hash`."""

    def test(raw: Raw) -> bool:
        status, wanted = raw.get("status") or {}, raw["spec"]["replicas"]
        return bool(
            raw["spec"]["template"]["metadata"]["annotations"].get(_CONFIG_HASH) == config_hash
            and status.get("observedGeneration") == raw["metadata"]["generation"]
            and status.get("updatedReplicas") == status.get("availableReplicas") == wanted
            and status.get("replicas") == wanted
        )

    return test


def config_hash(deployment: Raw) -> str:
    """Return the hash of the configuration that a planned Deployment is to run."""
    return str(deployment["spec"]["template"]["metadata"]["annotations"][_CONFIG_HASH])


def _conditions(raw: Raw) -> list[Raw]:
    return list((raw.get("status") or {}).get("conditions") or ())
