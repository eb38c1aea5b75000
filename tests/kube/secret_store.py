"""Secrets as an API server keeps them, in memory: with versions that only grow, uids and preconditions."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from gateway_components.kube.errors import ApiError, ObjectChangedError

Keep = Callable[[dict[str, Any]], dict[str, Any]]


class SecretStore:
    """Stands in for a client: has Secrets by their paths, and notes verbs and paths of requests.

    What has a part of `refused` in its path may not be used.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.refused: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self._version = 100

    async def get(self, path: str) -> dict[str, Any] | None:
        self._ask("get", path)
        found = self.objects.get(path)
        return json.loads(json.dumps(found)) if found else None

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._ask("create", path)
        place = f"{path}/{body['metadata']['name']}"
        if place in self.objects:
            raise ApiError(409, "AlreadyExists", "it is there")
        uid = f"uid-{self._version}"
        return self._store(place, {**body, "metadata": {**body["metadata"], "uid": uid}})

    async def merge_patch(
        self, path: str, body: Mapping[str, Any], *, manager: str | None = None
    ) -> dict[str, Any]:
        self._ask("patch", path)
        found = self.objects.get(path)
        if found is None:
            raise ApiError(404, "NotFound", "it is gone")
        version = body.get("metadata", {}).get("resourceVersion")
        if version not in (None, found["metadata"]["resourceVersion"]):
            raise ApiError(409, "Conflict", "it was written")
        data = {**found.get("data", {}), **body.get("data", {})}
        return self._store(
            path, {**found, "data": {key: value for key, value in data.items() if value is not None}}
        )

    async def delete(self, path: str, *, uid: str, version: str) -> None:
        self._ask("delete", path)
        found = self.objects.get(path)
        if found is None:
            return
        if (found["metadata"]["uid"], found["metadata"]["resourceVersion"]) != (uid, version):
            raise ObjectChangedError(409, "Conflict", "it was written")
        del self.objects[path]

    async def list(self, path: str, *, keep: Keep = dict, **_: Any) -> tuple[list[dict[str, Any]], str]:
        self._ask("list", path)
        found = (one for place, one in self.objects.items() if place.startswith(f"{path}/"))
        return [keep(json.loads(json.dumps(one))) for one in found], str(self._version)

    def _store(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self._version += 1
        metadata = {**body["metadata"], "resourceVersion": str(self._version)}
        self.objects[path] = json.loads(json.dumps({**body, "metadata": metadata}))
        stored: dict[str, Any] = json.loads(json.dumps(self.objects[path]))
        return stored

    def _ask(self, verb: str, path: str) -> None:
        self.requests.append((verb, path))
        if any(part in f"{verb} {path}" for part in self.refused):
            raise ApiError(403, "Forbidden", f"{verb} {path} is forbidden")
