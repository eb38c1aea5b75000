"""LiteLLM and the MCP SDK, imported once and forked for each start of a program that uses them.

It first prints the names of the variables that the imports have read, as a JSON list. Then it answers each line of its
input: ``{"start": ARGUMENTS, "program": PATH, "env": {…}, "folder": PATH, "output": PATH, "log": PATH}`` with the
process id of a start, and ``{"status": PID}`` with its exit status, null while it runs. Without a program, it starts
LiteLLM's command. It ends with its input.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import sys
import tempfile
import threading
import traceback
from typing import Any, NoReturn

_MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    """Import what the command and the programs import at their start, and serve requests."""
    # What LiteLLM prints is no answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps(sorted(_import())), file=answers)
    gc.freeze()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "start" in request:
            print(_start(request), file=answers)
            continue
        pid = request["status"]
        if pid not in ended:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended[pid] = os.waitstatus_to_exitcode(status)
        print(json.dumps(ended.get(pid)), file=answers)


def _import() -> set[str]:
    names: set[str] = set()
    environ = type(os.environ)
    read = environ.__getitem__

    def noted(self: Any, name: str) -> str:
        names.add(name)
        return read(self, name)

    environ.__getitem__ = noted  # type: ignore[method-assign]
    # Of the folder of metrics, the imports want to know only whether there is one.
    with tempfile.TemporaryDirectory(prefix="litellm-metrics-") as metrics:
        os.environ[_MULTIPROC] = metrics
        for module in (
            "litellm.proxy.proxy_cli",
            "litellm.proxy.proxy_server",
            "mcp.client.streamable_http",
            "mcp.server.fastmcp",
        ):
            importlib.import_module(module)

    names.discard(_MULTIPROC)
    environ.__getitem__ = read  # type: ignore[method-assign]
    return names


def _run(program: str | None, arguments: list[str]) -> int:
    sys.argv = [program or "litellm", *arguments]
    try:
        if program:
            runpy.run_path(program, run_name="__main__")
        else:
            sys.modules["litellm"].run_server()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except Exception:  # noqa: BLE001  (as the interpreter does it)
        traceback.print_exc()
        return 1
    return 0


def _end(code: int) -> NoReturn:
    """Exit as the interpreter does, but leave the modules to the system: taking them apart takes three seconds."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    output, log = (
        os.open(request[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("output", "log")
    )
    for number, opened in enumerate((nothing, output, log)):
        os.dup2(opened, number)
    _end(_run(request["program"], request["start"]))


if __name__ == "__main__":
    main()
