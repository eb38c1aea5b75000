"""Imports modules once, and is forked for each start of a program that uses them.

``preloaded_program.py CODE MODULE...`` executes the code after the imports. It first prints the names of the variables
that the imports have read, as a JSON list. Then it answers each line of its input: ``{"program": NAME, "arguments":
[…], "env": {…}, "folder": PATH, "output": PATH, "log": PATH}`` with the process id of a start, and ``{"status": PID}``
with its exit status, null while it runs. A program is the path of a file or the name of a module. It ends with its
input.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import runpy
import sys
import threading
import traceback
from typing import Any, TextIO


def main() -> None:
    """Import what the programs import at their start, and serve requests."""
    # What the modules print is no answer.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    gc.disable()
    once, *modules = sys.argv[1:]
    read = _import(modules)
    exec(once, {})  # noqa: S102  (of the tests themselves)
    print(json.dumps(sorted(read)), file=answers)
    gc.freeze()
    gc.enable()
    ended: dict[int, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "program" in request:
            print(_start(request, answers), file=answers)
            continue
        pid = request["status"]
        if pid not in ended:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                ended[pid] = os.waitstatus_to_exitcode(status)
        print(json.dumps(ended.get(pid)), file=answers)


def _import(modules: list[str]) -> set[str]:
    names: set[str] = set()
    environ = type(os.environ)
    read = environ.__getitem__

    def noted(self: Any, name: str) -> str:
        names.add(name)
        return read(self, name)

    environ.__getitem__ = noted  # type: ignore[method-assign]
    for module in modules:
        importlib.import_module(module)
    environ.__getitem__ = read  # type: ignore[method-assign]
    return names


def _start(request: dict[str, Any], answers: TextIO) -> int:
    given = os.open(request["input"], os.O_RDONLY)
    output, log = (
        os.open(request[name], os.O_WRONLY | os.O_APPEND | os.O_CREAT) for name in ("output", "log")
    )
    pid = os.fork()
    if pid:
        for opened in (given, output, log):
            os.close(opened)
        return pid
    os.close(answers.fileno())
    os.setsid()
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    for number, opened in enumerate((given, output, log)):
        os.dup2(opened, number)
    code = _run(request["program"], request["arguments"])
    # What the interpreter does at its end, but for taking the modules apart: LiteLLM's take three seconds.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _run(program: str, arguments: list[str]) -> int:
    sys.argv = [program, *arguments]
    try:
        if os.sep in program:
            runpy.run_path(program, run_name="__main__")
        else:
            sys.path.insert(0, "")
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        sys.stderr.write(f"{end.code}\n")
        return 1
    except Exception:  # noqa: BLE001  (as the interpreter does it)
        traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    main()
