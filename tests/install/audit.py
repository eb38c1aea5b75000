"""What somebody asked of the API server, by its audit log."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
rules:
  - level: Metadata
    userGroups: ["system:serviceaccounts"]
    omitStages: [RequestReceived]
  - level: None
"""


@dataclass(frozen=True, order=True)
class Asked:
    """A kind of request, as roles speak of it."""

    verb: str
    group: str
    resource: str
    namespace: str


class Audit:
    """The audit log of a control plane that was started with `flags`."""

    def __init__(self, folder: Path) -> None:
        self._policy = folder / "audit-policy.yaml"
        self._policy.write_text(POLICY)
        self._log = folder / "audit.log"

    @property
    def flags(self) -> tuple[str, ...]:
        """Flags of the API server."""
        return (f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}")

    def asked(self, account: str) -> set[Asked]:
        """Return what a service account (NAMESPACE:NAME) asked for, of resources."""
        return {_asked(event) for event in self._events(account) if "objectRef" in event}

    def refused(self, account: str) -> list[str]:
        """Return the requests that the account had no right to."""
        return [
            f"{event['verb']} {event['requestURI']}"
            for event in self._events(account)
            if event.get("responseStatus", {}).get("code") == HTTPStatus.FORBIDDEN
        ]

    def _events(self, account: str) -> Iterator[Mapping[str, Any]]:
        lines = self._log.read_text().splitlines() if self._log.exists() else []
        events = (json.loads(line) for line in lines)
        return (event for event in events if event["user"]["username"] == f"system:serviceaccount:{account}")


def _asked(event: Mapping[str, Any]) -> Asked:
    target = event["objectRef"]
    resource = "/".join(filter(None, (target["resource"], target.get("subresource"))))
    return Asked(event["verb"], target.get("apiGroup", ""), resource, target.get("namespace", ""))
