"""The passphrase of the engine's state: made up once per install, and kept in a Secret. It signs states, too."""

import base64
import binascii
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import SECRETS
from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = ["PASSPHRASE_SECRET", "PassphraseMissingError", "install_passphrase", "known_passphrase"]

PASSPHRASE_SECRET = "litellm-gateways-passphrase"  # noqa: S105  (a name)
_KEY = "passphrase"


class PassphraseMissingError(GatewayError):
    """There is no install where one was looked for."""


async def known_passphrase(client: KubeClient, namespace: str) -> str:
    """Return the passphrase of the install in `namespace`; writes nothing.

    Raises
    ------
    PassphraseMissingError
        There is none.
    ApiError, ApiUnreachableError
        The Secret may not be read, or the API server gave no answer.
    """
    known = _read(await client.get(SECRETS.item(namespace, PASSPHRASE_SECRET)))
    if not known:
        message = (
            f"Secret {namespace}/{PASSPHRASE_SECRET} with the passphrase of the state is missing; name the namespace "
            "of the daemon with --install-namespace, and let it start once"
        )
        raise PassphraseMissingError(message)
    return known


async def install_passphrase(client: KubeClient, namespace: str) -> str:
    """Return the passphrase of the install in `namespace`; makes it up where there is none.

    Raises
    ------
    ApiError
        The Secret may not be read or written, was changed meanwhile, or the namespace does not exist.
    ApiUnreachableError
        The API server gave no answer.
    """
    path = SECRETS.item(namespace, PASSPHRASE_SECRET)
    found = await client.get(path)
    known = _read(found)
    if known:
        return known
    fresh = secrets.token_urlsafe(32)
    data = {_KEY: base64.b64encode(fresh.encode()).decode()}
    if found is not None:
        # Emptied by hand: states that the lost one belongs to are written anew from what is on the cluster.
        version = found["metadata"]["resourceVersion"]
        await client.merge_patch(path, {"metadata": {"resourceVersion": version}, "data": data})
        return fresh
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": PASSPHRASE_SECRET, "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}},
        "data": data,
    }
    try:
        await client.create(SECRETS.collection(namespace), body)
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        # Another daemon was first.
        known = _read(await client.get(path))
        if not known:
            raise
        return known
    return fresh


def _read(secret: Mapping[str, Any] | None) -> str:
    try:
        return base64.b64decode(((secret or {}).get("data") or {}).get(_KEY, ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
