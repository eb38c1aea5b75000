"""Authorizes bearer tokens for a path by TokenReview and SubjectAccessReview, as kube-rbac-proxy does.

Verdicts are cached, as each scrape would cost two requests. The number of concurrent reviews is bounded, against
clients that make up tokens.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from gateway_components.errors import GatewayError
from gateway_components.kube.client import KubeClient
from gateway_components.kube.resources import SUBJECT_ACCESS_REVIEWS, TOKEN_REVIEWS, Resource

_ALLOWED_SECONDS = 60.0
"""How long a revoked permission or a deleted token may still be accepted."""
_REFUSED_SECONDS = 10.0
_SECONDS = 5.0
"""Time limit of a verdict; a scrape does not last much longer."""
_KEPT = 256
"""Cached verdicts; few clients scrape."""
_WAITING = 8
"""Reviews in progress or queued; one more is turned away."""
_AT_ONCE = 2
"""Concurrent reviews, so that made-up tokens do not hold up the daemon's own requests."""
_TOKEN_BYTES = 16_384
"""Longest token; the API server accepts headers of a megabyte."""


class Verdict(Enum):
    """The verdict on a request."""

    ALLOWED = "allowed"
    UNAUTHENTICATED = "no token, or an invalid one"
    FORBIDDEN = "no right to get this path"
    UNKNOWN = "the API server gave no answer"
    BUSY = "too many reviews in progress"


@dataclass(frozen=True, slots=True)
class _Answer:
    verdict: Verdict
    until: float


class AccessReviewer:
    """Reviews tokens for a non-resource `path` with the API server; `now` is a monotonic clock in seconds."""

    def __init__(self, client: KubeClient, path: str, now: Callable[[], float]) -> None:
        self._client = client
        self._path = path
        self._now = now
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()
        self._asked: dict[bytes, asyncio.Task[Verdict]] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def verdict(self, authorization: str) -> Verdict:
        """Return the verdict on a request with this header ``Authorization``, which may be empty."""
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > _TOKEN_BYTES:
            return Verdict.UNAUTHENTICATED
        # The token itself is not stored.
        key = hashlib.sha256(token.encode(errors="surrogateescape")).digest()
        known = self._answers.get(key)
        if known and self._now() < known.until:
            return known.verdict
        if key not in self._asked:
            if len(self._asked) >= _WAITING:
                return Verdict.BUSY
            asking = asyncio.create_task(self._ask(token))
            self._asked[key] = asking
            asking.add_done_callback(lambda _: self._asked.pop(key, None))
        try:
            async with asyncio.timeout(_SECONDS):
                # A timeout must not cancel the review for other waiters.
                verdict = await asyncio.shield(self._asked[key])
        except TimeoutError:
            return Verdict.UNKNOWN
        self._keep(key, verdict)
        return verdict

    def _keep(self, key: bytes, verdict: Verdict) -> None:
        if verdict is Verdict.UNKNOWN:
            return
        seconds = _ALLOWED_SECONDS if verdict is Verdict.ALLOWED else _REFUSED_SECONDS
        self._answers[key] = _Answer(verdict, self._now() + seconds)
        self._answers.move_to_end(key)
        while len(self._answers) > _KEPT:
            self._answers.popitem(last=False)

    async def _ask(self, token: str) -> Verdict:
        async with self._turns:
            try:
                who = await self._review(TOKEN_REVIEWS, {"token": token})
                user = who.get("user")
                if who.get("authenticated") is not True or not isinstance(user, dict):
                    return Verdict.UNAUTHENTICATED
                may = await self._review(SUBJECT_ACCESS_REVIEWS, self._question(user))
            except GatewayError:
                return Verdict.UNKNOWN
        return Verdict.ALLOWED if may.get("allowed") is True else Verdict.FORBIDDEN

    async def _review(self, resource: Resource, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        body = {
            "apiVersion": f"{resource.group}/v1",
            "kind": resource.kind,
            "spec": spec,
        }
        answer = await self._client.ask(resource.collection(), body)
        status = answer.get("status")
        return status if isinstance(status, dict) else {}

    def _question(self, user: Mapping[str, Any]) -> dict[str, Any]:
        who = {
            "user": user.get("username", ""),
            "groups": user.get("groups") or [],
            "uid": user.get("uid", ""),
            "extra": user.get("extra") or {},
        }
        return {**who, "nonResourceAttributes": {"path": self._path, "verb": "get"}}
