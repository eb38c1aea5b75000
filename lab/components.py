"""Command lines of the control plane's components."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.ports import HOST

ETCD = "etcd"
API_SERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
KWOK = "kwok"

_UNTHROTTLED = ("--kube-api-qps=500", "--kube-api-burst=1000")
"""By default a crowd of Deployments waits for the controllers' own limit of 20 requests a second."""

# Those that gateways need; each one left out saves memory and requests.
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "clusterrole-aggregation-controller",  # fills the roles view, edit and admin
    "disruption-controller",
    "horizontal-pod-autoscaler-controller",
)


@dataclass(frozen=True)
class Layout:
    """Where the files of one lab are, and its ports on the loopback address.

    `locate` finds the binary of a component by its name; `api_server_flags` are further ones.
    """

    folder: Path
    etcd_port: int
    api_port: int
    locate: Callable[[str], Path]
    api_server_flags: Sequence[str] = ()

    @property
    def api_url(self) -> str:
        """Address of the API server."""
        return f"https://{HOST}:{self.api_port}"

    @property
    def etcd_url(self) -> str:
        """Address of etcd."""
        return f"http://{HOST}:{self.etcd_port}"

    @property
    def certificate(self) -> Path:
        """Serving certificate of the API server, followed by the one that signed it."""
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def tokens(self) -> Path:
        """Bearer tokens of the users."""
        return self.folder / "tokens.csv"

    @property
    def signing_key(self) -> Path:
        """Key that signs service account tokens."""
        return self.folder / "service-accounts.key"

    @property
    def components_kubeconfig(self) -> Path:
        """Kubeconfig of the components."""
        return self.folder / "components.kubeconfig"

    def command(self, component: str) -> list[str]:
        """Return the command line that starts a component."""
        flags = {
            ETCD: self._etcd,
            API_SERVER: self._api_server,
            CONTROLLER_MANAGER: self._controller_manager,
            SCHEDULER: self._scheduler,
            KWOK: self._kwok,
        }[component]()
        return [str(self.locate(component)), *flags]

    def _etcd(self) -> list[str]:
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls=http://{HOST}:0",  # it has no peers
            "--unsafe-no-fsync",
            "--log-level=warn",
        ]

    def _api_server(self) -> list[str]:
        return [
            f"--etcd-servers={self.etcd_url}",
            f"--bind-address={HOST}",
            f"--advertise-address={HOST}",
            f"--secure-port={self.api_port}",
            f"--cert-dir={self.certificate.parent}",
            "--endpoint-reconciler-type=none",  # it refuses to announce a loopback address
            "--authorization-mode=RBAC",
            f"--token-auth-file={self.tokens}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.signing_key}",
            f"--service-account-signing-key-file={self.signing_key}",
            "--service-cluster-ip-range=10.96.0.0/16",
            # Without these, pods need no token volume, and simulated nodes no controller that lifts taints.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--allow-privileged",  # as every distribution has it: what pods may be is for admission to say
            "--enable-priority-and-fairness=false",
            "--profiling=false",
            "--shutdown-watch-termination-grace-period=0s",
            *self.api_server_flags,
        ]

    def _controller_manager(self) -> list[str]:
        return [
            f"--kubeconfig={self.components_kubeconfig}",
            f"--controllers={','.join(_CONTROLLERS)}",
            f"--bind-address={HOST}",
            "--secure-port=0",  # nobody asks it anything; so it needs no port
            "--leader-elect=false",
            "--profiling=false",
            *_UNTHROTTLED,
        ]

    def _scheduler(self) -> list[str]:
        return [
            f"--kubeconfig={self.components_kubeconfig}",
            f"--bind-address={HOST}",
            "--secure-port=0",
            "--leader-elect=false",
            "--profiling=false",
            *_UNTHROTTLED,
        ]

    def _kwok(self) -> list[str]:
        return [
            f"--kubeconfig={self.components_kubeconfig}",
            "--manage-all-nodes=true",
            f"--node-ip={HOST}",
        ]
