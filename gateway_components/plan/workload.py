"""The objects that run a gateway: ConfigMap, Deployment and Service (spec, "Objects")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway_components.api.meta import API_VERSION
from gateway_components.api.pod import MetadataOverlay
from gateway_components.identity import Identity
from gateway_components.plan.environment import MULTIPROC_DIR
from gateway_components.plan.objects import GatewayObjects, Manifest

_CONFIG_DIR = "/app/config"
_TEMPORARY_VOLUME = "litellm-tmp"
_TEMPORARY_DIR = "/tmp"  # noqa: S108  (a volume of the pod)
_NOBODY = 65534
_FIRST_UNPRIVILEGED_PORT = 1024
_CONFIG_KEY = "config.yaml"


@dataclass(frozen=True)
class WorkloadInputs:
    """Inputs of the objects.

    Attributes
    ----------
    uid
        UID of the gateway for the owner reference; None outside a cluster, where nothing owns them.
    as_root
        Whether the container needs the root user of its image, and a root folder that can be written to.
    env, env_from
        Environment of the container, in JSON types.
    hashes
        Annotations of the pod template whose change rolls the Deployment.
    common, pod
        ``spec.commonMetadata`` and ``spec.podMetadata``.
    """

    gateway: Identity
    uid: str | None
    image: str
    as_root: bool
    port: int
    config_yaml: str
    env: Sequence[Mapping[str, Any]]
    env_from: Sequence[Mapping[str, Any]]
    hashes: Mapping[str, str]
    common: MetadataOverlay
    pod: MetadataOverlay


def config_map_name(gateway_name: str) -> str:
    """Return the name of a gateway's ConfigMap (operator-reference, "Generated ConfigMap name pattern")."""
    return f"{gateway_name}-config"


def build_objects(inputs: WorkloadInputs) -> GatewayObjects:
    """Return the three objects with exactly the fields that the specification lists.

    ``replicas`` is left to others: the API server starts with one, and an autoscaler may change it.
    """
    return GatewayObjects(_config_map(inputs), _deployment(inputs), _service(inputs))


def _config_map(inputs: WorkloadInputs) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(inputs, config_map_name(inputs.gateway.name), labels=_labels(inputs)),
        "data": {_CONFIG_KEY: inputs.config_yaml},
    }


def _deployment(inputs: WorkloadInputs) -> Manifest:
    labels = {**inputs.common.labels, **inputs.pod.labels, **_selector(inputs)}
    annotations = {**inputs.common.annotations, **inputs.pod.annotations, **inputs.hashes}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _common_metadata(inputs),
        "spec": {
            "selector": {"matchLabels": _selector(inputs)},
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": _pod(inputs),
            },
        },
    }


def _pod(inputs: WorkloadInputs) -> Manifest:
    """Return what pods are made of, fit for the Pod Security Standard ``restricted`` where `as_root` is not set.

    What is about a user or a capability stands in the container: sidecars of others have needs of their own.
    """
    volumes = [
        {"name": "config", "configMap": {"name": config_map_name(inputs.gateway.name)}},
        {"name": "prometheus-multiproc", "emptyDir": {}},
    ]
    pod: dict[str, Any] = {
        "automountServiceAccountToken": False,
        # A Service called redis would otherwise set REDIS_PORT=tcp://…, which LiteLLM reads.
        "enableServiceLinks": False,
        "containers": [_container(inputs)],
        "volumes": volumes if inputs.as_root else [*volumes, {"name": _TEMPORARY_VOLUME, "emptyDir": {}}],
    }
    if inputs.port < _FIRST_UNPRIVILEGED_PORT:
        # Not every container runtime lets a process without rights open such a port of its own pod by default.
        sysctl = {"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}
        pod["securityContext"] = {"sysctls": [sysctl]}
    return pod


def _security(inputs: WorkloadInputs) -> Manifest:
    context: dict[str, Any] = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    if not inputs.as_root:
        context["readOnlyRootFilesystem"] = True
        context |= {"runAsNonRoot": True, "runAsUser": _NOBODY, "runAsGroup": _NOBODY}
    return context


def _container(inputs: WorkloadInputs) -> Manifest:
    container: dict[str, Any] = {
        "name": "litellm",
        "image": inputs.image,
        "command": ["litellm", "--config", f"{_CONFIG_DIR}/{_CONFIG_KEY}", "--port", str(inputs.port)],
        "ports": [{"name": "http", "containerPort": inputs.port}],
        "env": list(inputs.env),
        "resources": {
            "requests": {"memory": "250M", "cpu": "100m"},
            "limits": {"memory": "2G", "cpu": "500m"},
        },
        "livenessProbe": _probe("/health/liveliness", delay=30, failures=10),
        "readinessProbe": _probe("/health/readiness", delay=5, failures=3),
        "volumeMounts": [
            {"name": "config", "mountPath": _CONFIG_DIR, "readOnly": True},
            {"name": "prometheus-multiproc", "mountPath": MULTIPROC_DIR},
        ],
        "securityContext": _security(inputs),
    }
    if not inputs.as_root:
        container["volumeMounts"].append({"name": _TEMPORARY_VOLUME, "mountPath": _TEMPORARY_DIR})
    if inputs.env_from:
        container["envFrom"] = list(inputs.env_from)
    return container


def _probe(path: str, *, delay: int, failures: int) -> Manifest:
    return {
        "httpGet": {"path": path, "port": "http"},
        "initialDelaySeconds": delay,
        "periodSeconds": 10,
        "timeoutSeconds": 5,
        "failureThreshold": failures,
    }


def _service(inputs: WorkloadInputs) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _common_metadata(inputs),
        "spec": {
            "type": "ClusterIP",
            "selector": _selector(inputs),
            "ports": [{"name": "http", "port": inputs.port, "targetPort": inputs.port}],
        },
    }


def _selector(inputs: WorkloadInputs) -> dict[str, str]:
    return {"app": inputs.gateway.name}


def _common_metadata(inputs: WorkloadInputs) -> Manifest:
    name, annotations = inputs.gateway.name, inputs.common.annotations
    return _metadata(inputs, name, labels=_labels(inputs), annotations=annotations)


def _labels(inputs: WorkloadInputs) -> Mapping[str, str]:
    return {**inputs.common.labels, **_selector(inputs)}


def _metadata(
    inputs: WorkloadInputs,
    name: str,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "namespace": inputs.gateway.namespace, "labels": dict(labels)}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if inputs.uid:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": inputs.gateway.kind,
                "name": inputs.gateway.name,
                "uid": inputs.uid,
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ]
    return metadata
