"""Says how things went: conditions on the gateway, events about it, lines in the log."""

from collections.abc import Collection, Mapping
from typing import Any

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ledger import Batch
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError
from gateway_components.kube.events import Event, publish
from gateway_components.kube.resources import AI_GATEWAYS
from gateway_components.kube.status import write_conditions
from gateway_components.plan.failure import Failure
from gateway_components.plan.keys import GatewayKey
from gateway_components.plan.kinds import GATEWAY_KINDS
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.status import Rollout, gateway_conditions, merge_conditions, without_conditions

__all__ = ["Reporter"]

Raw = Mapping[str, Any]
_RESOURCES = {"AiGateway": AI_GATEWAYS}


class Reporter:
    """Reports outcomes; a report that says nothing new writes nothing.

    Parameters
    ----------
    client
        The cluster.
    clock
        Gives the times that conditions and events carry.
    """

    def __init__(self, client: KubeClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._log = structlog.get_logger()

    async def outcome(
        self, gateway: GatewayPlan, raw: Raw, failure: Failure | None, rollout: Rollout | None
    ) -> bool:
        """Bring the status of a gateway up to date, and tell of it what is new.

        Parameters
        ----------
        gateway, raw
            The plan, and the object as it was last seen.
        failure
            Why its desired state was not reached; None where it was.
        rollout
            Progress of its Deployment.

        Returns
        -------
        bool
            False where the gateway changed before its status was written.
        """
        kind = GATEWAY_KINDS[gateway.key.kind]
        ours = gateway_conditions(kind, failure, rollout, gateway.generation)
        existing = (raw.get("status") or {}).get("conditions") or ()
        merged = merge_conditions(existing, ours, self._clock.timestamp())
        if merged is None:
            return True
        written = await write_conditions(self._client, _RESOURCES[gateway.key.kind], raw["metadata"], merged)
        if not written:
            return False
        before = {condition["type"]: condition for condition in existing}
        for condition in ours:
            old = before.get(condition["type"], {})
            if any(old.get(part) != condition[part] for part in ("status", "reason", "message")):
                await self._tell(
                    gateway.key, raw, condition, new_reason=old.get("reason") != condition["reason"]
                )
        return True

    async def released(self, key: GatewayKey, raw: Raw | None) -> bool:
        """Take our conditions off a gateway that is ours no longer; None stands for one that is gone.

        Returns
        -------
        bool
            False where the gateway changed before its status was written.
        """
        self._log.info("released", gateway=str(key), exists=raw is not None)
        if raw is None:
            return True
        existing = (raw.get("status") or {}).get("conditions") or ()
        kept = without_conditions(existing, GATEWAY_KINDS[key.kind])
        if kept is None:
            return True
        return await write_conditions(self._client, _RESOURCES[key.kind], raw["metadata"], kept)

    def engine_ran(
        self,
        namespace: str,
        batch: Batch,
        release: Collection[GatewayKey],
        failures: Mapping[GatewayKey, Failure],
        seconds: float,
    ) -> None:
        """Log one run of the engine."""
        self._log.info(
            "engine ran",
            namespace=namespace,
            applied=sorted(key.name for key in batch.wanted if key not in failures),
            failed=sorted(key.name for key in failures),
            released=sorted(key.name for key in release),
            refresh=batch.refresh,
            seconds=round(seconds, 3),
        )

    async def _tell(
        self, key: GatewayKey, raw: Raw, condition: Mapping[str, Any], *, new_reason: bool
    ) -> None:
        fine = condition["status"] == "True" or condition["reason"] == "DeploymentRollingOut"
        log = self._log.info if fine else self._log.warning
        log(
            condition["type"],
            gateway=str(key),
            status=condition["status"],
            reason=condition["reason"],
            message=condition["message"],
        )
        # Progress of a rollout changes the message many times; one event says it. A failure stands in both
        # conditions; the first one has told of it.
        if (fine and not new_reason) or (not fine and condition["type"] == GATEWAY_KINDS[key.kind].ready):
            return
        event = Event("Normal" if fine else "Warning", condition["reason"], "Reconcile", condition["message"])
        controller = GATEWAY_KINDS[key.kind].controller
        try:
            await publish(self._client, controller, raw, event, self._clock.timestamp(precise=True))
        except ApiError as error:
            # Conditions and log have said it; a namespace that is going takes no events.
            self._log.warning("event refused", gateway=str(key), error=str(error))
