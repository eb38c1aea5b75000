"""Tells at the end of a run how long the tests of each folder took."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import PurePosixPath

import pytest

_seconds: defaultdict[str, float] = defaultdict(float)
_tests: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    folder = _folder(report.nodeid)
    _seconds[folder] += report.duration
    _tests[folder] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if len(_tests) > 1:
        terminalreporter.section("time per folder, over all workers")
        for folder, seconds in sorted(_seconds.items(), key=lambda entry: -entry[1]):
            terminalreporter.write_line(f"{seconds:8.1f} s  {_tests[folder]:5} tests  {folder}")


def _folder(nodeid: str) -> str:
    return "/".join(PurePosixPath(nodeid.partition("::")[0]).parts[:2])
