"""Wiring: starts the parts of the daemon, keeps them running, stops them in order."""

import asyncio
import contextlib
import signal
from concurrent.futures import ThreadPoolExecutor
from enum import IntEnum

import structlog

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.ports import Engine
from gateway_components.daemon.queue import QueueClosedError, Schedule, WorkQueue
from gateway_components.daemon.reconcile import Reconciler
from gateway_components.daemon.report import Reporter
from gateway_components.daemon.settings import Settings
from gateway_components.daemon.view import ClusterView
from gateway_components.engine.errors import EngineError, EngineInterruptedError
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from gateway_components.kube.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.errors import ApiError, ApiUnreachableError
from gateway_components.plan.keys import GatewayKey

__all__ = ["Exit", "run"]

_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.2
"""Pause after a run that was interrupted because its namespace goes."""
_QUIET_SHARE = 0.1
"""Part of the batch time without a change after which a pass begins."""


class Exit(IntEnum):
    """Exit codes of the daemon."""

    STOPPED = 0
    INTERNAL_ERROR = 1
    BAD_SETTINGS = 2
    NO_ENGINE = 3
    NO_CREDENTIALS = 4
    STATE_IN_USE = 5
    INTERRUPTED = 6


async def run(settings: Settings) -> Exit:
    """Reconcile until SIGTERM or SIGINT.

    Returns
    -------
    Exit
        ``STOPPED`` where every pass could finish, ``INTERRUPTED`` where an engine run had to be cut short.

    Raises
    ------
    CredentialsError, EngineMissingError, StateLockedError, EngineError
        The daemon cannot start.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with (
        StateFolder(settings.scratch_folder) as state,
        ThreadPoolExecutor(settings.workers, thread_name_prefix="engine") as executor,
    ):
        stacks = await asyncio.to_thread(Stacks, state, settings.kubeconfig, settings.engine_seconds)
        async with await KubeClient.connect(settings.kubeconfig) as client:
            return await _Daemon(settings, client, stacks, Clock(executor)).run(stop)


class _Daemon:
    def __init__(self, settings: Settings, client: KubeClient, stacks: Stacks, clock: Clock) -> None:
        self._settings = settings
        self._stacks = stacks
        self._queue: WorkQueue[str] = WorkQueue(
            Schedule(settings.batch_seconds * _QUIET_SHARE, settings.batch_seconds), clock.now
        )
        reporter = Reporter(client, clock)
        self._view = ClusterView(
            client, self._queue.change, self._suspect, self._namespace_leaves, reporter.forget
        )
        engine: Engine = stacks
        self._reconciler = Reconciler(self._view, engine, reporter, clock)
        self._watching = False
        self._backoffs: dict[str, Backoff] = {}
        self._log = structlog.get_logger()

    async def run(self, stop: asyncio.Event) -> Exit:
        watching = asyncio.create_task(self._view.run())
        working = asyncio.create_task(self._work())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((watching, working, stopping), return_when=asyncio.FIRST_COMPLETED)
            # A part that ends before it is told to has failed: its error ends the daemon.
            for part in (watching, working):
                if part.done():
                    part.result()
            return await self._finish(working)
        finally:
            for task in (watching, working, stopping):
                task.cancel()
            await asyncio.gather(watching, working, stopping, return_exceptions=True)

    def _suspect(self, key: GatewayKey) -> None:
        self._reconciler.suspect(key)

    def _namespace_leaves(self, namespace: str) -> None:
        # The engine would try again and again to create what the API server refuses there.
        if namespace in self._stacks.running():
            self._log.info("interrupting the engine", namespaces=[namespace], why="the namespace is deleted")
            self._stacks.interrupt(namespace)

    async def _work(self) -> None:
        self._log.info("starting", workers=self._settings.workers, state=str(self._settings.scratch_folder))
        await self._view.synced()
        self._watching = True
        self._log.info("watching", namespaces=len(self._view.namespaces()))
        # Namespaces whose gateways all went while no daemon ran have state and no event.
        for namespace in self._stacks.known() | self._view.namespaces():
            self._queue.change(namespace)
        async with asyncio.TaskGroup() as group:
            for _ in range(self._settings.workers):
                group.create_task(self._worker())

    async def _worker(self) -> None:
        with contextlib.suppress(QueueClosedError):
            while True:
                namespace = await self._queue.get()
                try:
                    await self._pass(namespace)
                finally:
                    self._queue.done(namespace)

    async def _pass(self, namespace: str) -> None:
        try:
            again = await self._reconciler.reconcile(namespace)
        except EngineInterruptedError:
            again = _LOOK_AGAIN_SECONDS
        except (ApiError, ApiUnreachableError, EngineError) as error:
            again = self._pause(namespace)
            self._log.warning(
                "pass failed", namespace=namespace, error=str(error), retry_seconds=round(again, 1)
            )
        except Exception:  # noqa: BLE001  (logged with its traceback, which the checker does not see)
            # A fault of ours in one namespace must not take the others along.
            again = self._pause(namespace)
            self._log.exception("internal error", namespace=namespace, retry_seconds=round(again, 1))
        else:
            self._backoffs.pop(namespace, None)
        if again is not None:
            self._queue.ask(namespace, again)

    def _pause(self, namespace: str) -> float:
        backoff = Backoff(_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS)
        return self._backoffs.setdefault(namespace, backoff).next()

    async def _finish(self, working: asyncio.Task[None]) -> Exit:
        self._log.info("stopping", limit_seconds=self._settings.stop_seconds)
        self._queue.close()
        if not self._watching:
            # Nothing has begun: the first look at the cluster may never end.
            working.cancel()
        await asyncio.wait((working,), timeout=self._settings.stop_seconds)
        if working.done():
            self._log.info("stopped")
            return Exit.STOPPED
        self._log.warning(
            "interrupting the engine",
            namespaces=sorted(self._stacks.running()),
            after_seconds=self._settings.stop_seconds,
        )
        working.cancel()
        await asyncio.to_thread(self._stacks.stop)
        return Exit.INTERRUPTED
