"""Wiring of `gatewayctl dev`: the daemon's loop on a folder of manifests, until it is told to stop."""

import asyncio
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from gateway_components.daemon.clock import Clock
from gateway_components.daemon.pods import PodReader
from gateway_components.daemon.queue import Schedule, WorkQueue
from gateway_components.daemon.reconcile import Reconciler
from gateway_components.daemon.workers import Workers
from gateway_components.dev.companions import CompanionError, Companions
from gateway_components.dev.engine import FolderEngine
from gateway_components.dev.reader import FolderReader
from gateway_components.dev.report import FolderReporter, Tell
from gateway_components.dev.view import FolderView
from gateway_components.engine.errors import EngineInterruptedError
from gateway_components.engine.stacks import Stacks
from gateway_components.engine.state import StateFolder
from gateway_components.errors import GatewayError
from gateway_components.kube.backoff import Backoff
from gateway_components.kube.client import KubeClient
from gateway_components.kube.fence import FencedClient, ReadOnly
from gateway_components.manifests.load import Finding
from gateway_components.together import causes, ended, raise_failures

__all__ = ["FolderOptions", "run_folder"]

_WORKERS = 4
_ENGINE_SECONDS = 300.0
_GATHER_SECONDS = (0.05, 0.2)
_STEP_MILLISECONDS = 50
_LOOK_SECONDS = 10.0
"""After which folder and cluster are looked at anyhow, for what nobody tells of."""
_AGAIN_SECONDS = 1.0
"""After which a file that has gone is believed gone."""


@dataclass(frozen=True)
class FolderOptions:
    """How a folder is run.

    Attributes
    ----------
    folder
        The folder.
    kubeconfig
        Credentials of the cluster; None for those of the pod this runs in.
    namespace
        Namespace of the objects that name none.
    scratch_folder
        Where the state is kept; one for each folder and cluster.
    keep
        Whether everything stays when it ends.
    """

    folder: Path
    kubeconfig: Path | None
    namespace: str
    scratch_folder: Path
    keep: bool


