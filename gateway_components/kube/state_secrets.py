"""Writes the engine's state into Secrets of its namespace: a head, and parts if it is large."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import structlog

from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError, ObjectChangedError
from gateway_components.kube.fence import FencedClient
from gateway_components.kube.install_secrets import Latest, LatestStates
from gateway_components.kube.resources import SECRETS
from gateway_components.kube.state_format import (
    PART_BYTES,
    PART_LABEL,
    STATE_LABELS,
    STATE_SECRET,
    Checkpoint,
    Known,
    Part,
    Signing,
    base_of,
    head_data,
    is_part,
    lay_out,
    part_data,
    pending_data,
    secret,
)
from gateway_components.kube.state_reader import (
    StateConflictError,
    StateReader,
    StoredState,
)
from gateway_components.plan.ownership import FIELD_MANAGER

_MOST_SWEPT = 1_024
"""Parts that are deleted at a time: twice those of the largest state."""


class StateWriter(StateReader):
    """Stores states, each based on the version that was read; deletes nothing.

    The head Secret holds the compressed checkpoint. Of one with many pieces it holds the first. The others lie in
    parts, which are written before the head names them. So a writer that dies in between leaves the old state, and
    unused parts. A piece that has not changed keeps its parts.

    A tenant could write a state that makes the engine act elsewhere with the daemon's rights. So the head is signed,
    with the list of its parts and their digests, and a state without our signature is refused.

    Each write raises StateConflictError where the Secret is no longer at the `version` that was read, None for a
    missing one; and ApiError or ApiUnreachableError where a request fails.

    Parameters
    ----------
    part_bytes
        Size of a part.
    key
        Signs and verifies states; None does neither.
    latest
        Records which state was written last.
    """

    def __init__(
        self,
        client: KubeClient,
        part_bytes: int = PART_BYTES,
        *,
        key: str | None = None,
        latest: LatestStates | None = None,
    ) -> None:
        super().__init__(client, key=key, latest=latest)
        self._part_bytes = part_bytes
        self._uids: dict[str, str] = {}
        self._known: dict[str, Known] = {}

    async def load(self, namespace: str) -> StoredState | None:
        """As `StateReader.load`."""
        # The Secret may have been replaced.
        self._uids.pop(namespace, None)
        self._known.pop(namespace, None)
        stored = await super().load(namespace)
        if stored is not None:
            self._known[namespace] = Known(stored.version, stored.parts)
        return stored

    async def save(self, namespace: str, checkpoint: Checkpoint | None, version: str | None) -> str:
        """Store a checkpoint without pending gateways, and return the new version."""
        return (await self._save(namespace, checkpoint, version)).version

    async def _save(
        self, namespace: str, checkpoint: Checkpoint | None, version: str | None, pending: Iterable[str] = ()
    ) -> Known:
        if checkpoint is None:
            new = await self._write(namespace, head_data(None, {}, None) | pending_data(pending), version)
            return self._remember(namespace, Known(new))
        # Signature and parts are bound to a version of the head.
        base = version or await self._write(namespace, pending_data(()), None)
        uid = await self._uid(namespace, base)
        # A large state would block the event loop.
        layout = await asyncio.to_thread(
            lay_out, checkpoint, self._known_at(namespace, base), self._part_bytes
        )
        parts = {
            name: await self._create_part(namespace, part, layout.fresh[name])
            if name in layout.fresh
            else part
            for name, part in layout.parts.items()
        }
        signing = Signing(self._key, namespace, uid, int(base)) if self._key else None
        digests = {name: part.digest for name, part in parts.items()}
        data = head_data(layout.packed, digests, signing) | pending_data(pending)
        new = await self._write(namespace, data, base)
        if signing and self._latest:
            await self._latest.note(namespace, Latest(uid, signing.base))
        return self._remember(namespace, Known(new, parts, layout.marks))

    def _known_at(self, namespace: str, version: str) -> Known:
        """Return what is known of the head at `version`: of any other one, nothing may be named again."""
        known = self._known.get(namespace)
        return known if known and known.version == version else Known(version)

    def _remember(self, namespace: str, known: Known) -> Known:
        self._known[namespace] = known
        return known

    async def _uid(self, namespace: str, version: str) -> str:
        """Return the UID of the head, which must be at this version."""
        if namespace not in self._uids:
            head = await self._client.get(SECRETS.item(namespace, STATE_SECRET))
            if head is None or head["metadata"]["resourceVersion"] != version:
                raise _conflict(namespace)
            self._uids[namespace] = head["metadata"]["uid"]
        return self._uids[namespace]

    async def _write(self, namespace: str, data: Mapping[str, str | None], version: str | None) -> str:
        try:
            if version is None:
                present = {key: value for key, value in data.items() if value is not None}
                stored = await self._client.create(
                    SECRETS.collection(namespace), secret(STATE_SECRET, present, {})
                )
            else:
                stored = await self._client.merge_patch(
                    SECRETS.item(namespace, STATE_SECRET),
                    {"metadata": {"resourceVersion": version, "labels": STATE_LABELS}, "data": data},
                    manager=FIELD_MANAGER,
                )
        except ApiError as error:
            self._uids.pop(namespace, None)
            gone = version is not None and error.status == HTTPStatus.NOT_FOUND
            if gone or (error.status == HTTPStatus.CONFLICT):
                raise _conflict(namespace) from None
            raise
        new: str = stored["metadata"]["resourceVersion"]
        self._uids[namespace] = stored["metadata"]["uid"]
        return new

    async def _create_part(self, namespace: str, part: Part, content: bytes) -> Part:
        data = part_data(content)
        body = secret(part.name, data, {PART_LABEL: "true"})
        try:
            stored = await self._client.create(SECRETS.collection(namespace), body)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise
            # Its name is the digest of its content, which somebody may have changed.
            stored = await self._client.merge_patch(SECRETS.item(namespace, part.name), {"data": data})
        metadata = stored["metadata"]
        return replace(part, uid=metadata["uid"], version=metadata["resourceVersion"])


class StateSecrets(StateWriter):
    """The states of the leading daemon, which alone deletes unused parts.

    A frozen daemon may have lost its leadership at any line, and ``gatewayctl stack import`` writes without leading. So
    a deletion must be safe whoever leads:

    - A head names parts that belong to the version of the head it was written on, or that this one named; the first
      head has none.
    - After a write of the head on version V, as version H, only writes on H or a later version succeed. So no later
      head names a part that V named and H does not: it may be deleted at any later time, whoever has written meanwhile.
    - Parts that nobody knows of are what writers left that died or came too late. One list of the API server shows them
      and version H of the head at one moment. No later head names a part that H does not name and that belongs to
      another version.
    - Parts that belong to H may be part of a write in progress: they stay until the head has moved on.
    """

    def __init__(
        self,
        client: FencedClient,
        part_bytes: int = PART_BYTES,
        *,
        key: str | None,
        latest: LatestStates | None = None,
    ) -> None:
        super().__init__(client, part_bytes, key=key, latest=latest)
        self._swept: set[str] = set()
        """Namespaces without other parts than those that the head names."""
        self._log = structlog.get_logger()

    async def load(self, namespace: str) -> StoredState | None:
        """As `StateReader.load`; then finish what an earlier process left undone."""
        stored = await super().load(namespace)
        if stored is not None:
            await self._note_missing(namespace, stored)
            await self._tidy(namespace, self._known_at(namespace, stored.version))
        return stored

    async def intend(self, namespace: str, pending: Iterable[str], version: str | None) -> str:
        """Record the gateways of an engine run before it begins, and return the new version."""
        new = await self._write(namespace, pending_data(pending), version)
        if version is not None:
            self._remember(namespace, replace(self._known_at(namespace, version), version=new))
        return new

    async def save(
        self, namespace: str, checkpoint: Checkpoint | None, version: str | None, pending: Iterable[str] = ()
    ) -> str:
        """Store a checkpoint with only `pending` left, delete old parts, and return the new version."""
        before = self._known_at(namespace, version or "")
        swept = namespace in self._swept and self._known.get(namespace) is before
        # One that fails leaves parts that nobody knows of.
        self._swept.discard(namespace)
        known = await self._save(namespace, checkpoint, version, pending)
        if swept:
            gone = [part for name, part in before.parts.items() if name not in known.parts]
            await self._tidy(namespace, known, gone)
        else:
            await self._tidy(namespace, known)
        return known.version

    async def remove(self, namespace: str, version: str) -> None:
        """Remove the state of a namespace; after a StateConflictError the head still exists."""
        path = SECRETS.item(namespace, STATE_SECRET)
        head = await self._client.get(path)
        if head is None:
            await self._forget(namespace)
            return
        if namespace not in self._swept or self._known_at(namespace, version).parts:
            version = await self._remove_parts(namespace, version)
        try:
            await self._client.delete(path, uid=head["metadata"]["uid"], version=version)
        except ObjectChangedError:
            raise _conflict(namespace) from None
        await self._forget(namespace)

    async def _forget(self, namespace: str) -> None:
        # Bounds the memory by the namespaces that exist.
        self._swept.discard(namespace)
        self._uids.pop(namespace, None)
        self._known.pop(namespace, None)
        # After the head, which could otherwise be replaced by an older one.
        if self._latest:
            await self._latest.forget(namespace)

    async def _note_missing(self, namespace: str, stored: StoredState) -> None:
        found = Latest(stored.uid, stored.base)
        if self._latest and stored.base and found not in self._latest.known(namespace):
            await self._latest.note(namespace, found)

    async def _remove_parts(self, namespace: str, version: str) -> str:
        # The head is deleted last, so that a crash leaves a trace. First it drops its parts, for concurrent readers.
        emptied = await self._write(namespace, head_data(None, {}, None), version)
        await self._sweep(namespace, self._remember(namespace, Known(emptied)))
        return emptied

    async def _tidy(self, namespace: str, known: Known, gone: Iterable[Part] | None = None) -> None:
        """Delete these parts, or all that no head names: unused ones are harmless, and the next write retries."""
        try:
            if gone is None:
                await self._sweep(namespace, known)
            elif await self._delete_parts(namespace, gone):
                self._swept.add(namespace)
        except (ApiError, ApiUnreachableError) as error:
            self._log.warning("old parts of a state not deleted", namespace=namespace, error=str(error))

    async def _sweep(self, namespace: str, known: Known) -> None:
        """Delete parts that neither this version of the head nor a later one can name."""
        self._swept.discard(namespace)
        # Head and parts at one moment.
        found, _ = await self._client.list(
            SECRETS.collection(namespace), metadata_only=True, labels=STATE_LABELS, keep=outline
        )
        metadata = {one["name"]: one for one in found}
        if metadata.get(STATE_SECRET, {}).get("resourceVersion") != known.version:
            # The later writer sweeps.
            return
        others = [one for name, one in metadata.items() if is_part(one) and name not in known.parts]
        unused = [
            Part(one["name"], b"", one["uid"], one["resourceVersion"])
            for one in others
            if base_of(one["name"]) != known.version
        ]
        # A tenant may make any number of what looks like one; the next sweep goes on.
        swept = unused[:_MOST_SWEPT]
        if await self._delete_parts(namespace, swept) and len(swept) == len(others):
            self._swept.add(namespace)

    async def _delete_parts(self, namespace: str, parts: Iterable[Part]) -> bool:
        """Delete parts as they were read or written; False where one was changed since, and stays."""
        return all([await self._delete_part(namespace, part) for part in parts])

    async def _delete_part(self, namespace: str, part: Part) -> bool:
        path = SECRETS.item(namespace, part.name)
        try:
            await self._client.delete(path, uid=part.uid, version=part.version)
        except ObjectChangedError:
            # The next sweep sees its new version.
            self._log.info("part of a state was changed, and stays", namespace=namespace, part=part.name)
            return False
        return True


def outline(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata of a Secret without what anybody may add to it, which may be large."""
    metadata = found["metadata"]
    labels = {PART_LABEL: ""} if PART_LABEL in (metadata.get("labels") or {}) else {}
    names = {key: metadata.get(key, "") for key in ("namespace", "name", "uid", "resourceVersion")}
    return {**names, "labels": labels}


def _conflict(namespace: str) -> StateConflictError:
    message = f"Secret {namespace}/{STATE_SECRET} was written or deleted by somebody else; it is read again"
    return StateConflictError(message)
