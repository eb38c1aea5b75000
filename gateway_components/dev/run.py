"""Wiring of `gatewayctl dev`: the daemon's loop on a folder of manifests, until a signal stops it."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watchfiles import awatch

from gateway_components.backoff import Backoff
from gateway_components.concurrency import cancel_and_wait, leaf_errors, raise_failures, unless_stopped
from gateway_components.daemon.clock import Clock
from gateway_components.daemon.reconcile.ports import Batch, Reports
from gateway_components.daemon.reconcile.reconciler import Reconciler
from gateway_components.daemon.reconcile.rollouts import PodReader
from gateway_components.daemon.reconcile.work_queue import Schedule, WorkQueue
from gateway_components.dev.engine import CompanionError, Companions, FolderEngine
from gateway_components.dev.view import FolderReader, FolderView, NamespaceMissingError
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.engine.folder import ScratchFolder
from gateway_components.engine.stacks import Stacks
from gateway_components.errors import GatewayError
from gateway_components.identity import Identity
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.manifests.load import FileFinding
from gateway_components.plan.findings import Failure
from gateway_components.plan.ownership import Drift
from gateway_components.plan.plan import GatewayPlan
from gateway_components.plan.routes import RoutePlan
from gateway_components.plan.snapshot import Policy
from gateway_components.plan.status import Rollout

_WORKERS = 4
_ENGINE_SECONDS = 300.0
_GATHER_SECONDS = (0.05, 0.2)
_STEP_MILLISECONDS = 50
_LOOK_SECONDS = 10.0
"""Interval of reading folder and cluster even without a change event."""
_AGAIN_SECONDS = 1.0
"""Delay before a deleted file counts as deleted: editors replace files."""

Show = Callable[[str, str], None]
"""Prints a line: a verb, such as ``applied`` or ``failed``, and what it is about."""


@dataclass(frozen=True)
class FolderOptions:
    """What to run.

    Attributes
    ----------
    folder, policy
        The folder of manifests, and what applies to all of its objects.
    kubeconfig
        Credentials of the cluster; None for those of the pod.
    namespace
        Namespace of the objects that name none.
    scratch_folder
        Holds the state; one for each folder and cluster.
    keep
        Whether to leave the objects in the cluster at the end.
    """

    folder: Path
    kubeconfig: Path | None
    namespace: str
    scratch_folder: Path
    keep: bool
    policy: Policy = field(default_factory=Policy)


async def run_folder(options: FolderOptions, show: Show) -> None:
    """Reconcile the cluster with the folder until SIGINT or SIGTERM, then remove what was applied.

    A second signal stops the removal.

    Raises CredentialsError, EngineError, ApiError or ApiUnreachableError: it cannot start, or cannot remove what it
    applied.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ScratchFolder(options.scratch_folder) as state, ThreadPoolExecutor(_WORKERS) as executor:
        stacks = await asyncio.to_thread(Stacks, state, options.kubeconfig, _ENGINE_SECONDS)
        async with await KubeClient.connect(options.kubeconfig) as client:
            session = _Session(options, show, state, stacks, client, Clock(executor))
            await session.run(stop)
            stop.clear()
            await session.end(stop)


