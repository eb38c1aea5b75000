"""Where the API server is and how to prove who asks: from a kubeconfig, or from the service account of a pod."""

import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway_components.kube.errors import CredentialsError
from gateway_components.kube.kubeconfig import Cluster, User, read_kubeconfig

__all__ = ["Credentials", "find_kubeconfig", "load_credentials"]

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How requests reach an API server.

    Attributes
    ----------
    server
        URL that every path is appended to.
    authorization
        Returns the header of the next request, None for none; a token in a file is read anew each time, for it may
        be replaced at any moment. Raises OSError where that file cannot be read.
    tls
        Whom to trust, and the client's certificate if it has one.
    server_name
        Name in the server's certificate; None for the one in the URL.
    proxy
        URL of a proxy; None for those of the environment.
    """

    server: str
    authorization: Callable[[], str | None]
    tls: ssl.SSLContext
    server_name: str | None = None
    proxy: str | None = None


def find_kubeconfig() -> Path | None:
    """Return the kubeconfig that ``KUBECONFIG`` names, or the user's own; None inside a cluster without one."""
    named = os.environ.get("KUBECONFIG")
    if named:
        return Path(named)
    default = Path.home() / ".kube" / "config"
    in_cluster = "KUBERNETES_SERVICE_HOST" in os.environ
    return default if default.exists() and not in_cluster else None


async def load_credentials(
    kubeconfig: Path | None,
    *,
    service_account: Path = _SERVICE_ACCOUNT,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """Return the credentials of `kubeconfig`, or those of the pod that this process runs in.

    Parameters
    ----------
    kubeconfig
        File, or several joined as in ``KUBECONFIG``; None for the pod's service account.
    service_account, environment
        Where Kubernetes puts token and certificate of a pod's service account, and the server's address.

    Raises
    ------
    CredentialsError
        There are none, or they cannot be read.
    """
    try:
        if kubeconfig is None:
            return _of_pod(service_account, environment)
        plain = read_kubeconfig(kubeconfig)
        return _of_kubeconfig(*plain) if plain else await _by_library(kubeconfig)
    except Exception as error:  # noqa: BLE001  (a malformed file leads libraries into errors of any kind)
        source = f"the kubeconfig {kubeconfig}" if kubeconfig else "the service account of this pod"
        # The first line alone: the rest may quote the file.
        cause = next(iter(str(error).splitlines()), type(error).__name__)
        message = f"no credentials from {source}: {cause}; set KUBECONFIG or run inside a cluster"
        raise CredentialsError(message) from None


def _of_pod(folder: Path, environment: Mapping[str, str]) -> Credentials:
    host, port = (environment.get(f"KUBERNETES_SERVICE_{part}") for part in ("HOST", "PORT"))
    if not host or not port:
        raise CredentialsError("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set")
    address = f"[{host}]" if ":" in host else host
    authorization = _bearer(folder / "token")
    authorization()  # One that is missing is told now.
    tls = ssl.create_default_context(cafile=folder / "ca.crt")
    return Credentials(f"https://{address}:{port}", authorization, tls)


def _of_kubeconfig(cluster: Cluster, user: User) -> Credentials:
    tls = _tls(cluster.authority, cluster.authority_data, verify=not cluster.insecure)
    with tempfile.TemporaryDirectory() as folder:
        # The SSL library reads a certificate from files only.
        files = [
            _file(Path(folder, name), path, data)
            for name, path, data in (
                ("certificate", user.certificate, user.certificate_data),
                ("key", user.key, user.key_data),
            )
        ]
        if files[0]:
            tls.load_cert_chain(files[0], files[1])
    authorization = _bearer(user.token_file) if user.token_file else _constant(user.token)
    authorization()
    return Credentials(cluster.server.rstrip("/"), authorization, tls, cluster.server_name, cluster.proxy)


async def _by_library(kubeconfig: Path) -> Credentials:
    # Loaded here, for its models of all of Kubernetes take as much memory as all the rest of a small daemon.
    from kubernetes_asyncio.client import Configuration  # noqa: PLC0415
    from kubernetes_asyncio.config import load_kube_config  # noqa: PLC0415

    found = Configuration()
    await load_kube_config(str(kubeconfig), client_configuration=found)
    tls = _tls(found.ssl_ca_cert, None, verify=found.verify_ssl)
    if found.cert_file:
        tls.load_cert_chain(found.cert_file, found.key_file)
    header = await found.get_api_key_with_prefix("BearerToken")
    return Credentials(str(found.host), lambda: header, tls, found.tls_server_name, found.proxy)


def _tls(authority: str | Path | None, data: bytes | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=None if data else authority, cadata=data and data.decode())
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _file(place: Path, path: Path | None, data: bytes | None) -> Path | None:
    if data is None:
        return path
    place.write_bytes(data)
    return place


def _bearer(file: Path) -> Callable[[], str | None]:
    return lambda: f"Bearer {file.read_text().strip()}"


def _constant(token: str | None) -> Callable[[], str | None]:
    return lambda: f"Bearer {token}" if token else None
