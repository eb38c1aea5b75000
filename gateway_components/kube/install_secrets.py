"""The Secrets of an install, out of reach of tenants: the passphrase, and a record of each namespace's latest state.

The passphrase encrypts and signs states. A signature covers the ``uid`` of the Secret that holds the state, and the
version that it was written on (its base). The API server assigns both: a new Secret gets a new uid, and versions only
grow. So the latest state of a Secret has the highest base, which is recorded after each write.
"""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import structlog

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.decoding import is_version
from gateway_components.kube.errors import ApiError, ApiUnreachableError, ObjectChangedError
from gateway_components.kube.resources import SECRETS, ApiPath
from gateway_components.plan.ownership import FIELD_MANAGER

PASSPHRASE_SECRET = "litellm-gateways-passphrase"  # noqa: S105  (a name)
_KEY = "passphrase"
LATEST_PREFIX = "litellm-gateways-latest-"
"""Prefix of these Secrets' names."""

_TRIES = 5
_REFUSALS = frozenset((HTTPStatus.FORBIDDEN, HTTPStatus.UNPROCESSABLE_ENTITY))


class PassphraseMissingError(GatewayError):
    """There is no install in this namespace."""


async def known_passphrase(client: KubeClient, namespace: str) -> str:
    """Return the passphrase of the install in `namespace`.

    Raises PassphraseMissingError: it does not exist. ApiError, ApiUnreachableError: the Secret may not be read, or the
    API server did not answer.
    """
    known = _decoded(await client.get(SECRETS.item(namespace, PASSPHRASE_SECRET)), _KEY)
    if not known:
        message = (
            f"Secret {namespace}/{PASSPHRASE_SECRET} with the passphrase of the state is missing; name the namespace "
            "of the daemon with --install-namespace, and let it start once"
        )
        raise PassphraseMissingError(message)
    return known


async def install_passphrase(client: KubeClient, namespace: str) -> str:
    """Return the passphrase of the install in `namespace`, generated if it is missing.

    Raises ApiError: the Secret may not be read or written, has changed meanwhile, or the namespace does not exist.
    ApiUnreachableError: the API server did not answer.
    """
    path = SECRETS.item(namespace, PASSPHRASE_SECRET)
    found = await client.get(path)
    known = _decoded(found, _KEY)
    if known:
        return known
    fresh = secrets.token_urlsafe(32)
    data = {_KEY: _encoded(fresh)}
    if found is not None:
        # A person emptied it: states are rewritten from the cluster.
        version = found["metadata"]["resourceVersion"]
        await client.merge_patch(path, {"metadata": {"resourceVersion": version}, "data": data})
        return fresh
    try:
        await client.create(SECRETS.collection(namespace), _secret(PASSPHRASE_SECRET, data))
    except ApiError as error:
        if error.status != HTTPStatus.CONFLICT:
            raise
        # Another daemon was first.
        known = _decoded(await client.get(path), _KEY)
        if not known:
            raise
        return known
    return fresh


@dataclass(frozen=True, slots=True)
class Latest:
    """A state that was written: UID of the Secret that holds it, and the version that this was written on."""

    uid: str
    base: int

    def is_older_than(self, other: "Latest") -> bool:
        """Return whether `other` was written later to the same Secret."""
        return self.uid == other.uid and self.base < other.base


def record_name(namespace: str) -> str:
    """Return the name of the Secret that records the latest state of a namespace."""
    return f"{LATEST_PREFIX}{namespace}"


