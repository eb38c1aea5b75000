"""Stands in for ``agentic-layer/ai-gateway-litellm-operator``: writes objects and statuses as its source does.

Modelled on its release 0.9.2 (Apache-2.0): ``internal/litellm/workload.go`` and ``workload_meta.go`` for the objects,
``internal/controller`` for the statuses. It updates what it finds, as the field manager ``manager``, whenever that
differs from what it wants.
"""

import copy
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from lab.errors import ApiError
from tests.daemon.harness import Namespace

MANAGER = "manager"
"""The name of its program, by which the API server calls it."""
_HASHES = ("gateway.agentic-layer.ai/config-hash", "gateway.agentic-layer.ai/secret-hash")
_PORTS = {"AiGateway": (80, 80), "ToolGateway": (4000, 80)}
"""Ports of container and Service."""
_NOW = "2026-01-01T00:00:00Z"
Manifest = dict[str, Any]


class GoOperator:
    """Runs some gateways of a namespace.

    Parameters
    ----------
    namespace
        Where they are.
    gateways
        Kind and name of each.
    config
        Its ``config.yaml``, whose bytes are none that this project would write.
    """

    def __init__(
        self, namespace: Namespace, *gateways: tuple[str, str], config: str = "model_list: []\n"
    ) -> None:
        self._namespace = namespace
        self._gateways = gateways
        self._config = config

    def reconcile(self) -> int:
        """Bring all objects to what it wants; return how many it wrote."""
        return sum(self._reconcile(kind, name) for kind, name in self._gateways)

    def report(self) -> None:
        """Write the statuses of what it serves."""
        for kind, name in self._gateways:
            ready = self._condition(f"{kind}Ready", f"{kind}Ready", f"{kind} is ready and serving traffic")
            applied = f"{kind} configuration successfully applied"
            configured = self._condition(f"{kind}Configured", "ConfigurationApplied", applied)
            self._write_status(
                kind, name, [configured, ready], f"http://{name}.{self._namespace.name}.svc.cluster.local"
            )

    def report_route(self, name: str, url: str) -> None:
        """Write the status of a route that it serves."""
        self._write_status(
            "ToolRoute", name, [self._condition("Ready", "Reconciled", f"ToolRoute is ready at {url}")], url
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Let it reconcile of and over beside whatever else happens."""
        stopped = threading.Event()

        def work() -> None:
            while not stopped.wait(0.1):
                try:
                    self.reconcile()
                except ApiError:
                    # A conflict: it looks again, as it does itself.
                    continue

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stopped.set()
            thread.join()

    def _reconcile(self, kind: str, name: str) -> int:
        owner = self._namespace.existing(kind, name)
        wrote = self._bring("ConfigMap", f"{name}-config", lambda found: self._config_map(found, owner))
        wrote += self._bring("Deployment", name, lambda found: self._deployment(found, owner))
        return wrote + self._bring("Service", name, lambda found: self._service(found, owner))

    def _bring(self, kind: str, name: str, mutate: Any) -> int:
        found = self._namespace.get(kind, name)
        path = self._namespace.path(kind)
        if found is None:
            made: Manifest = {"metadata": {"name": name, "namespace": self._namespace.name}}
            self._namespace.lab.api.create(f"{path}?fieldManager={MANAGER}", mutate(made))
            return 1
        wanted = mutate(copy.deepcopy(found))
        if wanted == found:
            return 0
        self._namespace.lab.api.replace(f"{path}/{name}", wanted, MANAGER)
        return 1

    def _owned(self, found: Manifest, owner: Mapping[str, Any], *, labels: bool = True) -> Manifest:
        metadata = found["metadata"]
        reference = {
            "apiVersion": owner["apiVersion"],
            "kind": owner["kind"],
            "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
        others = [one for one in metadata.get("ownerReferences", ()) if one["uid"] != reference["uid"]]
        metadata["ownerReferences"] = [*others, reference]
        if labels:
            metadata.setdefault("labels", {})["app"] = owner["metadata"]["name"]
        return found

    def _config_map(self, found: Manifest, owner: Mapping[str, Any]) -> Manifest:
        return {
            **self._owned(found, owner),
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "data": {"config.yaml": self._config},
        }

    def _service(self, found: Manifest, owner: Mapping[str, Any]) -> Manifest:
        target, port = _PORTS[owner["kind"]]
        ports = [{"name": "http", "port": port, "targetPort": target, "protocol": "TCP"}]
        spec = {**found.get("spec", {}), "type": "ClusterIP", "ports": ports}
        spec["selector"] = {"app": owner["metadata"]["name"]}
        return {**self._owned(found, owner), "apiVersion": "v1", "kind": "Service", "spec": spec}

    def _deployment(self, found: Manifest, owner: Mapping[str, Any]) -> Manifest:
        name, spec = owner["metadata"]["name"], found.setdefault("spec", {})
        spec["replicas"] = 1
        spec["selector"] = {"matchLabels": {"app": name}}
        template = spec.setdefault("template", {})
        metadata = template.setdefault("metadata", {})
        metadata.setdefault("labels", {})["app"] = name
        digest = hashlib.sha256(self._config.encode()).hexdigest()[:16]
        metadata.setdefault("annotations", {}).update(dict.fromkeys(_HASHES, digest))
        pod = template.setdefault("spec", {})
        containers = pod.setdefault("containers", [])
        container = next((one for one in containers if one["name"] == "litellm"), None)
        if container is None:
            container = {"name": "litellm"}
            containers.append(container)
        container.update(self._container(owner))
        pod["volumes"] = [
            {"name": "config", "configMap": {"name": f"{name}-config", "defaultMode": 420}},
            {"name": "prometheus-multiproc", "emptyDir": {}},
        ]
        return {**self._owned(found, owner), "apiVersion": "apps/v1", "kind": "Deployment"}

    def _container(self, owner: Mapping[str, Any]) -> Manifest:
        port, _ = _PORTS[owner["kind"]]
        given = {variable["name"]: variable for variable in owner["spec"].get("env", ())}
        for model in owner["spec"].get("aiModels", ()):
            key = f"{model['provider'].upper()}_API_KEY"
            secret = {"name": "api-key-secrets", "key": key, "optional": True}
            given.setdefault(key, {"name": key, "valueFrom": {"secretKeyRef": secret}})
        given["PROMETHEUS_MULTIPROC_DIR"] = {
            "name": "PROMETHEUS_MULTIPROC_DIR",
            "value": "/prometheus_multiproc",
        }
        return {
            "image": "ghcr.io/berriai/litellm:v1.83.14-stable.patch.2",
            "command": ["litellm", "--config", "/app/config/config.yaml", "--port", str(port)],
            "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
            "env": [given[key] for key in sorted(given)],
            "volumeMounts": [
                {"name": "config", "mountPath": "/app/config", "readOnly": True},
                {"name": "prometheus-multiproc", "mountPath": "/prometheus_multiproc"},
            ],
            "resources": {
                "requests": {"memory": "250M", "cpu": "100m"},
                "limits": {"memory": "2G", "cpu": "500m"},
            },
            "livenessProbe": self._probe("/health/liveliness", port, 30, 10),
            "readinessProbe": self._probe("/health/readiness", port, 5, 3),
        }

    def _probe(self, path: str, port: int, delay: int, failures: int) -> Manifest:
        return {
            "httpGet": {"path": path, "port": port, "scheme": "HTTP"},
            "initialDelaySeconds": delay,
            "periodSeconds": 10,
            "timeoutSeconds": 5,
            "successThreshold": 1,
            "failureThreshold": failures,
        }

    def _condition(self, type_: str, reason: str, message: str) -> Manifest:
        return {
            "type": type_,
            "status": "True",
            "reason": reason,
            "message": message,
            "observedGeneration": 1,
            "lastTransitionTime": _NOW,
        }

    def _write_status(self, kind: str, name: str, conditions: list[Manifest], url: str) -> None:
        status = {"conditions": conditions, **({} if kind == "AiGateway" else {"url": url})}
        self._namespace.lab.api.merge(
            f"{self._namespace.path(kind)}/{name}/status", {"status": status}, MANAGER
        )
