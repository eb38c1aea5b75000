"""The engine's state in the cluster: a Secret in each namespace of gateways, and more where one is too small."""

import asyncio
import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.resources import SECRETS
from gateway_components.plan.ownership import FIELD_MANAGER

__all__ = [
    "STATE_LABELS",
    "STATE_SECRET",
    "StateConflictError",
    "StateDamagedError",
    "StateSecrets",
    "StoredState",
]

STATE_SECRET = "litellm-gateways-state"  # noqa: S105  (a name)
"""Name of the Secret; of further parts, the beginning of their names."""

STATE_LABELS = {"app.kubernetes.io/managed-by": FIELD_MANAGER}
"""Labels of the Secrets."""

_PART_LABEL = "runtime.agentic-layer.ai/state-part"
_PART_BYTES = 700_000
"""A Secret holds 1 MiB at most, all names and annotations among it."""


class StateConflictError(GatewayError):
    """Somebody else wrote the state since it was read."""


class StateDamagedError(GatewayError):
    """What the Secret holds is no state.

    Attributes
    ----------
    version
        Version of the Secret, to write over it.
    """

    def __init__(self, message: str, version: str) -> None:
        super().__init__(message)
        self.version = version


@dataclass(frozen=True, slots=True)
class StoredState:
    """The state of a namespace as it was stored.

    Attributes
    ----------
    version
        Version of the Secret.
    checkpoint
        The engine's own file; None where none was stored yet, or where another backend keeps it.
    doubts
        Names of what an engine run was about when it was last heard of: its objects may be ahead of the checkpoint.
    """

    version: str
    checkpoint: bytes | None
    doubts: frozenset[str]


