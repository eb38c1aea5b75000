"""Starting, using and stopping a control plane."""

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import tools
from lab import components
from lab.api import Api, Manifest, compact_etcd
from lab.components import Layout
from lab.content import Content, namespaced_collections, read_crds
from lab.errors import LabError, PortTakenError
from lab.folder import create_folder, remove_stale_folders
from lab.kubeconfig import new_signing_key, new_tokens, write_kubeconfig
from lab.kubectl import run_kubectl
from lab.ports import free_port
from lab.processes import Processes

_ADMIN = "lab-admin"
_COMPONENTS = "lab-components"
_START_TRIES = 3
_WORKLOAD = ("/apis/apps/v1/deployments", "/api/v1/services", "/api/v1/configmaps", "/api/v1/secrets")
_OUTAGE_GRACE_SECONDS = 1.0  # it would wait much longer for open watches to end


class ControlPlane:
    """A running control plane; use `ControlPlane.start`.

    It ends with `stop`, at the end of a `with` block, or when the process that started it ends in any way.

    Attributes
    ----------
    kubeconfig, admin_token
        Credentials of an administrator.
    url, certificate
        Address of the API server, and the file with the certificate to trust.
    folder
        Holds everything of this lab, also `<component>.log`; it is removed at the end.
    """

    def __init__(
        self, processes: Processes, layout: Layout, tokens: Mapping[str, str], timeout: float
    ) -> None:
        self._processes = processes
        self._layout = layout
        self._tokens = tokens
        self.folder = layout.folder
        self.url = layout.api_url
        self.certificate = layout.certificate
        self.admin_token = tokens[_ADMIN]
        self.kubeconfig = layout.folder / "kubeconfig"
        self.api = Api(layout.api_port, self.admin_token, self.certificate)
        self._content = Content(processes, self.api, timeout)
        self._custom: list[str] = []

    @classmethod
    def start(
        cls,
        *,
        crds: Sequence[Path] = (),
        nodes: int = 1,
        users: Mapping[str, Sequence[str]] | None = None,
        api_server_flags: Sequence[str] = (),
        timeout: float = 180.0,
    ) -> Self:
        """Start a control plane and return once it is ready.

        Parameters
        ----------
        crds
            Files and folders with custom resource definitions to create; missing ones are left out.
        nodes
            How many simulated nodes to create; without one, pods stay pending.
        users
            Further users, each with its groups, for `user_kubeconfig`. They have no rights until a binding gives them
            some.
        api_server_flags
            Further flags of the API server.
        timeout
            Seconds that each step of the start may take.

        Raises
        ------
        LabError, tools.MissingToolError
            A component did not become ready, and the message shows the end of its log; or its program is missing.
        """
        remove_stale_folders()
        for _ in range(_START_TRIES - 1):
            with contextlib.suppress(PortTakenError):
                return cls._start_once(crds, nodes, users or {}, api_server_flags, timeout)
        return cls._start_once(crds, nodes, users or {}, api_server_flags, timeout)

    @classmethod
    def _start_once(
        cls,
        crds: Sequence[Path],
        nodes: int,
        users: Mapping[str, Sequence[str]],
        api_server_flags: Sequence[str],
        timeout: float,
    ) -> Self:
        folder, lock = create_folder()
        processes = Processes(folder, lock)
        try:
            layout = Layout(folder, free_port(), free_port(), tools.locate, api_server_flags)
            # The components are administrators too: roles of their own would show nothing here.
            groups = {_ADMIN: ["system:masters"], _COMPONENTS: ["system:masters"], **users}
            tokens, token_file = new_tokens(groups)
            layout.tokens.write_text(token_file)
            layout.signing_key.write_text(new_signing_key())
            lab = cls(processes, layout, tokens, timeout)
            lab._start_components(read_crds(crds), nodes)
        except BaseException:
            processes.close()
            raise
        return lab

    def _start_components(self, crds: Sequence[Manifest], nodes: int) -> None:
        # The API server tries to reach etcd for a while; so the two can start at once.
        for name in (components.ETCD, components.API_SERVER):
            self._processes.start(name, self._layout.command(name))
        self._content.wait_for_api_server()
        self._write_kubeconfig(self._layout.components_kubeconfig, _COMPONENTS)
        self._write_kubeconfig(self.kubeconfig, _ADMIN)
        for name in (components.CONTROLLER_MANAGER, components.SCHEDULER, components.KWOK):
            self._processes.start(name, self._layout.command(name))
        self._content.fill(crds, nodes)
        # The API server has judged them by now.
        self._custom = namespaced_collections(crds)

    def _write_kubeconfig(self, path: Path, user: str) -> Path:
        return write_kubeconfig(
            path, url=self.url, certificate=self.certificate, user=user, token=self._tokens[user]
        )

    def user_kubeconfig(self, user: str) -> Path:
        """Return a kubeconfig of one of the `users` given at the start.

        Raises LabError: there is no such user.
        """
        if user not in self._tokens:
            raise LabError(f"no user {user!r}; there are {', '.join(sorted(self._tokens))}")
        path = self.folder / f"{user}.kubeconfig"
        return path if path.exists() else self._write_kubeconfig(path, user)

    def service_account_kubeconfig(self, namespace: str, name: str) -> Path:
        """Return a new kubeconfig of a service account, which must exist; its token lasts for an hour.

        Raises ApiError: the API server issued no token.
        """
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        answer = self.api.create(f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", request)
        return write_kubeconfig(
            self.folder / f"{namespace}-{name}-{secrets.token_hex(4)}.kubeconfig",
            url=self.url,
            certificate=self.certificate,
            user=name,
            token=answer["status"]["token"],
        )

    def copy_kubeconfig(self, path: Path) -> None:
        """Write the administrator's kubeconfig to another place too; it is removed when the lab ends.

        Raises FileExistsError: there is a file at `path`.
        """
        self._write_kubeconfig(path, _ADMIN)
        self._processes.remove_at_end(path)

    def kubectl(self, *arguments: str, input: str | None = None, kubeconfig: Path | None = None) -> str:  # noqa: A002
        """Run kubectl as the administrator, or with another kubeconfig, and return what it prints.

        Raises KubectlError: it failed; the message is what it wrote to stderr.
        """
        return run_kubectl(
            *arguments,
            kubeconfig=kubeconfig or self.kubeconfig,
            cache=self.folder / "kubectl-cache",
            stdin=input,
        )

    def empty(self, namespace: str) -> None:
        """Delete what tests make in a namespace, without waiting until it is gone, and keep the namespace.

        A deletion of the namespace costs the control plane a hundred requests: two for each kind that it serves. It
        raises as `Api` does.
        """
        for collection in (*self._custom, *_WORKLOAD):
            group, _, resource = collection.rpartition("/")
            self.api.delete_all(f"{group}/namespaces/{namespace}/{resource}")

    def stop_api_server(self) -> None:
        """Stop the API server alone, as in an outage; its data stays."""
        self._processes.stop(components.API_SERVER, grace=_OUTAGE_GRACE_SECONDS)

    def start_api_server(self) -> None:
        """Start the API server again on the same port with the same data; return once it is ready.

        Raises LabError: it did not become ready.
        """
        self._processes.start(components.API_SERVER, self._layout.command(components.API_SERVER))
        self._content.wait_for_api_server()

    def stop_workloads(self) -> None:
        """Stop what makes pods of Deployments and runs them: a crowd of gateways then costs its own objects alone."""
        for component in (components.KWOK, components.SCHEDULER, components.CONTROLLER_MANAGER):
            self._processes.stop(component)

    def compact(self) -> None:
        """Have etcd forget what happened up to now; the API server remembers some of it until it is restarted.

        Raises OSError: etcd refused.
        """
        compact_etcd(self._layout.etcd_url)

    def check(self) -> None:
        """Raise if a component has ended by itself.

        Raises LabError: one has; the message shows the end of its log.
        """
        self._processes.check()

    def stop(self) -> None:
        """End all components and remove the folder; may be called again."""
        self._processes.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
