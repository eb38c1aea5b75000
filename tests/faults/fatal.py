"""``gatewayctl`` that dies of SIGKILL at a chosen moment: before, after or at the n-th call of a named function.

``FATAL="MODULE:QUALIFIED_NAME:before|after:NUMBER …" ARMED=FILE python -m tests.faults.fatal daemon …``: calls count
while the file names their moment. ``PART_BYTES`` lowers what one Secret of the state takes, ``GROUP`` how many gateways
lie together in it, and while the file ``FULL`` exists there is no room for what the engine is to read.
"""

import errno
import functools
import importlib
import inspect
import itertools
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway_components.cli.main import main
from gateway_components.engine import entries
from gateway_components.engine.folder import ScratchFolder
from gateway_components.kube.state_secrets import StateSecrets

PROGRAM = sys.executable, "-m", "tests.faults.fatal"


def arm(
    module: str,
    name: str,
    when: str,
    number: int,
    signal_: signal.Signals = signal.SIGKILL,
    armed: Callable[[], bool] = lambda: True,
) -> None:
    """Have this process get a signal at the `number`-th call of a function, or method, once it is `armed`."""
    *path, last = name.split(".")
    holder: Any = importlib.import_module(module)
    for step in path:
        holder = getattr(holder, step)
    wrap = _wrapped_coroutine if inspect.iscoroutinefunction(getattr(holder, last)) else _wrapped
    hit = functools.partial(os.kill, os.getpid(), signal_)
    calls = itertools.count(1)
    setattr(holder, last, wrap(getattr(holder, last), when, lambda: armed() and next(calls) == number, hit))


def _wrapped(
    function: Callable[..., Any], when: str, counts: Callable[[], bool], hit: Callable[[], None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    def called(*arguments: Any, **options: Any) -> Any:
        last = counts()
        if last and when == "before":
            hit()
        result = function(*arguments, **options)
        if last:
            hit()
        return result

    return called


def _wrapped_coroutine(
    function: Callable[..., Any], when: str, counts: Callable[[], bool], hit: Callable[[], None]
) -> Callable[..., Any]:
    @functools.wraps(function)
    async def called(*arguments: Any, **options: Any) -> Any:
        last = counts()
        if last and when == "before":
            hit()
        result = await function(*arguments, **options)
        if last:
            hit()
        return result

    return called


def _names(file: Path, moment: str) -> bool:
    return file.exists() and file.read_text() == moment


def fill(marker: Path) -> None:
    """Have the scratch folder be full as long as `marker` exists."""
    write = ScratchFolder.write

    def full(folder: ScratchFolder, *arguments: Any) -> None:
        with folder.used("written"):
            if marker.exists():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(folder, *arguments)

    ScratchFolder.write = full  # type: ignore[method-assign,assignment]


if __name__ == "__main__":
    if "PART_BYTES" in os.environ:
        StateSecrets.__init__.__defaults__ = (int(os.environ["PART_BYTES"]),)
    if "GROUP" in os.environ:
        entries._MOST = int(os.environ["GROUP"])
    if "FULL" in os.environ:
        fill(Path(os.environ["FULL"]))
    for fatal in os.environ.get("FATAL", "").split():
        module, name, when, number = fatal.split(":")
        armed = functools.partial(_names, Path(os.environ["ARMED"]), fatal)
        arm(module, name, when, int(number), armed=armed)
    main()
