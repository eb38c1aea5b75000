"""``gatewayctl`` whose engine dies of SIGKILL at a chosen stage of a run, once for each time it is asked to.

``MOMENT=FILE python -m tests.faults.fatal_engine daemon …``: where the file names a stage, the engine of the next run
that gets there dies, and the file goes. After the start, only a run with the gateway `REFUSED` counts, and it goes on
until the engine has told that its Service was refused.
"""

import functools
import os
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from gateway_components.cli.main import main
from gateway_components.engine import protocol, registration, stacks
from gateway_components.engine.checkpoint import PROJECT
from gateway_components.engine.diagnostics import Diagnostics
from gateway_components.identity import Identity

PROGRAM = sys.executable, "-m", "tests.faults.fatal_engine"
SECONDS = 120.0
REFUSED = "refused"

START = "at the start"
OBJECTS = "while it makes objects"
END = "near the end"
EXIT = "before it exits"
STAGES = START, OBJECTS, END, EXIT

WRAPPER = """#!/bin/sh
case " $* " in *" up "*) stage=$(cat {moment} 2>/dev/null) ;; esac
[ "$stage" = "{stage}" ] || exec {engine} "$@"
{engine} "$@"
code=$?
grep -q "/{refused}\\"" "../../backend/.pulumi/stacks/{project}/$(basename "$PWD").json" || exit $code
rm {moment}
kill -KILL $$
"""
"""An engine that does everything, writes its state, and dies before it can say so."""

concerned, refused = threading.Event(), threading.Event()
"""Whether the run is about that gateway, and whether the engine has told of it."""


def arm(moment: Path) -> None:
    """Have the engine die whenever the file says so."""

    def dies_at(stage: str, when: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(original: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
            if when(*arguments) and moment.exists() and moment.read_text() == stage:
                assert stage == START or refused.wait(SECONDS)
                _kill()
                moment.unlink()
            return original(*arguments, **options)

        return wrapped

    def begins(*_: Any) -> bool:
        concerned.clear()
        refused.clear()
        return True

    def is_deployment(key: Identity, manifest: Any, *_: Any) -> bool:
        if key.name == REFUSED:
            concerned.set()
        return concerned.is_set() and bool(manifest["kind"] == "Deployment")

    def heard(original: Callable[..., Any], diagnostics: Diagnostics, event: Any) -> None:
        original(diagnostics, event)
        if diagnostics.failures():
            refused.set()

    def engine(original: Callable[..., Any]) -> Path:
        wrapper = moment.with_name("engine-that-dies")
        names = {"moment": shlex.quote(str(moment)), "engine": shlex.quote(str(original()))}
        wrapper.write_text(WRAPPER.format(stage=EXIT, refused=REFUSED, project=PROJECT, **names))
        wrapper.chmod(0o755)
        return wrapper

    _wrap(protocol._Runtime, "Run", dies_at(START, begins))
    _wrap(registration, "_object", dies_at(OBJECTS, is_deployment))
    _wrap(registration, "_gateway_outputs", dies_at(END, lambda *_: concerned.is_set()))
    _wrap(Diagnostics, "on_event", heard)
    _wrap(stacks, "find_engine", engine)


def _wrap(holder: Any, name: str, wrapper: Callable[..., Any]) -> None:
    original = getattr(holder, name)

    @functools.wraps(original)
    def called(*arguments: Any, **options: Any) -> Any:
        return wrapper(original, *arguments, **options)

    setattr(holder, name, called)


def _kill() -> None:
    for child in psutil.Process().children():
        if "up" in child.cmdline():
            # Not waited for: whoever started it is to hear how it ended.
            child.kill()


if __name__ == "__main__":
    arm(Path(os.environ["MOMENT"]))
    main()