class StateSecrets:
    """Stores states, each write based on the version that was read before.

    The head Secret holds the compressed checkpoint. One that is too large stands in parts, which bear the digest of
    their content as their name: they are written before the head names them, and those that it no longer names go
    afterwards. So a daemon that dies in between leaves the old state, and at most parts that the next write removes.

    Whoever may write Secrets in a namespace could write a state that has the engine act elsewhere, with the rights of
    the daemon: so a checkpoint is signed, and one without our signature is none.

    Parameters
    ----------
    client
        The cluster.
    part_bytes
        How much one Secret takes.
    key
        Signs what is saved, and tells whether what is loaded was saved with it; with None nothing is signed, and
        anything is loaded.
    """

    def __init__(self, client: KubeClient, part_bytes: int = _PART_BYTES, *, key: str | None = None) -> None:
        self._client = client
        self._part_bytes = part_bytes
        self._key = key
        self._parts_of: dict[str, frozenset[str]] = {}

    async def load(self, namespace: str) -> StoredState | None:
        """Return the stored state; None where there is none.

        Raises
        ------
        StateDamagedError
            It cannot be read: cut off, changed by hand, signed with another key, or a part of it is missing.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        head = await self._client.get(SECRETS.item(namespace, STATE_SECRET))
        if head is None:
            return None
        version = head["metadata"]["resourceVersion"]
        try:
            data = {
                key: base64.b64decode(value, validate=True) for key, value in (head.get("data") or {}).items()
            }
            doubts = frozenset(json.loads(data.get("doubts", b"[]")))
            packed = await self._packed(namespace, data)
            checkpoint = None if packed is None else self._unpacked(namespace, packed, data)
            # What an earlier process did not come to remove.
            await self._sweep(namespace, frozenset(json.loads(data.get("parts", b"[]"))))
            return StoredState(version, checkpoint, doubts)
        except (ValueError, KeyError, TypeError, zlib.error) as error:
            message = (
                f"Secret {namespace}/{STATE_SECRET} holds no readable state ({error or type(error).__name__}); it is "
                "written anew from what is on the cluster"
            )
            raise StateDamagedError(message, version) from None

    async def intend(self, namespace: str, doubts: Iterable[str], version: str | None) -> str:
        """Note what an engine run is about before it begins, and return the new version.

        Raises
        ------
        StateConflictError
            The Secret is not as it was read: `version`, or None for one that did not exist.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        return await self._write(namespace, {"doubts": _encoded(_as_json(doubts))}, version)

    async def save(
        self, namespace: str, checkpoint: bytes | None, version: str | None, doubts: Iterable[str] = ()
    ) -> str:
        """Store a checkpoint, which settles all doubts but `doubts`, and return the new version.

        Raises
        ------
        StateConflictError
            As for `intend`.
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        # Large ones take long enough to hold up whoever else is served meanwhile.
        packed = None if checkpoint is None else await asyncio.to_thread(zlib.compress, checkpoint, 6)
        data: dict[str, str | None] = {
            "doubts": _encoded(_as_json(doubts)),
            "checkpoint": None,
            "parts": None,
            "sha256": None,
            "signature": None,
        }
        parts: dict[str, bytes] = {}
        if packed is not None:
            digest = hashlib.sha256(packed).hexdigest()
            data["sha256"] = _encoded(digest)
            data["signature"] = _encoded(self._signature(namespace, digest)) if self._key else None
            if len(packed) <= self._part_bytes:
                data["checkpoint"] = base64.b64encode(packed).decode()
            else:
                parts = self._parts(packed)
                data["parts"] = _encoded(json.dumps(list(parts)))
        for name, content in parts.items():
            await self._create_part(namespace, name, content)
        new = await self._write(namespace, data, version)
        await self._sweep(namespace, frozenset(parts))
        return new

    async def remove(self, namespace: str) -> None:
        """Remove the state of a namespace.

        Raises
        ------
        ApiError, ApiUnreachableError
            The API server refused, or gave no answer.
        """
        # The head last: by it, whoever goes on after a crash in between knows that there is something to remove.
        await self._sweep(namespace, frozenset())
        head = await self._client.get(SECRETS.item(namespace, STATE_SECRET))
        if head is not None:
            await self._delete(namespace, head)
        # Or every namespace that there ever was would be remembered.
        self._parts_of.pop(namespace, None)

    def _signature(self, namespace: str, digest: str) -> str:
        return hmac.new((self._key or "").encode(), f"{namespace} {digest}".encode(), "sha256").hexdigest()

    def _unpacked(self, namespace: str, packed: bytes, data: Mapping[str, bytes]) -> bytes:
        digest = hashlib.sha256(packed).hexdigest()
        if digest != data["sha256"].decode():
            raise ValueError("its checksum is another")
        # Before it is unpacked: what somebody else made may be thousandfold then.
        expected = self._signature(namespace, digest).encode()
        if self._key and not hmac.compare_digest(expected, data.get("signature", b"")):
            raise ValueError("it was not written with the passphrase of this install")
        return zlib.decompress(packed)

    def _parts(self, packed: bytes) -> dict[str, bytes]:
        chunks = [packed[at : at + self._part_bytes] for at in range(0, len(packed), self._part_bytes)]
        return {f"{STATE_SECRET}-{hashlib.sha256(chunk).hexdigest()[:16]}": chunk for chunk in chunks}

    async def _packed(self, namespace: str, data: Mapping[str, bytes]) -> bytes | None:
        if "checkpoint" in data:
            return data["checkpoint"]
        if "parts" not in data:
            return None
        chunks = []
        for name in json.loads(data["parts"]):
            part = await self._client.get(SECRETS.item(namespace, name))
            if part is None:
                raise ValueError(f"its part {name} is missing")
            chunks.append(base64.b64decode(part["data"]["checkpoint"], validate=True))
        return b"".join(chunks)

    async def _write(self, namespace: str, data: Mapping[str, str | None], version: str | None) -> str:
        try:
            if version is None:
                present = {key: value for key, value in data.items() if value is not None}
                stored = await self._client.create(
                    SECRETS.collection(namespace), _secret(STATE_SECRET, present, {})
                )
            else:
                stored = await self._client.merge_patch(
                    SECRETS.item(namespace, STATE_SECRET),
                    {"metadata": {"resourceVersion": version}, "data": data},
                    manager=FIELD_MANAGER,
                )
        except ApiError as error:
            gone = version is not None and error.status == HTTPStatus.NOT_FOUND
            if gone or (error.status == HTTPStatus.CONFLICT):
                message = f"Secret {namespace}/{STATE_SECRET} was written or deleted by somebody else; it is read again"
                raise StateConflictError(message) from None
            raise
        new: str = stored["metadata"]["resourceVersion"]
        return new

    async def _create_part(self, namespace: str, name: str, content: bytes) -> None:
        data = {"checkpoint": base64.b64encode(content).decode()}
        try:
            await self._client.create(
                SECRETS.collection(namespace), _secret(name, data, {_PART_LABEL: "true"})
            )
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # It bears the digest of its content; one that was changed by hand gets that back.
            await self._client.merge_patch(SECRETS.item(namespace, name), {"data": data})

    async def _sweep(self, namespace: str, keep: frozenset[str]) -> None:
        # The first time it looks for what an earlier process may have left; after that it knows.
        if self._parts_of.get(namespace) == keep:
            return
        found, _ = await self._client.list(
            SECRETS.collection(namespace), metadata_only=True, labels={_PART_LABEL: "true"}
        )
        for part in found:
            if part["metadata"]["name"] not in keep:
                await self._delete(namespace, part)
        self._parts_of[namespace] = keep

    async def _delete(self, namespace: str, found: Mapping[str, Any]) -> None:
        metadata = found["metadata"]
        path = SECRETS.item(namespace, metadata["name"])
        await self._client.delete(path, uid=metadata["uid"], version=metadata["resourceVersion"])


def _secret(name: str, data: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "runtime.agentic-layer.ai/state",
        "metadata": {"name": name, "labels": {**STATE_LABELS, **labels}},
        "data": dict(data),
    }


def _as_json(names: Iterable[str]) -> str:
    return json.dumps(sorted(names))


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
