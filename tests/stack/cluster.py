"""What is on the control plane."""

import json
from typing import Any

from lab import ControlPlane


def get(lab: ControlPlane, namespace: str, *what: str) -> Any:
    return json.loads(lab.kubectl("get", "-n", namespace, "-o", "json", *what))


def names(lab: ControlPlane, namespace: str) -> set[str]:
    found = get(lab, namespace, "deployments,services,configmaps,secrets")["items"]
    return {f"{item['kind']}/{item['metadata']['name']}" for item in found} - {"ConfigMap/kube-root-ca.crt"}
