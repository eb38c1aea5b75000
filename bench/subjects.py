"""The objects that are measured on, and what is waited for about them."""

from collections.abc import Callable

from bench.client import Client, Raw
from gateway_components.kube.resources import AI_GATEWAYS, CUSTOM_RESOURCES, SECRETS

OUR_CLASS = "litellm"
FOREIGN_CLASS = "nobody"
"""No daemon claims a gateway of this class."""

_API_VERSION = "runtime.agentic-layer.ai/v1alpha1"
_CONFIG_HASH = "runtime.agentic-layer.ai/config-hash"
_SECRET_HASH = "runtime.agentic-layer.ai/secret-hash"  # noqa: S105  (name of an annotation)


def create_namespace(client: Client, name: str) -> None:
    """Create a namespace."""
    client.create("/api/v1/namespaces", {"metadata": {"name": name}})


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """Return the path of an object of ours or a Secret, or of all of the kind in a namespace."""
    resource = SECRETS if kind == "Secret" else CUSTOM_RESOURCES[kind]
    return resource.item(namespace, name) if name else resource.collection(namespace)


def gateway_path(namespace: str, name: str = "") -> str:
    """Return the path of an AiGateway, or of all in a namespace."""
    return path_of(AI_GATEWAYS.kind, namespace, name)


def gateway(namespace: str, name: str, model: str, class_name: str = OUR_CLASS) -> Raw:
    """Return the manifest of an AiGateway."""
    return _manifest("AiGateway", namespace, name, {"aiGatewayClassName": class_name, **models(model)})


def models(model: str) -> Raw:
    """Return the part of a gateway's spec that the edits change."""
    return {"aiModels": [{"name": model, "provider": "openai"}]}


def tool_gateway(namespace: str, name: str) -> Raw:
    """Return the manifest of a ToolGateway."""
    return _manifest("ToolGateway", namespace, name, {"toolGatewayClassName": OUR_CLASS})


def route(namespace: str, name: str, gateway_name: str, url: str) -> Raw:
    """Return the manifest of a ToolRoute from a gateway of its namespace to `url`."""
    spec = {"toolGatewayRef": {"name": gateway_name}, "upstream": {"external": {"url": url}}}
    return _manifest("ToolRoute", namespace, name, spec)


def secret(namespace: str, name: str, value: str) -> Raw:
    """Return the manifest of a Secret with an OpenAI key."""
    return {
        "metadata": {"namespace": namespace, "name": name},
        "stringData": {"OPENAI_API_KEY": value},
    }


def holds_model(model: str) -> Callable[[Raw], bool]:
    """Return a test whether a ConfigMap configures `model`."""
    return holds_text(f"model_name: {model}\n")


def holds_text(wanted: str, times: int = 1) -> Callable[[Raw], bool]:
    """Return a test whether the configuration in a ConfigMap holds a text, so many times."""
    return lambda config_map: (config_map.get("data") or {}).get("config.yaml", "").count(wanted) >= times


def observed(generation: int) -> Callable[[Raw], bool]:
    """Return a test whether both conditions of a gateway speak of `generation`."""

    def test(raw: Raw) -> bool:
        seen = [condition.get("observedGeneration") for condition in _conditions(raw)]
        return len(seen) > 1 and all(number == generation for number in seen)

    return test


def ready(kind: str, generation: int) -> Callable[[Raw], bool]:
    """Return a test whether the condition `kind` of an AiGateway is true of `generation`."""
    return lambda raw: any(
        condition["type"] == f"AiGateway{kind}"
        and condition["status"] == "True"
        and condition.get("observedGeneration") == generation
        for condition in _conditions(raw)
    )


def route_ready(raw: Raw) -> bool:
    """Tell whether a ToolRoute is ready."""
    return any(
        condition["type"] == "Ready" and condition["status"] == "True" for condition in _conditions(raw)
    )


def rolled_out(config_hash: str) -> Callable[[Raw], bool]:
    """Return a test whether a Deployment runs nothing but pods of the configuration with `config_hash`."""

    def test(raw: Raw) -> bool:
        status, wanted = raw.get("status") or {}, raw["spec"]["replicas"]
        return bool(
            _template_annotations(raw).get(_CONFIG_HASH) == config_hash
            and status.get("observedGeneration") == raw["metadata"]["generation"]
            and status.get("updatedReplicas") == status.get("availableReplicas") == wanted
            and status.get("replicas") == wanted
        )

    return test


def config_hash(deployment: Raw) -> str:
    """Return the hash of the configuration that a Deployment is to run."""
    return _template_annotations(deployment)[_CONFIG_HASH]


def secret_hash(deployment: Raw) -> str:
    """Return the hash of the Secret that a Deployment is to run with."""
    return _template_annotations(deployment)[_SECRET_HASH]


def _manifest(kind: str, namespace: str, name: str, spec: Raw) -> Raw:
    metadata = {"namespace": namespace, "name": name}
    return {"apiVersion": _API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def _template_annotations(deployment: Raw) -> dict[str, str]:
    annotations: dict[str, str] = deployment["spec"]["template"]["metadata"]["annotations"]
    return annotations


def _conditions(raw: Raw) -> list[Raw]:
    return list((raw.get("status") or {}).get("conditions") or ())
