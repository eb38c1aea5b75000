"""A process of low priority for large plans, bounded in time and memory.

Because of Python's global lock, a plan of seconds in a thread delays the event loop by tenths, again and again. Pieces
of work come as pickles on standard input, from the daemon alone, and answers go to standard output.
"""

import asyncio
import contextlib
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO

from gateway_components.plan.findings import Failure, Reason
from gateway_components.plan.generate import Generated, generate

Inputs = tuple[Any, ...]
"""Arguments of `generate`."""

_CPU_SECONDS = 10.0
"""Of one plan: three times what the largest patch takes that a ConfigMap can hold."""
_WALL_SECONDS = 120.0
"""The same on a machine that is busy otherwise."""
_MEMORY_BYTES = 2**30
"""Address space of the process, of which a third is taken from the beginning."""
_IDLE_SECONDS = 60.0
_NICENESS = 10
_KEPT_VARIABLES = ("PATH", "PYTHON", "LANG", "LC_", "LD_")
_SIZE = struct.Struct("!Q")
_CURE = "make the config patch, and what the gateway lists, smaller"
_TRIES = 2


class PlanWorker:
    """Makes one large plan at a time, in a process that starts on demand and ends when idle.

    A plan may take `cpu_seconds` of processor time.
    """

    def __init__(self, cpu_seconds: float = _CPU_SECONDS) -> None:
        self._cpu_seconds = cpu_seconds
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._resting: asyncio.TimerHandle | None = None

    async def generate(self, inputs: Inputs) -> Generated:
        """Return what `generate` makes of `inputs`; those who wait take turns.

        Raises Failure: the gateway's input is at fault, or takes more time or memory than a plan may.
        """
        async with self._turn:
            for _ in range(_TRIES):
                try:
                    async with asyncio.timeout(_WALL_SECONDS):
                        return await self._ask(inputs)
                except TimeoutError:
                    await self._end()
                    break
                except (OSError, EOFError):
                    # Somebody ended it, or it broke its own bounds; a second time it was this plan.
                    await self._end()
                except asyncio.CancelledError:
                    # What it is at would be taken for the next answer.
                    await self._end()
                    raise
            raise _over("more time or memory than one plan may take")

    async def aclose(self) -> None:
        """End the process, if there is one."""
        async with self._turn:
            await self._end()

    async def _ask(self, inputs: Inputs) -> Generated:
        process = await self._started()
        assert process.stdin is not None  # noqa: S101  (both are pipes)
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(_message((self._cpu_seconds, inputs)))
        await process.stdin.drain()
        (size,) = _SIZE.unpack(await process.stdout.readexactly(_SIZE.size))
        answer: Generated | Failure = pickle.loads(await process.stdout.readexactly(size))  # noqa: S301  (our own)
        self._resting = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._dismiss)
        if isinstance(answer, Failure):
            raise answer
        return answer

    async def _started(self) -> asyncio.subprocess.Process:
        if self._resting:
            self._resting.cancel()
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                __name__,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # It reads what tenants wrote, and needs no credentials for that.
                env={key: value for key, value in os.environ.items() if key.startswith(_KEPT_VARIABLES)},
                start_new_session=True,
            )
        return self._process

    def _dismiss(self) -> None:
        # It ends by itself once there is nothing more to read.
        if self._process and self._process.stdin and not self._turn.locked():
            self._process.stdin.close()
            self._process = None

    async def _end(self) -> None:
        process, self._process = self._process, None
        if self._resting:
            self._resting.cancel()
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _BudgetError(BaseException):
    """The processor time of a plan is used up; nothing on the way catches it."""


def _over(what: str) -> Failure:
    return Failure(Reason.CONFIG_GENERATION_FAILED, f"planning it takes {what}", cure=_CURE)


def _message(content: object) -> bytes:
    text = pickle.dumps(content, pickle.HIGHEST_PROTOCOL)
    return _SIZE.pack(len(text)) + text


def _answer(cpu_seconds: float, work: Callable[[], Generated]) -> Generated | Failure:
    try:
        with _processor_time(cpu_seconds):
            made = work()
            # Packed here, so that the event loop of the daemon neither packs nor builds a megabyte of manifests.
            return replace(made, objects=made.objects.packed)
    except Failure as failure:
        return failure
    except _BudgetError:
        return _over(f"more than {cpu_seconds:g} s of processor time")
    except MemoryError:
        return _over("more memory than one plan may take")


@contextlib.contextmanager
def _processor_time(seconds: float) -> Iterator[None]:
    def end(*_: object) -> None:
        raise _BudgetError

    signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _work(source: BinaryIO, sink: BinaryIO) -> None:
    while head := source.read(_SIZE.size):
        (size,) = _SIZE.unpack(head)
        cpu_seconds, inputs = pickle.loads(source.read(size))  # noqa: S301  (the daemon's own)
        sink.write(_message(_answer(cpu_seconds, partial(generate, *inputs))))
        sink.flush()


def _main() -> None:
    # Ctrl-C in a terminal is meant for the daemon, which ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    with contextlib.suppress(BrokenPipeError):
        _work(sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    _main()