class _Session:
    def __init__(
        self,
        options: FolderOptions,
        show: Show,
        state: ScratchFolder,
        stacks: Stacks,
        client: KubeClient,
        clock: Clock,
    ) -> None:
        self._options = options
        self._show = show
        self._state = state
        self._stacks = stacks
        self._queue: WorkQueue[str] = WorkQueue(Schedule(*_GATHER_SECONDS), clock.now)
        self._engine = FolderEngine(stacks, client, clock, lambda key: show("deleted", str(key)))
        self._companions = Companions(client, state.path / "companions.json")
        reader = FolderReader(options.folder, options.namespace)
        self._view = FolderView(client, reader, self._engine.known, self._queue.change, options.policy)
        reporter = _Reporter(show, self._view.is_explained, self._engine.serves)
        self._reconciler = Reconciler(
            self._view,
            self._engine,
            reporter,
            clock,
            read_pods=PodReader(FencedClient(client, ReadOnly())).read,
            changed=self._queue.changed,
        )
        self._changed = asyncio.Event()
        self._findings: tuple[FileFinding, ...] = ()
        self._failures: dict[str, str] = {}
        self._backoffs: dict[str, Backoff] = {}

    async def run(self, stop: asyncio.Event) -> None:
        where = f"{self._options.folder}, namespace {self._options.namespace}"
        self._show(
            "watching", f"{where}; Ctrl-C {'leaves' if self._options.keep else 'deletes'} what it applied"
        )
        working = asyncio.create_task(self._queue.serve(self._reconcile, _WORKERS))
        parts = [asyncio.create_task(part) for part in (self._follow(), self._watch())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*parts, working, stopping), return_when=asyncio.FIRST_COMPLETED)
            raise_failures(*parts, working)
        finally:
            # The workers first: an interrupted run must not be reported as a failure.
            for part in (working, *parts):
                part.cancel()
            await asyncio.to_thread(self._stacks.stop)
            await cancel_and_wait(*parts, stopping, working)
            await self._view.close()

    async def end(self, stop: asyncio.Event) -> None:
        if self._options.keep:
            self._show("kept", "everything is kept; gatewayctl dev on the same folder resumes from there")
            return
        if not await unless_stopped(self._remove(), stop):
            self._show(
                "kept", "what was not deleted yet; gatewayctl dev on the same folder resumes from there"
            )

    async def _remove(self) -> None:
        for namespace in sorted(self._state.entries.stacks() | self._engine.namespaces):
            await self._engine.forget(namespace)
        await self._companions.remove()

    async def _watch(self) -> None:
        while True:
            with suppress(OSError, RuntimeError):
                async for _ in awatch(
                    self._options.folder, watch_filter=None, step=_STEP_MILLISECONDS, recursive=False
                ):
                    self._changed.set()
            # Polling continues without the folder, or without a free inotify watch.
            await asyncio.sleep(_LOOK_SECONDS)

    async def _follow(self) -> None:
        while True:
            self._changed.clear()
            pause = _LOOK_SECONDS
            try:
                self._show_findings(await self._view.look())
            except (GatewayError, ExceptionGroup) as error:
                self._show_failure("", _text(error))
            else:
                self._failures.pop("", None)
                for namespace in (
                    self._view.namespaces() | self._state.entries.stacks() | self._companions.namespaces
                ):
                    self._queue.change(namespace)
                if self._view.again:
                    pause = _AGAIN_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    async def _reconcile(self, namespace: str) -> None:
        try:
            await self._apply_namespace(namespace)
            await self._apply_companions(namespace)
            again = await self._reconciler.reconcile(namespace)
        except EngineInterruptedError:
            return
        except (GatewayError, ExceptionGroup) as error:
            if isinstance(error, NamespaceMissingError):
                self._companions.forget_namespace(namespace)
            self._show_failure(namespace, _text(error))
            backoff = self._backoffs.setdefault(namespace, Backoff(1.0, _LOOK_SECONDS))
            again = backoff.next()
        else:
            self._backoffs.pop(namespace, None)
            self._failures.pop(namespace, None)
        if again is not None:
            self._queue.ask(namespace, again)

    async def _apply_namespace(self, namespace: str) -> None:
        manifest = self._view.namespace(namespace)
        # It may exist, without the right to write it.
        with self._showing_failure(f"namespace {namespace}"):
            if manifest and await self._companions.apply_namespace(namespace, manifest):
                self._show("applied", f"Namespace {namespace}")

    async def _apply_companions(self, namespace: str) -> None:
        wanted, remove = self._view.companions(namespace), not self._view.is_incomplete()
        # The objects that gateways refer to may exist.
        with self._showing_failure(f"companions of {namespace}"):
            for key in await self._companions.apply(namespace, wanted, remove=remove):
                self._show("applied", str(key))

    @contextmanager
    def _showing_failure(self, where: str) -> Iterator[None]:
        try:
            yield
        except CompanionError as error:
            self._show_failure(where, str(error))
        else:
            self._failures.pop(where, None)

    def _show_failure(self, where: str, message: str) -> None:
        if self._failures.get(where) != message:
            self._failures[where] = message
            self._show("failed", message)

    def _show_findings(self, findings: tuple[FileFinding, ...]) -> None:
        for finding in findings:
            if finding not in self._findings:
                self._show(finding.severity, str(finding).replace(f" {finding.severity}:", "", 1))
        # Warnings may remain, such as for a gateway without a master key.
        if _has_errors(self._findings) and not _has_errors(findings):
            self._show("fixed", "the manifests have no more errors")
        self._findings = findings


