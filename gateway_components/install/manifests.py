"""All manifests of an installation: the daemon and its surroundings, and the classes of gateways."""

import hashlib
import json
from typing import Any

from gateway_components.api.crds import crd
from gateway_components.api.kinds import GATEWAY_KINDS, KINDS
from gateway_components.api.meta import API_VERSION
from gateway_components.install.admission import admission_policy
from gateway_components.install.options import NAME, Installation, Manifest, labels, manifest, selector
from gateway_components.install.rbac import metrics_reader, rbac, service_account
from gateway_components.plan.snapshot import IMAGE, Policy
from gateway_components.strict_yaml import dump

CLASS = "litellm"
"""Name of both classes (operator reference, "Controller names")."""

SETTINGS = f"{NAME}-settings"
"""The ConfigMap with the settings; what is applied has the hash of its content as a suffix."""
SETTINGS_FOLDER = "/etc/litellm-gateways"
_SCRATCH_FOLDER = "/var/lib/litellm-gateways"
_PORT = 8080

_STOP_SECONDS = 25
_END_SECONDS = 20
"""Further time for an interrupted engine run, and to release the Lease."""

_WORKERS = 4
"""Each may have an engine run of about 300 MB; the default would count the cores of the node."""


def installation_manifests(installation: Installation) -> list[Manifest]:
    """Return all objects of an installation, the CRDs first and the classes last."""
    chosen = settings(installation)
    return [
        *(crd(kind) for kind in KINDS.values() if installation.crds),
        namespace(installation),
        service_account(installation),
        # Before the roles that it restricts.
        *(admission_policy(installation) if installation.admission_policy else ()),
        *rbac(installation),
        *metrics_reader(installation),
        chosen,
        service(installation),
        disruption_budget(installation),
        deployment(installation, chosen["metadata"]["name"]),
        *classes(installation),
    ]


def namespace(installation: Installation) -> Manifest:
    """Return the namespace of the daemon, with the Pod Security level ``restricted``."""
    made = manifest("Namespace", name=installation.namespace)
    made["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "restricted"
    return made


def settings_file(installation: Installation) -> str:
    """Return the daemon's settings file."""
    chosen = {"namespaces": list(dict.fromkeys(installation.namespaces))} if installation.namespaces else {}
    file = {
        **chosen,
        **_decided(installation.policy),
        **({"metrics_auth": True} if installation.metrics_auth else {}),
        "workers": _WORKERS,
        "stop_seconds": _STOP_SECONDS,
        "log_level": "info",
    }
    return dump(file)


def settings(installation: Installation) -> Manifest:
    """Return the ConfigMap with the settings file; another content gives it another name, and so restarts the pods."""
    data = {"settings.yaml": settings_file(installation)}
    # The suffix of kustomize's configMapGenerator, which leaves the name out: both ways install the same.
    text = json.dumps({"data": data, "kind": "ConfigMap", "name": ""}, separators=(",", ":"))
    suffix = hashlib.sha256(text.encode()).hexdigest()[:10].translate(str.maketrans("013ae", "ghkmt"))
    return manifest("ConfigMap", installation.namespace, f"{SETTINGS}-{suffix}", data=data)


def deployment(installation: Installation, settings_name: str) -> Manifest:
    """Return the Deployment of the daemon, with its settings from the ConfigMap `settings_name`."""
    spec = {
        "replicas": installation.replicas,
        "selector": {"matchLabels": selector()},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        "template": {"metadata": {"labels": labels()}, "spec": _pod(installation, settings_name)},
    }
    return manifest("Deployment", installation.namespace, api="apps/v1", spec=spec)


def service(installation: Installation) -> Manifest:
    """Return the headless Service for scraping metrics."""
    spec = {
        # Each pod has metrics of its own.
        "clusterIP": "None",
        # The metrics of a daemon that is not ready matter most.
        "publishNotReadyAddresses": True,
        "selector": selector(),
        "ports": [{"name": "http", "port": _PORT, "targetPort": "http"}],
    }
    return manifest("Service", installation.namespace, f"{NAME}-metrics", spec=spec)


def disruption_budget(installation: Installation) -> Manifest:
    """Return the PodDisruptionBudget, which keeps a drain from evicting all replicas at once."""
    # minAvailable would block every drain with one replica.
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selector()}}
    return manifest("PodDisruptionBudget", installation.namespace, api="policy/v1", spec=spec)


def classes(installation: Installation) -> list[Manifest]:
    """Return the class of each kind of gateway; default classes if the installation says so."""
    made = []
    for kind in GATEWAY_KINDS.values():
        notes = {"annotations": {kind.default_class_annotation: "true"}} if installation.default_class else {}
        head = {"apiVersion": API_VERSION, "kind": kind.class_kind, "metadata": {"name": CLASS, **notes}}
        made.append({**head, "spec": {"controller": kind.controller}})
    return made


def _decided(policy: Policy) -> dict[str, Any]:
    upstreams = {"allowed_upstreams": list(policy.allowed_upstreams)} if policy.allowed_upstreams else {}
    image = {} if policy.image == IMAGE else {"gateway_image": policy.image}
    return {**({} if policy.cross_namespace else {"cross_namespace": False}), **upstreams, **image}


def _pod(installation: Installation, settings_name: str) -> Manifest:
    return {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": _STOP_SECONDS + _END_SECONDS,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": {"podAntiAffinity": _apart("kubernetes.io/hostname")},
        "topologySpreadConstraints": [_spread("topology.kubernetes.io/zone")],
        "containers": [_container(installation)],
        "volumes": [
            {"name": "settings", "configMap": {"name": settings_name}},
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
            # The volume belongs to root; a folder made in it by the daemon is private.
            f"--scratch-folder={_SCRATCH_FOLDER}/engine",
            f"--http-port={_PORT}",
        ],
        # Follows the namespace of an overlay.
        "env": [{"name": "GATEWAYCTL_DAEMON_INSTALL_NAMESPACE", "valueFrom": own_namespace}],
        "ports": [{"name": "http", "containerPort": _PORT}],
        # A long queue is no reason for a restart; a minute of silence is.
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
