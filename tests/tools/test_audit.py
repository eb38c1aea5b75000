"""What is said of known vulnerabilities: clean is only what a database was asked about."""

import json
from subprocess import CompletedProcess
from typing import Any

import pytest

from tools.audit import NotAskedError, look_at, read_govulncheck, read_pip_audit
from tools.errors import ToolsError

VULNERABLE = {"name": "yarl", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}
CLEAN = {"name": "click", "version": "8.5", "vulns": []}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited"}
FINDING = {
    "finding": {
        "osv": "GO-1",
        "fixed_version": "v1.2.0",
        "trace": [{"module": "example.com/m", "version": "v1.1.0", "package": "example.com/m/p"}],
    }
}


def ended(output: str, code: int = 0, errors: str = "") -> CompletedProcess[str]:
    return CompletedProcess([], code, output, errors)


def packages(*found: dict[str, Any]) -> CompletedProcess[str]:
    return ended(json.dumps({"dependencies": found, "fixes": []}))


def test_a_vulnerable_package_is_named_with_the_fixed_version() -> None:
    (line,) = read_pip_audit(packages(CLEAN, VULNERABLE))
    assert line == "PYSEC-1: yarl 1.0, fixed in 1.1"


UNASKED = [
    (
        packages(CLEAN, SKIPPED),
        "1 of 2 packages; Dependency not found",
        "pip-audit calls this clean, and ends with 0",
    ),
    (packages(), "0 of 0 packages", "nothing was looked at"),
    (ended("", 1, "Traceback\nConnectionError: no route"), "ConnectionError: no route", "it gave up"),
    (ended("", 1), "it said nothing", "it was killed"),
]


@pytest.mark.parametrize(("done", "reported", "why"), UNASKED, ids=[case[2] for case in UNASKED])
def test_packages_that_nobody_was_asked_about_are_not_clean(
    done: CompletedProcess[str], reported: str, why: str
) -> None:
    with pytest.raises(NotAskedError, match=reported):
        list(read_pip_audit(done))


def test_a_vulnerable_module_is_named_once_however_it_is_reached() -> None:
    messages = [{"config": {}}, {"osv": {"id": "GO-1"}}, FINDING, FINDING]
    (line,) = read_govulncheck(ended("\n".join(json.dumps(message, indent=2) for message in messages)))
    assert line == "GO-1: example.com/m v1.1.0, fixed in v1.2.0"


def test_modules_that_nobody_was_asked_about_are_not_clean() -> None:
    refused = ended('{"config": {}}', 1, "govulncheck: fetching vulnerabilities: no such host\n")
    with pytest.raises(NotAskedError, match="no such host"):
        list(read_govulncheck(refused))


def test_the_audit_fails_for_what_is_known_and_for_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    answers = {"a": packages(CLEAN), "b": packages(VULNERABLE), "c": packages(SKIPPED)}
    subjects = {name: ([name], read_pip_audit) for name in answers}
    with pytest.raises(
        ToolsError, match=r"^1 known vulnerabilities; not looked at: c; this needs the databases"
    ):
        look_at(subjects, lambda command: answers[command[0]])
    reported = capsys.readouterr().out.splitlines()
    assert reported[0] == "a: no known vulnerabilities"
    assert "PYSEC-1" in reported[2]
    assert reported[3].startswith("c: NOT looked at")
    look_at({"a": ([], read_pip_audit)}, lambda _: answers["a"])
