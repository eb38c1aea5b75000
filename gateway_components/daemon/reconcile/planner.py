"""Plans beside the event loop: within a budget of time, and nothing twice.

As long as a gateway and what it refers to are the same, it need not be planned again.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any

from gateway_components.api.gateways import AiGateway
from gateway_components.api.kinds import GATEWAY_KINDS
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.observe.telemetry import NOBODY, Step, Telemetry
from gateway_components.daemon.reconcile.plan_worker import Inputs, PlanWorker
from gateway_components.identity import Identity
from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.generate import Generated, generate
from gateway_components.plan.plan import Plan, PlanMemo, plan
from gateway_components.plan.snapshot import Snapshot, Unreadable

_LARGE = 30_000
"""Characters from which a plan is made in a process of its own: a thread may need a twentieth of a second."""
_ENTRY = 60
"""Characters that an entry of a list counts for."""
_NAMESPACE_SECONDS = 30.0
"""How long large plans may hold up the reconcile of their namespace; the others wait for the next one."""
_MOST_BYTES = 2**25
"""What is kept of plans in all."""

_MOST_OF_ONE = 3
"""Plans kept of one gateway: with all routes, with none, and with those that there is room for."""

_Outcome = Generated | Failure
_Made = dict[Identity, list[tuple[Inputs, _Outcome]]]


@dataclass(frozen=True, slots=True)
class _Known:
    inputs: Inputs
    outcome: _Outcome
    size: int


class Planner:
    """Plans namespaces, one gateway after another where they are large.

    `telemetry` gets a step for each large plan, so that a reconcile with many of them does not count as hanging.
    """

    def __init__(self, clock: Clock, worker: PlanWorker, telemetry: Telemetry = NOBODY) -> None:
        self._clock = clock
        self._worker = worker
        self._telemetry = telemetry
        self._known: OrderedDict[Identity, tuple[_Known, ...]] = OrderedDict()
        self._memos: dict[str, PlanMemo] = {}
        """By namespace; dropped once one of the plans that they hold is no longer kept."""
        self._bytes = 0
        self._keeping = threading.Lock()

    async def plan(self, namespace: str, snapshot: Snapshot) -> Plan:
        """Return the plan of a snapshot.

        It is ``unfinished`` where large plans have taken too long, and some of them wait for the next reconcile.
        """
        made: _Made = {}
        unfinished = False
        began = self._clock.now()
        with self._keeping:
            memo = self._memos.setdefault(namespace, PlanMemo())
        while True:
            large: list[Inputs] = []
            planned = await self._clock.in_thread(plan, snapshot, partial(self._make, made, large), memo)
            if not large:
                if not planned.gateways:
                    self._memos.pop(namespace, None)
                return replace(planned, unfinished=unfinished)
            for inputs in large:
                outcome: _Outcome = _WAITS
                if self._clock.now() - began > _NAMESPACE_SECONDS:
                    unfinished = True
                else:
                    outcome = await self._apart(namespace, inputs)
                made.setdefault(inputs[0].identity, []).append((inputs, outcome))

    def forget(self, subject: Identity) -> None:
        """Drop what is kept of a gateway that is gone."""
        with self._keeping:
            if subject.kind in GATEWAY_KINDS:
                self._bytes -= sum(known.size for known in self._known.pop(subject, ()))
                self._memos.pop(subject.namespace, None)

    async def _apart(self, namespace: str, inputs: Inputs) -> _Outcome:
        outcome: _Outcome
        with self._telemetry.step(Step.PLAN, namespace):
            try:
                outcome = await self._worker.generate(inputs)
            except Failure as failure:
                outcome = failure.with_traceback(None)
        return self._kept(inputs, outcome)

    def _make(self, made: _Made, large: list[Inputs], *inputs: Any) -> Generated:
        key = inputs[0].identity
        outcome = next((outcome for known, outcome in made.get(key, ()) if known == inputs), None)
        if outcome is None:
            outcome = self._recalled(key, inputs)
            if outcome is None and _weight(inputs) > _LARGE:
                large.append(inputs)
                raise _WAITS
            if outcome is None:
                outcome = self._kept(inputs, _outcome(inputs))
            made.setdefault(key, []).append((inputs, outcome))
        if isinstance(outcome, Failure):
            raise outcome
        return outcome

    def _recalled(self, key: Identity, inputs: Inputs) -> _Outcome | None:
        for known in self._known.get(key, ()):
            if known.inputs == inputs:
                return known.outcome
        return None

    def _kept(self, inputs: Inputs, outcome: _Outcome) -> _Outcome:
        """Keep an outcome, and return it as it is kept."""
        if isinstance(outcome, Generated):
            # Of a thousand gateways a reconcile applies a few, and needs the manifests of no other.
            outcome = replace(outcome, objects=outcome.objects.packed)
        known = _Known(inputs, outcome, _size(outcome))
        key = inputs[0].identity
        with self._keeping:
            before = self._known.pop(key, ())
            self._known[key] = (known, *before[: _MOST_OF_ONE - 1])
            self._bytes += sum(known.size for known in self._known[key])
            self._bytes -= sum(known.size for known in before)
            while self._bytes > _MOST_BYTES:
                gateway, oldest = self._known.popitem(last=False)
                self._memos.pop(gateway.namespace, None)
                self._bytes -= sum(known.size for known in oldest)
        return outcome


_WAITS = Failure(
    Reason.CONFIG_GENERATION_FAILED,
    f"large plans of this namespace take more than {_NAMESPACE_SECONDS:g} s; this one is made in a later reconcile",
    cure="make config patches, and what gateways list, smaller, or spread them over namespaces",
)


def _outcome(inputs: Inputs) -> _Outcome:
    try:
        return generate(*inputs)
    except Failure as failure:
        return failure.with_traceback(None)


def _size(outcome: _Outcome) -> int:
    """Return about how many bytes are kept of an outcome."""
    if isinstance(outcome, Failure):
        return len(str(outcome))
    warnings = sum(len(finding.message) + len(finding.cure) for finding in outcome.warnings)
    return outcome.objects.packed_bytes + warnings


def _weight(inputs: Inputs) -> int:
    """Return about how many characters a plan is made of."""
    gateway, contents, resources, servers, *_ = inputs
    spec = gateway.spec
    entries = len(spec.env) + len(spec.env_from) + len(spec.guardrails)
    entries += len(spec.ai_models) if isinstance(gateway, AiGateway) else 0
    entries += sum(1 + _tools(server) for server in servers.values())
    texts = (text for content in contents.values() for text in content.data.values())
    read = (
        one.spec.model_dump_json()
        for one in (gateway, *resources.values())
        if not isinstance(one, Unreadable)
    )
    return entries * _ENTRY + sum(map(len, chain(texts, read)))


def _tools(server: Mapping[str, object]) -> int:
    return sum(len(tools) for tools in server.values() if isinstance(tools, list | tuple))
