"""What the lab puts into a fresh control plane, and waiting until its components have done their share."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import yaml

from lab.api import Api, Manifest
from lab.components import API_SERVER, CONTROLLER_MANAGER, KWOK
from lab.errors import LabError
from lab.processes import Processes
from lab.waiting import wait_until

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_NODES = "/api/v1/nodes"
_DEFAULT_ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"


class Content:
    """Puts objects into the control plane and waits for components; all methods raise as `wait_for` does.

    A wait takes `timeout` seconds at most, and ends early when one of `processes` has ended.
    """

    def __init__(self, processes: Processes, api: Api, timeout: float) -> None:
        self._processes = processes
        self._api = api
        self._timeout = timeout

    def wait_for_api_server(self) -> None:
        """Wait until the API server says that it is ready."""
        self.wait_for(self._api.ready, API_SERVER, "ready")

    def fill(self, crds: Iterable[Manifest], nodes: int) -> None:
        """Create custom resource definitions and nodes; wait until both and service accounts are in use."""
        crd_paths = []
        for crd in crds:
            self._api.create(_CRDS, crd)
            crd_paths.append(f"{_CRDS}/{crd['metadata']['name']}")
        node_names = [f"node-{number}" for number in range(1, nodes + 1)]
        for name in node_names:
            self._api.create(_NODES, simulated_node(name))
        for path in crd_paths:
            self._wait_for_condition(path, "Established", API_SERVER)
        for name in node_names:
            self._wait_for_condition(f"{_NODES}/{name}", "Ready", KWOK)
        self.wait_for(self._has_default_account, CONTROLLER_MANAGER, "creating service accounts")

    def wait_for(self, condition: Callable[[], bool], component: str, what: str) -> None:
        """Wait for something that a component does.

        Raises LabError: a component ended (PortTakenError where its port was in use), or the wait took too long; the
        message shows the end of the log.
        """

        def holds() -> bool:
            self._processes.check()
            return condition()

        try:
            wait_until(holds, timeout=self._timeout, what=f"{component} {what}")
        except TimeoutError as error:
            raise LabError(f"{error}. The end of its log:\n{self._processes.log_end(component)}") from error

    def _wait_for_condition(self, path: str, kind: str, component: str) -> None:
        what = f"making {path.rsplit('/', 1)[1]} {kind}"
        self.wait_for(lambda: has_condition(self._api.get(path), kind), component, what)

    def _has_default_account(self) -> bool:
        return self._api.get(_DEFAULT_ACCOUNT) is not None


def simulated_node(name: str) -> Manifest:
    """Return a Node that kwok keeps Ready, with room for many pods."""
    room = {"cpu": "64", "memory": "256Gi", "pods": "500"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "topology.kubernetes.io/zone": "lab",
            },
        },
        "status": {"capacity": room, "allocatable": room},
    }


def read_crds(paths: Iterable[Path]) -> list[Manifest]:
    """Return the custom resource definitions in files and folders; paths that do not exist are left out.

    Raises LabError: a file holds something else, or is no YAML.
    """
    crds = []
    for file in _yaml_files(paths):
        try:
            documents = [document for document in yaml.safe_load_all(file.read_text()) if document]
        except yaml.YAMLError as error:
            raise LabError(f"{file}: {error}") from error
        for document in documents:
            if document.get("kind") != "CustomResourceDefinition":
                raise LabError(f"{file}: a CustomResourceDefinition is wanted, not {document.get('kind')!r}")
            crds.append(document)
    return crds


def namespaced_collections(crds: Iterable[Manifest]) -> list[str]:
    """Return ``/apis/<group>/<version>/<plural>`` of each custom resource that lives in namespaces."""
    return [
        f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        for spec in (crd["spec"] for crd in crds)
        if spec["scope"] == "Namespaced"
    ]


def _yaml_files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(file for file in path.iterdir() if file.suffix in {".yaml", ".yml"})
        elif path.exists():
            yield path


def has_condition(manifest: Manifest | None, kind: str) -> bool:
    """Return whether an object exists and has a condition of a kind that is true."""
    conditions = ((manifest or {}).get("status") or {}).get("conditions") or []
    return any(condition["type"] == kind and condition["status"] == "True" for condition in conditions)
