"""Credentials of the client: those of a kubeconfig, or of a pod's service account."""

import os
import ssl
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from gateway_components.errors import InputError
from gateway_components.kube.errors import CredentialsError
from gateway_components.kubeconfig import Entry, Kubeconfig

_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class Credentials:
    """How requests reach an API server.

    Attributes
    ----------
    server
        URL that every path is appended to.
    authorization
        Returns the header of the next request, if any. It reads a token file each time, as tokens are rotated, and
        raises an OSError if it cannot.
    tls
        The trusted authorities, and the client's certificate.
    server_name
        Name in the server's certificate, if not that of the URL.
    proxy
        URL of a proxy, if not that of the environment.
    """

    server: str
    authorization: Callable[[], str | None]
    tls: ssl.SSLContext
    server_name: str | None = None
    proxy: str | None = None


class _Fields(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


_F = TypeVar("_F", bound=_Fields)


class _Context(_Fields):
    cluster: str
    user: str = ""


class _Cluster(_Fields):
    server: str
    authority: Path | None = Field(None, alias="certificate-authority")
    authority_data: Base64Bytes | None = Field(None, alias="certificate-authority-data")
    insecure: bool = Field(False, alias="insecure-skip-tls-verify")
    server_name: str | None = Field(None, alias="tls-server-name")
    proxy: str | None = Field(None, alias="proxy-url")


class _User(_Fields):
    """The plain part of a user; a token file precedes a token, and data precede a file."""

    model_config = ConfigDict(extra="allow")

    token: str | None = None
    token_file: Path | None = Field(None, alias="tokenFile")
    certificate: Path | None = Field(None, alias="client-certificate")
    certificate_data: Base64Bytes | None = Field(None, alias="client-certificate-data")
    key: Path | None = Field(None, alias="client-key")
    key_data: Base64Bytes | None = Field(None, alias="client-key-data")

    @property
    def is_plain(self) -> bool:
        """Whether a token or a certificate is all there is: no plugin, no password."""
        return not set(self.model_extra or ()) - {"extensions"}


async def load_credentials(
    kubeconfig: Path | None,
    *,
    service_account: Path = _SERVICE_ACCOUNT,
    environment: Mapping[str, str] = os.environ,
) -> Credentials:
    """Return the credentials of `kubeconfig`, a file or several joined as in ``KUBECONFIG``, or those of this pod.

    Kubernetes mounts a pod's service account at `service_account`, and names the API server in `environment`.

    Raises CredentialsError: they are missing, or cannot be read.
    """
    try:
        if kubeconfig is None:
            return _of_pod(service_account, environment)
        found = Kubeconfig.at(kubeconfig)
        cluster, user = _current(found)
        return (
            _of_kubeconfig(cluster, user) if user.is_plain else await _by_library(kubeconfig, found.current)
        )
    except InputError as error:
        message = f"no credentials: {error}; set KUBECONFIG or run inside a cluster"
        raise CredentialsError(message) from None
    except Exception as error:  # noqa: BLE001  (a malformed file makes libraries raise anything)
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
    authorization()  # Fail early if it is missing.
    tls = ssl.create_default_context(cafile=folder / "ca.crt")
    return Credentials(f"https://{address}:{port}", authorization, tls)


def _current(kubeconfig: Kubeconfig) -> tuple[_Cluster, _User]:
    if not kubeconfig.current:
        raise CredentialsError("it has no current-context")
    context = _validated(_Context, _named(kubeconfig.contexts, kubeconfig.current, "contexts"))
    cluster = _validated(_Cluster, _named(kubeconfig.clusters, context.cluster, "clusters"))
    user = _named(kubeconfig.users, context.user, "users") if context.user else Entry({}, Path())
    return cluster, _validated(_User, user)


def _named(entries: Mapping[str, Entry], name: str, section: str) -> Entry:
    if name not in entries:
        raise CredentialsError(f"it has no entry {name!r} in {section}")
    return entries[name]


def _validated(model: type[_F], entry: Entry) -> _F:
    try:
        found = model.model_validate(entry.fields)
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise CredentialsError("; ".join(faults)) from None
    paths = {name: entry.folder / value for name, value in found if isinstance(value, Path)}
    return found.model_copy(update=paths)


def _of_kubeconfig(cluster: _Cluster, user: _User) -> Credentials:
    tls = _tls(cluster.authority, cluster.authority_data, verify=not cluster.insecure)
    with tempfile.TemporaryDirectory() as folder:
        # The SSL library reads certificates from files only.
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


async def _by_library(kubeconfig: Path, context: str) -> Credentials:
    # Imported lazily: its models of all of Kubernetes take as much memory as the rest of a small daemon.
    from kubernetes_asyncio.client import Configuration  # noqa: PLC0415
    from kubernetes_asyncio.config import kube_config, load_kube_config  # noqa: PLC0415

    kube_config.OpenIDRequestor = _straight_requestor()  # type: ignore[attr-defined,assignment]
    found = Configuration()
    # Named explicitly: of several files, the library takes the last current context, and kubectl the first.
    await load_kube_config(str(kubeconfig), context=context, client_configuration=found)
    tls = _tls(found.ssl_ca_cert, None, verify=found.verify_ssl)
    if found.cert_file:
        tls.load_cert_chain(found.cert_file, found.key_file)
    header = await found.get_api_key_with_prefix("BearerToken")
    return Credentials(str(found.host), lambda: header, tls, found.tls_server_name, found.proxy)


def _straight_requestor() -> type:
    """Return an OpenID client that follows no redirect: a 307 would send the secret on."""
    from kubernetes_asyncio.config.openid import OpenIDRequestor  # noqa: PLC0415

    class Straight(OpenIDRequestor):
        async def _get(self, client: Any, *args: Any, **options: Any) -> Any:
            return await super()._get(client, *args, **options, allow_redirects=False)

        async def _post(self, client: Any, *args: Any, **options: Any) -> Any:
            return await super()._post(client, *args, **options, allow_redirects=False)

    return Straight


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