async def run_folder(options: FolderOptions, tell: Tell) -> None:
    """Keep the cluster as the folder says until SIGINT or SIGTERM, and remove everything then.

    A second signal ends the removing.

    Raises
    ------
    CredentialsError, EngineError, ApiError, ApiUnreachableError
        It cannot start, or not remove what it made.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with StateFolder(options.scratch_folder) as state, ThreadPoolExecutor(_WORKERS) as executor:
        stacks = await asyncio.to_thread(Stacks, state, options.kubeconfig, _ENGINE_SECONDS)
        async with await KubeClient.connect(options.kubeconfig) as client:
            session = _Session(options, tell, state, stacks, client, Clock(executor))
            await session.run(stop)
            stop.clear()
            await session.end(stop)


class _Session:
    def __init__(
        self,
        options: FolderOptions,
        tell: Tell,
        state: StateFolder,
        stacks: Stacks,
        client: KubeClient,
        clock: Clock,
    ) -> None:
        self._options = options
        self._tell = tell
        self._state = state
        self._stacks = stacks
        self._queue: WorkQueue[str] = WorkQueue(Schedule(*_GATHER_SECONDS), clock.now)
        self._engine = FolderEngine(stacks, client, clock, lambda key: tell("deleted", str(key)))
        self._companions = Companions(client, state.path / "companions.json")
        reader = FolderReader(options.folder, options.namespace)
        self._view = FolderView(client, reader, self._engine.known, self._queue.change)
        reporter = FolderReporter(tell, self._view.is_explained, self._engine.serves)
        self._reconciler = Reconciler(
            self._view,
            self._engine,
            reporter,
            clock,
            read_pods=PodReader(FencedClient(client, ReadOnly())).read,
            changed=self._queue.changed,
        )
        self._changed = asyncio.Event()
        self._findings: tuple[Finding, ...] = ()
        self._troubles: dict[str, str] = {}
        self._backoffs: dict[str, Backoff] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the folder until `stop`."""
        where = f"{self._options.folder}, namespace {self._options.namespace}"
        self._tell(
            "watching", f"{where}; Ctrl-C {'leaves' if self._options.keep else 'deletes'} what it applied"
        )
        workers = Workers(self._queue, self._pass, _WORKERS)
        working = asyncio.create_task(workers.run())
        parts = [asyncio.create_task(part) for part in (self._follow(), self._watch())]
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((*parts, working, stopping), return_when=asyncio.FIRST_COMPLETED)
            raise_failures(*parts, working)
        finally:
            # The workers first: what an interrupted run did not do is no failure.
            for part in (working, *parts):
                part.cancel()
            await asyncio.to_thread(self._stacks.stop)
            await ended(*parts, stopping, working)
            await self._view.close()

    async def end(self, stop: asyncio.Event) -> None:
        """Delete what was applied, unless it is to stay; until `stop`.

        Raises
        ------
        ApiError, ApiUnreachableError, EngineError, CompanionError
            Something could not be deleted.
        """
        if self._options.keep:
            self._tell("kept", "everything stays; gatewayctl dev on the same folder goes on from there")
            return
        removing = asyncio.create_task(self._remove())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait((removing, stopping), return_when=asyncio.FIRST_COMPLETED)
        done = removing.done()
        await ended(removing, stopping)
        if done:
            removing.result()
            return
        self._tell("kept", "what was not deleted yet; gatewayctl dev on the same folder goes on from there")

    async def _remove(self) -> None:
        for namespace in sorted(self._state.stacks() | self._engine.namespaces):
            await self._engine.forget(namespace)
        await self._companions.remove()

    async def _watch(self) -> None:
        """Notice that something happens in the folder."""
        while True:
            with suppress(OSError, RuntimeError):
                async for _ in awatch(
                    self._options.folder, watch_filter=None, step=_STEP_MILLISECONDS, recursive=False
                ):
                    self._changed.set()
            # The folder is gone, or the system has no watch left: it is looked at all the same.
            await asyncio.sleep(_LOOK_SECONDS)

    async def _follow(self) -> None:
        """Look at the folder when something happened, and from time to time."""
        while True:
            self._changed.clear()
            pause = _LOOK_SECONDS
            try:
                self._tell_findings(await self._view.look())
            except (GatewayError, ExceptionGroup) as error:
                self._trouble("", _text(error))
            else:
                self._troubles.pop("", None)
                for namespace in self._view.namespaces() | self._state.stacks() | self._companions.namespaces:
                    self._queue.change(namespace)
                if self._view.again:
                    pause = _AGAIN_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), pause)

    async def _pass(self, namespace: str) -> None:
        try:
            await self._bring_companions(namespace)
            again = await self._reconciler.reconcile(namespace)
        except EngineInterruptedError:
            return
        except (GatewayError, ExceptionGroup) as error:
            self._trouble(namespace, _text(error))
            backoff = self._backoffs.setdefault(namespace, Backoff(1.0, _LOOK_SECONDS))
            again = backoff.next()
        else:
            self._backoffs.pop(namespace, None)
            self._troubles.pop(namespace, None)
        if again is not None:
            self._queue.ask(namespace, again)

    async def _bring_companions(self, namespace: str) -> None:
        wanted, remove = self._view.companions(namespace), not self._view.is_blind()
        where = f"companions of {namespace}"
        try:
            for key in await self._companions.bring(namespace, wanted, remove=remove):
                self._tell("applied", f"{key.kind} {key.namespace}/{key.name}")
        except CompanionError as error:
            # The gateways go on: what they refer to may be there all the same.
            self._trouble(where, str(error))
        else:
            self._troubles.pop(where, None)

    def _trouble(self, where: str, message: str) -> None:
        if self._troubles.get(where) != message:
            self._troubles[where] = message
            self._tell("failed", message)

    def _tell_findings(self, findings: tuple[Finding, ...]) -> None:
        for finding in findings:
            if finding not in self._findings:
                self._tell(finding.severity, str(finding).replace(f" {finding.severity}:", "", 1))
        if self._findings and not findings:
            self._tell("mended", "nothing is wrong with the manifests any more")
        self._findings = findings


def _text(error: Exception) -> str:
    """Return what the errors of a group say, each once; one that is a fault of ours is raised."""
    found = tuple(causes(error))
    if not all(isinstance(cause, GatewayError) for cause in found):
        raise error
    return "; ".join(dict.fromkeys(map(str, found)))