class LatestStates:
    """The records of the latest state of each namespace, in the namespace of one install (`home`)."""

    def __init__(self, client: KubeClient, home: str) -> None:
        self._client = client
        self._home = home
        self._written: dict[str, Latest] = {}
        self._noted: dict[str, Latest | None] = {}
        self._versions: dict[str, str | None] = {}
        self._warned = False
        self._log = structlog.get_logger()

    async def read(self, namespace: str) -> tuple[Latest, ...]:
        """Return the latest states of a namespace that are known: as recorded, and by this process.

        Raises ApiError or ApiUnreachableError: it cannot be read.
        """
        try:
            await self._stored(namespace)
        except ApiError as error:
            if error.status not in _REFUSALS:
                raise
            self._log_failure(namespace, error)
        return self.known(namespace)

    def known(self, namespace: str) -> tuple[Latest, ...]:
        """Return the same without reading."""
        # What this process wrote counts even if its record was refused or lost.
        return tuple(found for found in (self._noted.get(namespace), self._written.get(namespace)) if found)

    async def note(self, namespace: str, latest: Latest) -> None:
        """Record a state that was written; a failure is logged."""
        self._written[namespace] = latest
        try:
            await self._note(namespace, latest)
        except (ApiError, ApiUnreachableError) as error:
            # The state is stored. Until the next write, only this process recognises an older one.
            self._log_failure(namespace, error)

    async def forget(self, namespace: str) -> None:
        """Delete the record of a deleted state: no other Secret can have its uid."""
        for memory in (self._written, self._noted, self._versions):
            memory.pop(namespace, None)
        try:
            found = await self._client.get(self._path(namespace))
            if found is not None:
                metadata = found["metadata"]
                await self._client.delete(
                    self._path(namespace), uid=metadata["uid"], version=metadata["resourceVersion"]
                )
        except ObjectChangedError:
            return
        except (ApiError, ApiUnreachableError) as error:
            self._log_failure(namespace, error)

    async def _note(self, namespace: str, latest: Latest) -> None:
        for _ in range(_TRIES):
            try:
                self._versions[namespace] = await self._write(namespace, latest)
            except ApiError as error:
                if error.status not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                    raise
            else:
                return
            # Another process recorded one, and the base only grows.
            noted = await self._stored(namespace)
            if noted and (noted == latest or latest.is_older_than(noted)):
                return

    async def _write(self, namespace: str, latest: Latest) -> str:
        version = self._versions.get(namespace)
        data = {"uid": _encoded(latest.uid), "base": _encoded(str(latest.base))}
        if version is None:
            body: Mapping[str, Any] = _secret(record_name(namespace), data)
            stored = await self._client.create(SECRETS.collection(self._home), body)
        else:
            body = {"metadata": {"resourceVersion": version}, "data": data}
            stored = await self._client.merge_patch(self._path(namespace), body, manager=FIELD_MANAGER)
        new: str = stored["metadata"]["resourceVersion"]
        return new

    async def _stored(self, namespace: str) -> Latest | None:
        found = await self._client.get(self._path(namespace))
        self._versions[namespace] = found["metadata"]["resourceVersion"] if found else None
        uid, base = _decoded(found, "uid"), _decoded(found, "base")
        self._noted[namespace] = Latest(uid, int(base)) if uid and is_version(base) else None
        return self._noted[namespace]

    def _path(self, namespace: str) -> ApiPath:
        return SECRETS.item(self._home, record_name(namespace))

    def _log_failure(self, namespace: str, error: Exception) -> None:
        # A permission that is missing for one is missing for all.
        log = self._log.debug if self._warned else self._log.warning
        self._warned = isinstance(error, ApiError) and error.status in _REFUSALS
        log(
            "latest state not recorded",
            namespace=namespace,
            secret=f"{self._home}/{record_name(namespace)}",
            error=str(error),
            cure="let the daemon get, create, patch and delete this Secret: it shows whether a state is the latest",
        )


def _secret(name: str, data: Mapping[str, str]) -> dict[str, Any]:
    metadata = {"name": name, "labels": {"app.kubernetes.io/managed-by": FIELD_MANAGER}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _decoded(secret: Mapping[str, Any] | None, key: str) -> str:
    """Return a value of a Secret; empty where it is missing or no text."""
    try:
        return base64.b64decode(((secret or {}).get("data") or {}).get(key, ""), validate=True).decode()
    except (ValueError, TypeError):
        return ""
