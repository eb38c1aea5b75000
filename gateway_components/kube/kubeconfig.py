"""The plain part of a kubeconfig: a server, and a token or a certificate to show it."""

import os
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import Base64Bytes, BaseModel, ConfigDict, Field, ValidationError

from gateway_components.kube.errors import CredentialsError

__all__ = ["Cluster", "User", "read_kubeconfig"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


_E = TypeVar("_E", bound=_Entry)


class Cluster(_Entry):
    """A cluster of a kubeconfig.

    Attributes
    ----------
    server
        URL of the API server.
    authority, authority_data
        Certificates to trust, as a file or as PEM text; the text comes first.
    insecure
        Whether to trust any server.
    server_name
        Name in the server's certificate.
    proxy
        URL of a proxy.
    """

    server: str
    authority: Path | None = Field(None, alias="certificate-authority")
    authority_data: Base64Bytes | None = Field(None, alias="certificate-authority-data")
    insecure: bool = Field(False, alias="insecure-skip-tls-verify")
    server_name: str | None = Field(None, alias="tls-server-name")
    proxy: str | None = Field(None, alias="proxy-url")


class User(_Entry):
    """A user of a kubeconfig.

    Attributes
    ----------
    token, token_file
        Token, or a file with it; the file comes first.
    certificate, certificate_data, key, key_data
        Client certificate and its key, as files or as PEM text; the text comes first.
    """

    model_config = ConfigDict(extra="allow")

    token: str | None = None
    token_file: Path | None = Field(None, alias="tokenFile")
    certificate: Path | None = Field(None, alias="client-certificate")
    certificate_data: Base64Bytes | None = Field(None, alias="client-certificate-data")
    key: Path | None = Field(None, alias="client-key")
    key_data: Base64Bytes | None = Field(None, alias="client-key-data")


class _Context(_Entry):
    cluster: str
    user: str = ""


def read_kubeconfig(path: Path) -> tuple[Cluster, User] | None:
    """Return cluster and user of the current context of the kubeconfig at `path`.

    Returns
    -------
    tuple or None
        None where there is more to it than a token or a certificate: several files, a plugin, a password.

    Raises
    ------
    CredentialsError
        It does not say what is needed; the message quotes nothing but names.
    OSError, yaml.YAMLError
        It cannot be read.
    """
    if os.pathsep in str(path):
        return None
    text = path.expanduser().read_text(encoding="utf-8")
    document = yaml.load(text, yaml.CSafeLoader)
    content = document if isinstance(document, dict) else {}
    try:
        context = _Context.model_validate(_named(content, "contexts", content.get("current-context")))
        cluster = Cluster.model_validate(_named(content, "clusters", context.cluster))
        user = User.model_validate(_named(content, "users", context.user) if context.user else {})
    except ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise CredentialsError("; ".join(faults)) from None
    if set(user.model_extra or ()) - {"extensions"}:
        return None
    return _resolved(cluster, path), _resolved(user, path)


def _named(content: dict[str, Any], section: str, name: object) -> object:
    if not name:
        raise CredentialsError("it has no current-context")
    entries = content.get(section)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name:
            return entry.get(section.removesuffix("s")) or {}
    raise CredentialsError(f"it has no entry {name!r} in {section}")


def _resolved(entry: _E, kubeconfig: Path) -> _E:
    # A relative path begins at the file that has it.
    folder = kubeconfig.expanduser().absolute().parent
    paths = {name: folder / value for name, value in entry if isinstance(value, Path)}
    return entry.model_copy(update=paths)
