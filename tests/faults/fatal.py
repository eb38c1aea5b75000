"""``gatewayctl`` that dies of SIGKILL at a chosen moment: before, after or at the n-th call of a named function.

``FATAL=MODULE:QUALIFIED_NAME:before|after:NUMBER python -m tests.faults.fatal daemon …``; ``PART_BYTES`` lowers what
one Secret of the state takes, and while the file ``FULL`` exists there is no room for what the engine is to read.
"""

import errno
import functools
import importlib
import inspect
import itertools
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gateway_components.cli.main import main
from gateway_components.engine.state import StateFolder
from gateway_components.kube.state_secrets import StateSecrets

__all__ = ["PROGRAM", "arm"]

PROGRAM = sys.executable, "-m", "tests.faults.fatal"


def arm(module: str, name: str, when: str, number: int, signal_: signal.Signals = signal.SIGKILL) -> None:
    """Have this process get a signal at the `number`-th call of a function, or method."""
    *path, last = name.split(".")
    holder: Any = importlib.import_module(module)
    for step in path:
        holder = getattr(holder, step)
    wrap = _wrapped_coroutine if inspect.iscoroutinefunction(getattr(holder, last)) else _wrapped
    hit = functools.partial(os.kill, os.getpid(), signal_)
    setattr(holder, last, wrap(getattr(holder, last), when, itertools.count(1), number, hit))


def _wrapped(
    function: Callable[..., Any], when: str, calls: Iterator[int], number: int, hit: Callable[[], None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        last = next(calls) == number
        if last and when == "before":
            hit()
        result = function(*arguments, **options)
        if last:
            hit()
        return result

    return called


def _wrapped_coroutine(
    function: Callable[..., Any], when: str, calls: Iterator[int], number: int, hit: Callable[[], None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    async def called(*arguments: Any, **options: Any) -> Any:
        last = next(calls) == number
        if last and when == "before":
            hit()
        result = await function(*arguments, **options)
        if last:
            hit()
        return result

    return called


def fill(marker: Path) -> None:
    """Have the scratch folder be full as long as `marker` exists."""
    write = StateFolder.write

    def full(folder: StateFolder, *arguments: Any) -> None:
        with folder._used("written"):
            if marker.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, *arguments)

    StateFolder.write = full  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    if "PART_BYTES" in os.environ:
        StateSecrets.__init__.__defaults__ = (int(os.environ["PART_BYTES"]),)
    if "FULL" in os.environ:
        fill(Path(os.environ["FULL"]))
    if "FATAL" in os.environ:
        module, name, when, number = os.environ["FATAL"].split(":")
        arm(module, name, when, int(number))
    main()
