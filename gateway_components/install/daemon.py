"""The daemon's Deployment and what stands around it."""

from typing import Any

from gateway_components.documents import dump
from gateway_components.install.options import NAME, Installation, Manifest, labels, selector

__all__ = [
    "SETTINGS_FOLDER",
    "_STOP_SECONDS",
    "deployment",
    "disruption_budget",
    "namespace",
    "service",
    "settings",
]

SETTINGS_FOLDER = "/etc/litellm-gateways"
_SCRATCH_FOLDER = "/var/lib/litellm-gateways"
_PORT = 8080

_STOP_SECONDS = 25
_END_SECONDS = 20
"""What an interrupted engine run may take beyond that, and giving the Lease back."""

_WORKERS = 4
"""Each may have an engine run, of about 300 MB; by itself the daemon would count the cores of the node."""


def namespace(installation: Installation) -> Manifest:
    """Return the namespace of the daemon; what is not fit for its strictest rules cannot run there."""
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": installation.namespace, "labels": {**labels(), **restricted}},
    }


def settings(installation: Installation) -> Manifest:
    """Return the ConfigMap with the daemon's settings file, which it reads again when it changes."""
    chosen = {"namespaces": list(dict.fromkeys(installation.namespaces))} if installation.namespaces else {}
    file = {**chosen, "workers": _WORKERS, "stop_seconds": _STOP_SECONDS, "log_level": "info"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(installation, f"{NAME}-settings"),
        "data": {"settings.yaml": dump(file)},
    }


def deployment(installation: Installation) -> Manifest:
    """Return the Deployment of the daemon."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": _metadata(installation),
        "spec": {
            "replicas": installation.replicas,
            "selector": {"matchLabels": selector()},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": labels()}, "spec": _pod(installation)},
        },
    }


def service(installation: Installation) -> Manifest:
    """Return the Service by which metrics are found."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(installation, f"{NAME}-metrics"),
        "spec": {
            # Each pod has its own metrics; there is nothing to balance.
            "clusterIP": "None",
            # Those of a daemon that is not ready are worth most.
            "publishNotReadyAddresses": True,
            "selector": selector(),
            "ports": [{"name": "http", "port": _PORT, "targetPort": "http"}],
        },
    }


def disruption_budget(installation: Installation) -> Manifest:
    """Return what keeps a drain of nodes from ending all replicas at once."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": _metadata(installation),
        # Not a number that must stay: with one replica it would hold up every drain for ever.
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": selector()}},
    }


def _pod(installation: Installation) -> Manifest:
    return {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": _STOP_SECONDS + _END_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": {"podAntiAffinity": _apart("kubernetes.io/hostname")},
        "topologySpreadConstraints": [_spread("topology.kubernetes.io/zone")],
        "containers": [_container(installation)],
        "volumes": [
            {"name": "settings", "configMap": {"name": f"{NAME}-settings"}},
            {"name": "scratch", "emptyDir": {"sizeLimit": "1Gi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
        ],
    }


def _container(installation: Installation) -> Manifest:
    own_namespace = {"fieldRef": {"fieldPath": "metadata.namespace"}}
    return {
        "name": "daemon",
        "image": installation.image,
        "args": [
            f"--settings={SETTINGS_FOLDER}/settings.yaml",
            # The volume belongs to root; a folder in it that the daemon makes is closed to others.
            f"--scratch-folder={_SCRATCH_FOLDER}/engine",
            f"--http-port={_PORT}",
        ],
        # Follows whatever namespace an overlay gives it.
        "env": [{"name": "GATEWAYCTL_DAEMON_INSTALL_NAMESPACE", "valueFrom": own_namespace}],
        "ports": [{"name": "http", "containerPort": _PORT}],
        # A full queue is no reason to start again, so it takes a minute of silence.
        "livenessProbe": _probe("/healthz", periodSeconds=10, failureThreshold=6),
        "readinessProbe": _probe("/readyz", periodSeconds=5, failureThreshold=3),
        "startupProbe": _probe("/healthz", periodSeconds=2, failureThreshold=60),
        "resources": {
            "requests": {"cpu": "200m", "memory": "512Mi"},
            "limits": {"cpu": "4", "memory": "2Gi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "settings", "mountPath": SETTINGS_FOLDER, "readOnly": True},
            {"name": "scratch", "mountPath": _SCRATCH_FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  (a mount of the pod's own)
        ],
    }


def _probe(path: str, **times: int) -> Manifest:
    return {"httpGet": {"path": path, "port": "http"}, "timeoutSeconds": 5, **times}


def _apart(topology: str) -> Manifest:
    term = {"labelSelector": {"matchLabels": selector()}, "topologyKey": topology}
    return {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "podAffinityTerm": term}]}


def _spread(topology: str) -> Manifest:
    return {
        "maxSkew": 1,
        "topologyKey": topology,
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": selector()},
    }


def _metadata(installation: Installation, name: str = NAME) -> dict[str, Any]:
    return {"name": name, "namespace": installation.namespace, "labels": labels()}
