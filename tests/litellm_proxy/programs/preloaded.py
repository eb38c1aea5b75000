"""LiteLLM's command, imported once and forked for each start.

It first prints the names of the variables that the imports have read, as a JSON list. Then it answers each line of its
input: ``{"start": ARGUMENTS, "env": {…}, "folder": PATH, "log": PATH}`` with the process id of a start, and
``{"status": PID}`` with its exit status, null while it runs. It ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
from typing import Any

_MULTIPROC = "PROMETHEUS_MULTIPROC_DIR"


def main() -> None:
    """Import what the command imports at its start, and serve requests."""
    # What LiteLLM prints is no answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    print(json.dumps(sorted(_import())), file=answers)
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
        for module in ("litellm.proxy.proxy_cli", "litellm.proxy.proxy_server"):
            importlib.import_module(module)

    names.discard(_MULTIPROC)
    environ.__getitem__ = read  # type: ignore[method-assign]
    return names


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND)
    for number, opened in enumerate((nothing, log, log)):
        os.dup2(opened, number)
    sys.argv = ["litellm", *request["start"]]
    sys.modules["litellm"].run_server()
    sys.exit(0)


if __name__ == "__main__":
    main()