class _Reporter(Reports):
    """Prints a line for each gateway or route whose condition changed.

    `is_explained` returns whether a gateway's failure was printed with file and line already, and `serves` whether one
    was applied before, so that its last good objects go on serving.
    """

    def __init__(
        self,
        show: Show,
        is_explained: Callable[[Failure], bool],
        serves: Callable[[Identity], bool],
    ) -> None:
        self._show = show
        self._is_explained = is_explained
        self._serves = serves
        self._shown: dict[Identity, tuple[str, str]] = {}

    async def gateway(
        self,
        gateway: GatewayPlan,
        raw: Mapping[str, Any],  # noqa: ARG002  (there is no status to write into)
        failure: Failure | None,
        rollout: Rollout | None,
    ) -> bool:
        if failure:
            why = "" if self._is_explained(failure) else f": {failure}"
            goes_on = "; the last applied objects stay" if self._serves(gateway.key) else ""
            self._show_once(gateway.key, "failed", f"{why}{goes_on}")
        elif rollout is None or not rollout.complete:
            self._show_once(gateway.key, "waiting", f": {rollout}" if rollout else "")
        else:
            self._show_once(gateway.key, "ready", f" at {gateway.objects.url}" if gateway.objects else "")
        return True

    async def route(
        self,
        route: RoutePlan,
        raw: Mapping[str, Any],  # noqa: ARG002  (there is no status to write into)
        degraded: Failure | None,
    ) -> bool:
        if not route.failure and not degraded:
            self._show_once(route.key, "routed", f" at {route.url}")
        else:
            self._shown.pop(route.key, None)
        return True

    async def released(self, subject: Identity, raw: Mapping[str, Any] | None) -> bool:  # noqa: ARG002
        self._shown.pop(subject, None)
        return True

    def drifted(self, key: Identity, drifts: Sequence[Drift]) -> None:
        self._show("drifted", f"{key}: {'; '.join(map(str, drifts))}")

    def engine_ran(
        self,
        namespace: str,  # noqa: ARG002  (each gateway has a line)
        batch: Batch,
        failures: Mapping[Identity, Failure],
        seconds: float,
    ) -> None:
        for key in sorted(batch.wanted.keys() - failures.keys()):
            self._shown.pop(key, None)
            self._show("applied", f"{key} in {seconds:.1f} s")

    def _show_once(self, subject: Identity, verb: str, text: str) -> None:
        if self._shown.get(subject) != (verb, text):
            self._shown[subject] = verb, text
            self._show(verb, f"{subject}{text}")


def _has_errors(findings: tuple[FileFinding, ...]) -> bool:
    return any(finding.severity == "error" for finding in findings)


def _text(error: Exception) -> str:
    """Return the messages of an error or group, each once; an internal error is raised."""
    found = tuple(leaf_errors(error))
    if not all(isinstance(cause, GatewayError) for cause in found):
        raise error
    return "; ".join(dict.fromkeys(map(str, found)))
